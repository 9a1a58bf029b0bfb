// Who may ask, and who is told what.
#include "src/http/access.h"

#include <string>
#include <vector>

#include "src/http/site.h"
#include "tests/unit/suite.h"

namespace {

using http::Guard;
using http::Header;
using http::Request;
using Headers = std::vector<Header>;

struct Row {
  const char* sentence;
  bool loopback;
  Headers headers;
  int wanted;  // 200: it may
};

int status(const http::Access& access, const Row& row) {
  Request request;
  request.headers = row.headers;
  const auto refusal = access.refuse(request, row.loopback);
  return refusal ? refusal->status : 200;
}

void check(const http::Access& access, const std::vector<Row>& rows) {
  for (const Row& row : rows)
    ck_assert_msg(status(access, row) == row.wanted, "%s: %d", row.sentence, status(access, row));
}

const Header host{"Host", "127.0.0.1:9701"};

}  // namespace

START_TEST(without_a_token) {
  check(http::Access({}, {"https://ops.example.net"}),
        {
            {"from this host", true, {host}, 200},
            {"by its name", true, {{"Host", "LocalHost:1"}}, 200},
            {"by IPv6", true, {{"Host", "[::1]:9701"}}, 200},
            {"by another of its addresses", true, {{"Host", "127.9.8.7"}}, 200},
            {"without a Host, as in HTTP/1.0", true, {}, 200},
            {"from elsewhere", false, {host}, 403},
            {"from elsewhere with some token", false, {host, {"Authorization", "Bearer x"}}, 403},
            {"by a name that points here", true, {{"Host", "evil.example:9701"}}, 403},
            {"by a name like an address", true, {{"Host", "127.0.0.1.evil.example"}}, 403},
            {"by a name like ours", true, {{"Host", "localhost.evil.example"}}, 403},
            {"by a Host that is none", true, {{"Host", "[::1"}}, 403},
            {"a Host that goes on", true, {{"Host", "[::1].evil"}}, 403},
            {"an empty Host", true, {{"Host", ""}}, 403},
            {"its own page", true, {host, {"Origin", "http://127.0.0.1:9701"}}, 200},
            {"a page of another server here", true, {host, {"Origin", "http://127.0.0.1:3000"}}, 403},
            {"a page under another name", true, {host, {"Origin", "http://localhost:9701"}}, 403},
            {"a page over another protocol", true, {host, {"Origin", "https://127.0.0.1:9701"}}, 403},
            {"a page from elsewhere", true, {host, {"Origin", "http://evil.example"}}, 403},
            {"a page of no origin", true, {host, {"Origin", "null"}}, 403},
            {"two origins", true, {host, {"Origin", "http://127.0.0.1:9701"}, {"Origin", "null"}}, 403},
            {"a page that is allowed", true, {host, {"Origin", "https://ops.example.net"}}, 200},
            {"a page like one that is allowed", true, {host, {"Origin", "https://ops.example.net.evil"}}, 403},
            {"by a proxy", true, {host, {"X-Forwarded-For", "127.0.0.1"}}, 403},
            {"by a modern proxy", true, {host, {"forwarded", "for=127.0.0.1"}}, 403},
            {"by a proxy that says less", true, {host, {"x-forwarded-proto", "http"}}, 403},
            {"by nginx", true, {host, {"X-Real-IP", "127.0.0.1"}}, 403},
            {"by a chain", true, {host, {"Via", "1.1 proxy"}}, 403},
        });
}
END_TEST

START_TEST(with_tokens) {
  const Header good{"Authorization", "Bearer second"};
  check(http::Access({"first-token", "second"}, {}),
        {
            {"none is borne", true, {host}, 401},
            {"one of them", true, {host, good}, 200},
            {"from elsewhere, by a proxy, for a page",
             false,
             {{"Host", "chat.example.net"}, {"X-Forwarded-For", "10.0.0.1"}, {"Origin", "https://a"}, good},
             200},
            {"the scheme in lower case, and spaces", true, {{"authorization", "bearer   first-token"}}, 200},
            {"another", true, {{"Authorization", "Bearer third"}}, 401},
            {"the beginning of one", true, {{"Authorization", "Bearer secon"}}, 401},
            {"one and more", true, {{"Authorization", "Bearer second2"}}, 401},
            {"nothing", true, {{"Authorization", "Bearer "}}, 401},
            {"the word alone", true, {{"Authorization", "Bearer"}}, 401},
            {"another scheme", true, {{"Authorization", "Basic second"}}, 401},
            {"the bare token", true, {{"Authorization", "second"}}, 401},
            {"twice", true, {good, good}, 401},
        });
}
END_TEST

START_TEST(what_is_guarded) {
  const auto nothing = [](const Request&, http::Reply) {};
  const http::Site site({{"GET", "/livez", Guard::open, nothing},
                         {"GET", "/v1/users/{name}", Guard::guarded, nothing},
                         {"GET", "/admin", Guard::guarded, nothing}},
                        http::Access({"token"}, {}));
  const struct {
    const char* method;
    const char* path;
    int without;
    int with;
  } rows[] = {
      {"GET", "/livez", 200, 200},       {"GET", "/nowhere", 404, 404},
      {"POST", "/livez", 405, 405},      {"GET", "/v1/users/al", 401, 200},
      {"PUT", "/v1/users/al", 401, 405}, {"GET", "/v1/nowhere", 401, 404},
      {"GET", "/v1", 401, 404},          {"GET", "/v1/", 401, 404},
      {"GET", "/admin", 401, 200},       {"GET", "/admin/anything", 401, 404},
      {"GET", "/v1x", 404, 404},         {"GET", "//v1/users/al", 404, 404},
      {"OPTIONS", "*", 404, 404},        {"HEAD", "/v1/users/al", 401, 200},
  };
  for (const auto& row : rows)
    for (const bool bears : {false, true}) {
      Request request;
      request.method = row.method;
      request.path = row.path;
      if (bears) request.headers.push_back({"Authorization", "Bearer token"});
      const http::Site::Found found = site.find(request, true);
      const int status = found.refusal ? found.refusal->status : 200;
      ck_assert_msg(status == (bears ? row.with : row.without), "%s %s: %d", row.method, row.path, status);
      ck_assert(found.refusal.has_value() == (found.route == nullptr));
    }
}
END_TEST

SUITE(without_a_token, with_tokens, what_is_guarded)
