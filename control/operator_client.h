// The operator's end of the socket (operator.h): asks, waits, and goes through all pages.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace midstream {

// One sentence for the operator.
struct OperatorError {
  std::string text;
};

class OperatorClient {
 public:
  OperatorClient() = default;
  ~OperatorClient();
  OperatorClient(const OperatorClient&) = delete;
  OperatorClient& operator=(const OperatorClient&) = delete;

  // Both throw OperatorError.
  void connect(const std::string& socket_path);
  nlohmann::json ask(const nlohmann::json& request);

 private:
  void send(std::string_view text);
  std::string read_line();

  int fd_ = -1;
  std::string input_;
};

using Ask = std::function<nlohmann::json(const nlohmann::json& request)>;

// Hands over every row behind `after`, page by page, and returns the cursor behind the last row: the
// last page's own `next` is null, so it is the last row's "id" where rows have one.
nlohmann::json for_each_row(const Ask& ask, const std::string& command, nlohmann::json after,
                            const std::function<void(const nlohmann::json& row)>& take);

}  // namespace midstream
