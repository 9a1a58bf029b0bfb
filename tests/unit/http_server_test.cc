// Conversations on real connections: what the server adds to them.
#include "src/http/server.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/io/stream.h"
#include "tests/unit/running.h"
#include "tests/unit/suite.h"

namespace {

struct House {
  explicit House(Running& running, http::Bounds bounds = {}) : run(running) {
    http::Site site(
        {{"GET", "/now", http::Guard::open, [](const auto&, http::Reply reply) { reply(http::text(200, "now")); }},
         {"GET", "/later", http::Guard::open, [this](const auto&, http::Reply reply) { later.push_back(reply); }},
         {"GET", "/much", http::Guard::open,
          [](const auto&, http::Reply reply) { reply(http::text(200, std::string(1'000'000, 'x'))); }}},
        http::Access({}, {}));
    auto opened = http::Server::open(run.loop, {{"127.0.0.1", 0}}, std::move(site), bounds);
    ck_assert_msg(static_cast<bool>(opened), "%s", opened ? "" : opened.why().c_str());
    server = std::move(*opened);
    run.each_turn = [this] { server->end_turn(); };
  }
  ~House() { run.each_turn = {}; }

  Running& run;
  std::vector<http::Reply> later;
  std::unique_ptr<http::Server> server;
};

struct Caller final : io::Stream::Owner {
  explicit Caller(House& house) : run(house.run) {
    stream = io::Stream::dial(run.loop, house.server->address(), peer::Millis(5000), *this);
  }
  void on_bytes(std::string_view bytes) noexcept override { heard += bytes; }
  void on_closed(std::string_view why) noexcept override { closed = why; }
  void fill(peer::Buffer& out) noexcept override { out.swap(to_say); }

  void asks(const std::string& path, const std::string& more = "") {
    to_say.append("GET " + path + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n");
    stream->want_write();
  }
  void hears(const std::string& end) {
    run.until(end.c_str(), [&] { return heard.ends_with(end) || closed; });
    ck_assert_msg(heard.ends_with(end), "%s", heard.c_str());
    heard.clear();
  }
  void is_hung_up_on() {
    run.until("it is hung up on", [this] { return closed.has_value(); });
  }

  Running& run;
  std::unique_ptr<io::Stream> stream;
  peer::Buffer to_say;
  std::string heard;
  std::optional<std::string> closed;
};

}  // namespace

START_TEST(answers_and_goes_on) {
  Running running;
  House house(running);
  Caller al(house);
  al.asks("/now");
  al.hears("\r\n\r\nnow");
  al.asks("/now");
  al.hears("\r\n\r\nnow");
  al.asks("/now", "Connection: close\r\n");
  al.hears("\r\n\r\nnow");
  al.is_hung_up_on();
  al.stream.reset();
  running.until("it is gone", [&] { return house.server->connections() == 0; });
  ck_assert(house.server->responses().at(200) == 3);
}
END_TEST

START_TEST(answers_later_or_never) {
  Running running;
  House house(running);
  Caller al(house);
  al.asks("/later");
  running.until("it is asked", [&] { return house.later.size() == 1; });
  {
    Caller bob(house);
    bob.asks("/later");
    running.until("it is asked again", [&] { return house.later.size() == 2; });
  }
  house.later[0](http::text(200, "later"));
  al.hears("later");
  // It is noticed once something is said to it.
  house.later[1](http::text(200, "to nobody"));
  running.until("bob is gone", [&] { return house.server->connections() == 1; });
  house.later[1](http::text(200, "to nobody"));
  al.asks("/now");
  al.hears("now");
}
END_TEST

START_TEST(more_than_a_socket_holds) {
  Running running;
  House house(running);
  Caller al(house);
  al.stream->pause_reading();
  for (int i = 0; i < 10; ++i) al.asks("/much");
  running.until_later(peer::Millis(50));
  al.stream->resume_reading();
  running.until("all of it", [&] { return al.heard.size() > 10'000'000; });
}
END_TEST

START_TEST(who_reads_nothing_is_cut) {
  Running running;
  http::Bounds bounds;
  bounds.write_time = peer::Millis(100);
  House house(running, bounds);
  Caller al(house);
  al.stream->pause_reading();
  for (int i = 0; i < 20; ++i) al.asks("/much");
  running.until("it came", [&] { return house.server->connections() == 1; });
  running.until("it is gone", [&] { return house.server->connections() == 0; });
}
END_TEST

START_TEST(who_says_nothing_is_hung_up_on) {
  Running running;
  http::Bounds bounds;
  bounds.head_time = peer::Millis(100);
  House house(running, bounds);
  Caller al(house);
  al.is_hung_up_on();
  ck_assert(al.heard.empty());
}
END_TEST

START_TEST(the_idlest_makes_room) {
  Running running;
  http::Bounds bounds;
  bounds.connections = 2;
  House house(running, bounds);
  Caller al(house);
  al.asks("/now");
  al.hears("now");
  Caller bob(house);
  bob.asks("/later");
  running.until("bob asks", [&] { return house.later.size() == 1; });
  Caller cid(house);
  cid.asks("/later");
  running.until("cid asks", [&] { return house.later.size() == 2; });
  al.is_hung_up_on();
  Caller dan(house);
  dan.is_hung_up_on();
  house.later[0](http::text(200, "bob"));
  bob.hears("bob");
  house.later[1](http::text(200, "cid"));
  cid.hears("cid");
}
END_TEST

START_TEST(an_address_in_use) {
  Running running;
  House house(running);
  const auto second = http::Server::open(running.loop, {house.server->address()}, http::Site({}, http::Access({}, {})));
  ck_assert(!second);
  ck_assert_msg(second.why() == to_string(house.server->address()) + ": address already in use", "%s",
                second.why().c_str());
}
END_TEST

SUITE(answers_and_goes_on, answers_later_or_never, more_than_a_socket_holds, who_reads_nothing_is_cut,
      who_says_nothing_is_hung_up_on, the_idlest_makes_room, an_address_in_use)
