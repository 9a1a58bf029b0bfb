// One connection's talk, without a connection.
#include "src/http/conversation.h"

#include <map>
#include <string>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using http::Clock;
using http::Conversation;
using http::Guard;
using peer::Millis;
using suite::same;

constexpr std::int64_t wall_ms = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT

// A server with one connection. Its clock stands still unless told.
struct Talk final : Conversation::Owner {
  Talk() {
    for (const char* method : {"GET", "POST"})
      routes.push_back({method, "/echo/{word}", Guard::open, [](const http::Request& request, http::Reply reply) {
                          reply(http::text(200, request.method + " " + request.params[0] + " " + request.body));
                        }});
    routes.push_back({"DELETE", "/echo/{word}", Guard::open,
                      [](const auto&, http::Reply reply) { reply(http::text(200, "gone")); }});
    routes.push_back(
        {"GET", "/later", Guard::open, [this](const auto&, http::Reply reply) { later.push_back(reply); }});
    routes.push_back({"GET", "/much", Guard::open,
                      [](const auto&, http::Reply reply) { reply(http::text(200, std::string(50'000, 'x'))); }});
  }

  void answer(http::Ticket ticket, http::Response response) override {
    ck_assert_uint_eq(ticket.connection, 7);
    talk->answer(ticket.request, std::move(response), clock());
  }
  void on_response(int status) override { statuses.push_back(status); }
  Clock clock() const { return {now, wall_ms}; }

  void begin() {
    site.emplace(routes, http::Access({}, {}));
    talk.emplace(*site, bounds, 7, loopback, *this, clock());
  }
  void says(std::string_view bytes) { talk->on_bytes(bytes, clock()); }
  // What it has to say, which the kernel then takes.
  std::string hears() {
    std::string all = fill();
    while (talk->has_output()) all += fill();
    return all;
  }
  std::string fill() {
    peer::Buffer out;
    talk->fill(out);
    talk->on_written(out.size(), clock());
    return std::string(out.view());
  }
  void passes(Millis span) {
    now += span;
    talk->tick(clock());
  }

  std::vector<http::Route> routes;
  http::Bounds bounds;
  bool loopback = true;
  std::optional<http::Site> site;
  peer::Time now{1'000'000};
  std::vector<int> statuses;
  std::vector<http::Reply> later;
  std::optional<Conversation> talk;  // last: it borrows all of the above
};

std::string response(const std::string& status, const std::string& type, const std::string& body,
                     const std::string& more = "", const std::string& connection = "keep-alive") {
  return "HTTP/1.1 " + status + "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n" + more + "Connection: " + connection +
         "\r\n\r\n" + body;
}
std::string text(const std::string& body, const std::string& connection = "keep-alive") {
  return response("200 OK", "text/plain; charset=utf-8", body, "", connection);
}
std::string refused(const std::string& status, const std::string& code, const std::string& why,
                    const std::string& more = "", const std::string& connection = "keep-alive") {
  return response(status, "application/json", R"({"error":{"code":")" + code + R"(","message":")" + why + "\"}}\n",
                  more, connection);
}
std::string ask(const std::string& method, const std::string& path, const std::string& more = "") {
  return method + " " + path + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n";
}

const std::string last = "Connection: close\r\n";

}  // namespace

START_TEST(asks_and_answers) {
  const struct {
    const char* sentence;
    std::string said;
    std::string heard;
    bool closes;
  } rows[] = {
      {"a call", ask("GET", "/echo/a"), text("GET a "), false},
      {"the last call", ask("GET", "/echo/a", last), text("GET a ", "close"), true},
      {"HTTP/1.0", "GET /echo/a HTTP/1.0\r\n\r\n", text("GET a ", "close"), true},
      {"a name that is encoded", ask("GET", "/echo/%e4%BD%A0%2F+"), text("GET \xe4\xbd\xa0/+ "), false},
      {"a body", ask("POST", "/echo/a", "Content-Length: 2\r\n") + "hi", text("POST a hi"), false},
      {"only the head", ask("HEAD", "/echo/a"), text("HEAD a ").substr(0, text("HEAD a ").size() - 7), false},
      {"several at once", ask("GET", "/echo/a") + ask("DELETE", "/echo/b") + ask("GET", "/echo/c", last) + "rest",
       text("GET a ") + text("gone") + text("GET c ", "close"), true},
      {"nothing there", ask("GET", "/nowhere"), refused("404 Not Found", "not_found", "there is nothing here"), false},
      {"a slash too many", ask("GET", "/echo/a/"), refused("404 Not Found", "not_found", "there is nothing here"),
       false},
      {"a name of nothing", ask("GET", "/echo/"), refused("404 Not Found", "not_found", "there is nothing here"),
       false},
      {"half an encoding", ask("GET", "/echo/%e"),
       refused("400 Bad Request", "bad_request", "a % in the path is no percent-encoding"), false},
      {"a wrong method", ask("PUT", "/echo/a"),
       refused("405 Method Not Allowed", "bad_method", "here only GET, HEAD, POST, DELETE will do",
               "Allow: GET, HEAD, POST, DELETE\r\n"),
       false},
      {"what would be refused is not read first", ask("POST", "/nowhere", "Content-Length: 9\r\n"),
       refused("404 Not Found", "not_found", "there is nothing here", "", "close"), true},
      {"asked whether to go on", ask("POST", "/echo/a", "Expect: 100-continue\r\nContent-Length: 2\r\n") + "hi",
       "HTTP/1.1 100 Continue\r\n\r\n" + text("POST a hi"), false},
      {"asked for more than that", ask("POST", "/echo/a", "Expect: wonders\r\nContent-Length: 2\r\n") + "hi",
       refused("417 Expectation Failed", "bad_request", "this is not to be expected", "", "close"), true},
      {"no HTTP", "hello\r\n\r\n",
       refused("501 Not Implemented", "bad_method", "that is no method of HTTP", "", "close"), true},
  };
  for (const auto& row : rows) {
    for (std::size_t cut = 0; cut <= row.said.size(); ++cut) {
      Talk talk;
      talk.begin();
      talk.says(std::string_view(row.said).substr(0, cut));
      talk.says(std::string_view(row.said).substr(cut));
      same(row.sentence, talk.hears(), row.heard);
      ck_assert_msg(talk.talk->closing() == row.closes, "%s", row.sentence);
    }
  }
}
END_TEST

START_TEST(an_answer_may_come_later) {
  Talk talk;
  talk.begin();
  talk.says(ask("GET", "/later") + ask("GET", "/echo/a"));
  same("the second waits for the first", talk.hears(), "");
  ck_assert(!talk.talk->wants_bytes());
  talk.passes(Millis(1'000'000));
  ck_assert(!talk.talk->closing());
  talk.later[0](http::text(200, "one"));
  same("both in their order", talk.hears(), text("one") + text("GET a "));
  talk.later[0](http::text(200, "again"));
  same("once answered is answered", talk.hears(), "");
  ck_assert(talk.talk->wants_bytes());
}
END_TEST

START_TEST(who_says_no_more_still_hears_the_answers) {
  Talk talk;
  talk.begin();
  talk.says(ask("GET", "/later") + ask("GET", "/echo/a") + "GET /half");
  talk.talk->on_end(talk.clock());
  ck_assert(!talk.talk->closing());
  talk.later[0](http::text(200, "one"));
  same("both", talk.hears(), text("one") + text("GET a "));
  ck_assert(talk.talk->closing());

  Talk silent;
  silent.begin();
  silent.talk->on_end(silent.clock());
  ck_assert(silent.talk->closing() && !silent.talk->has_output());
}
END_TEST

START_TEST(who_is_slow_is_ended) {
  const std::string late = refused("408 Request Timeout", "timeout", "the request did not come in time", "", "close");
  const struct {
    const char* sentence;
    std::string first;  // answered
    std::string said;
    Millis time;
    std::string heard;
  } rows[] = {
      {"says nothing", "", "", Millis(10'000), ""},
      {"half a head", "", "GET /echo", Millis(10'000), late},
      {"half a body", "", ask("POST", "/echo/a", "Content-Length: 2\r\n") + "h", Millis(10'000), late},
      {"nothing more", ask("GET", "/echo/a"), "", Millis(60'000), ""},
      {"half a second request", ask("GET", "/echo/a"), "GET", Millis(10'000), late},
  };
  for (const auto& row : rows) {
    Talk talk;
    talk.begin();
    talk.says(row.first);
    talk.hears();
    talk.says(row.said);
    talk.passes(row.time - Millis(1));
    ck_assert_msg(!talk.talk->closing(), "%s", row.sentence);
    talk.passes(Millis(1));
    ck_assert_msg(talk.talk->closing() && !talk.talk->stuck(), "%s", row.sentence);
    same(row.sentence, talk.hears(), row.heard);
  }
}
END_TEST

// Byte by byte is no way to stay for ever.
START_TEST(a_trickle_does_not_stretch_the_time) {
  Talk talk;
  talk.begin();
  for (int i = 0; i < 10; ++i) {
    talk.says("x");
    talk.passes(Millis(1000));
  }
  ck_assert(talk.talk->closing());
}
END_TEST

START_TEST(who_does_not_read_is_bounded) {
  Talk talk;
  talk.begin();
  for (int i = 0; i < 10; ++i) talk.says(ask("GET", "/much"));
  ck_assert_uint_eq(talk.statuses.size(), 2);
  ck_assert(!talk.talk->wants_bytes());
  peer::Buffer out;
  talk.talk->fill(out);
  talk.passes(Millis(29'999));
  ck_assert(!talk.talk->stuck());
  // The rest is answered as room comes.
  talk.talk->on_written(out.size(), talk.clock());
  ck_assert_uint_eq(talk.statuses.size(), 4);
  talk.passes(Millis(29'999));
  ck_assert(!talk.talk->stuck());
  talk.passes(Millis(1));
  ck_assert(talk.talk->stuck());
}
END_TEST

START_TEST(idle_is_between_two_requests) {
  Talk talk;
  talk.begin();
  ck_assert(talk.talk->idle());
  talk.says("GET /echo/a HTTP/1.1\r\n");
  ck_assert(!talk.talk->idle());
  talk.says("Host: h\r\n\r\n");
  ck_assert(!talk.talk->idle());
  talk.hears();
  ck_assert(talk.talk->idle());
}
END_TEST

SUITE(asks_and_answers, an_answer_may_come_later, who_says_no_more_still_hears_the_answers, who_is_slow_is_ended,
      a_trickle_does_not_stretch_the_time, who_does_not_read_is_bounded, idle_is_between_two_requests)
