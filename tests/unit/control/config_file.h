#pragma once

#include <string>

namespace midstream {

// A file that is right, in pieces, so that a test can put one wrong piece in the place of a right one.
struct File {
  std::string device = "[device]\naddress = \"10.99.0.254/24\"\n";                   // 1..2
  std::string ports = "[[port]]\nside = \"client\"\n[[port]]\nside = \"server\"\n";  // 3..6
  std::string server_a = "[[server]]\nname = \"a\"\naddress = \"10.99.0.2\"\n";      // 7..9
  std::string server_b = "[[server]]\nname = \"b\"\naddress = \"10.99.0.3\"\n";      // 10..12
  std::string service =
      "[[service]]\nname = \"movies\"\naddress = \"10.99.0.2\"\nservers = [\"a\", \"b\"]\n";  // 13..16
  std::string rest;                                                                           // 17..

  std::string text() const { return device + ports + server_a + server_b + service + rest; }
};

}  // namespace midstream
