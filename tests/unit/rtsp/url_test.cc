#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "lib/rtsp/headers.h"

namespace midstream::rtsp {

TEST_CASE("a control attribute is resolved against the base", "[rtsp][url]") {
  struct Row {
    const char *base, *control, *url;
  };
  const std::vector<Row> rows{
      {"rtsp://h/a/", "track1", "rtsp://h/a/track1"},
      {"rtsp://h/a", "track1", "rtsp://h/a/track1"},
      {"rtsp://h/a/", "/track1", "rtsp://h/a/track1"},
      {"rtsp://h/a", "/track1", "rtsp://h/a/track1"},
      {"rtsp://h/a", "rtsp://g/b/1", "rtsp://g/b/1"},
      {"rtsp://h/a", "RTSP://g/b/1", "RTSP://g/b/1"},
      {"rtsp://h/a", "*", "rtsp://h/a"},
      {"rtsp://h/a/", "*", "rtsp://h/a/"},
      {"rtsp://h/a/", "", "rtsp://h/a/"},
      {"rtsp://h/a?b=c", "track1", "rtsp://h/a?b=c/track1"},
      {"rtsp://h/a?b=c/", "track1", "rtsp://h/a?b=c/track1"},
      {"rtsp://h/a", "?id=1&x=y", "rtsp://h/a/?id=1&x=y"},
      {"rtsp://h/a", "track?src=http://x", "rtsp://h/a/track?src=http://x"},
      {"10.0.0.1:554/a/", "track1", "10.0.0.1:554/a/track1"},
      {" rtsp://h/a ", " track1 ", "rtsp://h/a/track1"},
      {"", "track1", "track1"},
      {"", "", ""},
  };
  for (const Row& row : rows) {
    INFO(row.base << " + " << row.control);
    Url url;
    CHECK(resolve_url(row.base, row.control, url));
    CHECK(url.view() == row.url);
  }
}

TEST_CASE("a URL that does not fit is refused", "[rtsp][url]") {
  const std::string base = "rtsp://h/" + std::string(kMaxUrl - 11, 'a');
  Url url;
  CHECK(resolve_url(base, "1", url));
  CHECK(url.view().size() == kMaxUrl);
  CHECK_FALSE(resolve_url(base, "12", url));
  CHECK_FALSE(resolve_url(base + "bcd", "*", url));
  CHECK_FALSE(resolve_url("rtsp://h", "rtsp://h/" + std::string(kMaxUrl, 'a'), url));
}

TEST_CASE("the same resource, whoever serves it", "[rtsp][url]") {
  struct Row {
    const char *a, *b;
    bool same;
  };
  const std::vector<Row> rows{
      {"rtsp://h/a/1", "rtsp://h/a/1", true},
      {"rtsp://10.0.0.1/a/1", "rtsp://10.0.0.2:8554/a/1", true},
      {"rtsp://h/a/1", "RTSPU://g/a/1", true},
      {"rtsp://h/a/1", "rtsp://user:pass@h/a/1", true},
      {"rtsp://h/a/1", "/a/1", true},
      {"rtsp://h/a/1", "//h/a/1", true},
      {"rtsp://h/a/1", "10.0.0.1/a/1", true},
      {"rtsp://h/a/1", "h:554/a/1", true},
      {"rtsp://[fd00::1]:554/a", "rtsp://h/a", true},
      {"rtsp://h/a", "rtsp://h/a/", true},
      {"rtsp://h/a?b=c", "rtsp://h/a?b=c/", true},
      {"rtsp://h/a?b=c", "rtsp://h/a/?b=c", true},
      {"rtsp://h", "rtsp://g/", true},
      {"rtsp://h?b=c", "rtsp://g/?b=c", true},
      {"track1", "track1/", true},
      {"rtsp://h/a", "rtsp://h/a//", false},
      {"rtsp://h/a", "rtsp://h/A", false},
      {"rtsp://h/a?b=c", "rtsp://h/a?b=d", false},
      {"rtsp://h/a?b=c", "rtsp://h/a", false},
      {"rtsp://h/a/1", "rtsp://h/a/2", false},
      {"rtsp://h/track1", "track1", false},
      {"rtsp://h/a", "rtsp://a", false},
      {"stream.1/a", "/a", false},
  };
  for (const Row& row : rows) {
    INFO(row.a << " and " << row.b);
    CHECK(same_resource(row.a, row.b) == row.same);
    CHECK(same_resource(row.b, row.a) == row.same);
  }
}

TEST_CASE("the host of a URL", "[rtsp][url]") {
  struct Row {
    const char *url, *host;
  };
  const std::vector<Row> rows{
      {"rtsp://10.0.0.1/a", "10.0.0.1"},
      {"rtsp://10.0.0.1:554/a", "10.0.0.1"},
      {"rtsp://10.0.0.1", "10.0.0.1"},
      {"rtsp://10.0.0.1?a", "10.0.0.1"},
      {"rtsp://cam.example:8554/a@b", "cam.example"},
      {"rtsp://user:p@ss@h:554/a", "h"},
      {"rtsp://[fd00::1]:554/a", "[fd00::1]"},
      {"rtsp://[fd00::1]", "[fd00::1]"},
      {"rtsp://[fd00::1", ""},
      {"//h/a", "h"},
      {"10.0.0.1/a", "10.0.0.1"},
      {"h:554/a", "h"},
      {"track1", ""},
      {"/a/track1", ""},
      {"a/rtsp://h", ""},
      {"*", ""},
      {"", ""},
  };
  for (const Row& row : rows) {
    INFO(row.url);
    CHECK(url_host(row.url) == row.host);
  }
}

}  // namespace midstream::rtsp
