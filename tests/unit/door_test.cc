// Sessions on real connections: what the door adds to them.
#include "src/client/door.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/fake_desk.h"
#include "tests/unit/running.h"
#include "tests/unit/suite.h"

namespace {

struct House {
  explicit House(Running& running, std::size_t queue_bytes = std::size_t{1} << 20U) : run(running) {
    client::SessionSettings settings;
    settings.node = "n1";
    settings.version = "1.2.3";
    settings.queue_bytes = queue_bytes;
    auto opened = client::Door::open(run.loop, {"127.0.0.1", 0}, settings, peer::Incarnation{1}, desk, chance);
    ck_assert_msg(static_cast<bool>(opened), "%s", opened ? "" : opened.why().c_str());
    door = std::move(*opened);
    run.each_turn = [this] {
      if (door) door->end_turn();
    };
  }
  ~House() { run.each_turn = {}; }

  Running& run;
  peer::SeededChance chance{1};
  FakeDesk desk;
  std::unique_ptr<client::Door> door;
};

// A client at the other end of a socket.
struct Caller final : io::Stream::Owner {
  explicit Caller(House& house) : run(house.run) {
    stream = io::Stream::dial(run.loop, house.door->address(), peer::Millis(5000), *this);
    until("it says hello", [this] { return heard.find('\n') != std::string::npos; });
    ck_assert(heard.starts_with(R"({"cmd":"hello","server":"crosstalkd/1.2.3","node":"n1","proto":1})"));
    heard.clear();
  }
  Caller(House& house, const std::string& name) : Caller(house) {
    say(R"({"cmd":"login","name":")" + name + "\"}\n");
    hears(R"({"cmd":"login","ok":true,"name":")" + name + R"(","node":"n1","waiting":0})" + "\n");
  }

  void on_bytes(std::string_view bytes) noexcept override { heard += bytes; }
  void on_closed(std::string_view why) noexcept override { closed = why; }
  void fill(peer::Buffer& out) noexcept override { out.swap(to_say); }

  void say(std::string_view text) {
    to_say.append(text);
    stream->want_write();
  }
  void until(const char* what, std::function<bool()> so) { run.until(what, std::move(so)); }
  // Exactly this, next.
  void hears(const std::string& text) {
    until(text.c_str(), [&] { return heard.size() >= text.size() || closed; });
    ck_assert_msg(heard.starts_with(text), "expected: %s\nfound: %s", text.c_str(), heard.c_str());
    heard.erase(0, text.size());
  }
  void is_hung_up_on() {
    until("it is hung up on", [this] { return closed.has_value(); });
  }

  Running& run;
  std::unique_ptr<io::Stream> stream;
  peer::Buffer to_say;
  std::string heard;
  std::optional<std::string> closed;
};

std::string a_chat(const std::string& to, std::size_t bytes, int id) {
  return R"({"cmd":"chat","recv":")" + to + R"(","content":")" + std::string(bytes, 'x') + R"(","id":")" +
         std::to_string(id) + "\"}\n";
}

std::string ack(int id) { return R"({"cmd":"ack","id":")" + std::to_string(id) + R"(","status":"written"})" + "\n"; }

}  // namespace

START_TEST(two_talk) {
  Running running;
  House house(running);
  Caller al(house, "al");
  Caller bob(house);
  bob.say("/login bob\r\n");
  bob.hears("logged in as bob on n1\r\n");
  al.say(a_chat("bob", 3, 1));
  bob.hears("al给您发了消息：xxx\r\n");
  al.hears(ack(1));
  bob.say("/msg al hi\r\n");
  al.until("the message", [&] { return al.heard.ends_with("}\n"); });
  ck_assert(al.heard.starts_with(R"({"cmd":"chat","send":"bob","recv":"al","content":"hi","id":"n1.1.1","ts":)"));
  ck_assert_uint_eq(house.door->connections(), 2);
  al.say("{\"cmd\":\"logout\"}\n");
  al.is_hung_up_on();
  bob.stream.reset();
  running.until("both are gone", [&] { return house.door->connections() == 0; });
  ck_assert(house.desk.users.empty());
}
END_TEST

// As `printf … | nc -N` does.
START_TEST(who_says_no_more_still_hears_the_answers) {
  Running running;
  House house(running);
  const std::string said = R"({"cmd":"login","name":"al"})"
                           "\n" +
                           a_chat("al", 3, 1) +
                           R"({"cmd":"ping"})"
                           "\n";
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(house.door->address().port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  ck_assert_int_eq(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ck_assert_int_eq(write(fd, said.data(), said.size()), static_cast<ssize_t>(said.size()));
  ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
  running.until("it came", [&] { return house.door->connections() == 1; });
  running.until("it is gone", [&] { return house.door->connections() == 0; });

  std::string heard;
  char bytes[4096];
  for (ssize_t n = 0; (n = read(fd, bytes, sizeof bytes)) > 0;) heard.append(bytes, static_cast<std::size_t>(n));
  close(fd);
  ck_assert_msg(heard.find(R"("ok":true)") != std::string::npos, "%s", heard.c_str());
  ck_assert_msg(heard.find(R"("content":"xxx")") != std::string::npos, "%s", heard.c_str());
  ck_assert_msg(heard.find(R"({"cmd":"pong"})") != std::string::npos, "%s", heard.c_str());
}
END_TEST

START_TEST(the_newest_login_replaces) {
  Running running;
  House house(running);
  Caller first(house, "al");
  Caller second(house, "al");
  first.hears(R"({"cmd":"kicked","reason":"replaced","retry":false})"
              "\n");
  first.is_hung_up_on();
  first.stream.reset();
  running.until("only one is left", [&] { return house.door->connections() == 1; });
  second.say(a_chat("al", 1, 1));
  second.until("it talks to itself", [&] { return second.heard.ends_with(ack(1)); });
}
END_TEST

START_TEST(drains) {
  Running running;
  House house(running);
  Caller al(house, "al");
  Caller guest(house);
  const peer::Address address = house.door->address();
  bool done = false;
  house.door->drain([&] { done = true; });
  ck_assert(!done);
  al.until("al is told",
           [&] { return al.heard.find(R"({"cmd":"kicked","reason":"drain","retry":true,"retry_after_ms":)") == 0; });
  guest.until("the guest is told", [&] { return guest.heard.find(R"({"cmd":"error","code":"shutting_down")") == 0; });
  al.is_hung_up_on();
  guest.is_hung_up_on();
  al.stream.reset();
  guest.stream.reset();
  running.until("all are gone", [&] { return done; });
  ck_assert_uint_eq(house.door->connections(), 0);
  guest.closed.reset();
  guest.stream = io::Stream::dial(running.loop, address, peer::Millis(5000), guest);
  guest.is_hung_up_on();
  ck_assert(*guest.closed == "connection refused");

  bool at_once = false;
  house.door->drain([&] { at_once = true; });
  ck_assert(at_once);
}
END_TEST

START_TEST(who_does_not_read_is_cut_and_its_queue_given_back) {
  Running running;
  House house(running);
  Caller al(house, "al");
  Caller bob(house, "bob");
  bob.stream->pause_reading();
  // More than any two socket buffers hold: al is slowed down, and bob is cut
  // once the kernel takes no more for him.
  constexpr int sent = 600;
  for (int id = 1; id <= sent; ++id) al.say(a_chat("bob", 50'000, id));
  running.until("all of it has an outcome", [&] { return std::count(al.heard.begin(), al.heard.end(), '\n') == sent; });
  for (int id = 1; id <= sent; ++id)
    ck_assert(al.heard.find("\"id\":\"" + std::to_string(id) + "\"") != std::string::npos);

  // First those that the kernel took, then the rest, each once and in order.
  std::string expected = "login al\nlogin bob\n";
  int seq = 1;
  const auto next = [&](const char* how) {
    const std::string line = how + std::to_string(seq) + "\n";
    if (house.desk.log.compare(expected.size(), line.size(), line) != 0) return false;
    expected += line;
    ++seq;
    return true;
  };
  while (next("written ")) continue;
  ck_assert_int_gt(seq, 1);
  const int last_written = seq - 1;
  expected += "logout bob\n";
  while (next("written ")) continue;  // before it was hung up on
  while (next("unwritten ")) continue;
  ck_assert_int_gt(seq - 1, last_written);
  ck_assert_msg(house.desk.log == expected, "%s", house.desk.log.c_str());
}
END_TEST

START_TEST(dies_with_everybody_inside) {
  Running running;
  {
    House house(running);
    Caller al(house, "al");
    Caller bob(house, "bob");
    Caller guest(house);
    bob.stream->pause_reading();
    for (int i = 1; i <= 100; ++i) al.say(a_chat("bob", 60'000, i));
    al.until("some is on its way", [&] { return house.desk.lines.size() > 20; });
    house.door.reset();
    ck_assert(house.desk.users.empty());
    al.is_hung_up_on();
    guest.is_hung_up_on();
  }
}
END_TEST

START_TEST(many_come_and_go) {
  Running running;
  House house(running);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < 50; ++i) callers.push_back(std::make_unique<Caller>(house, "u" + std::to_string(i)));
    ck_assert_uint_eq(house.door->connections(), 50);
    for (int i = 0; i < 50; ++i)
      callers[static_cast<std::size_t>(i)]->say(a_chat("u" + std::to_string((i + 1) % 50), 10, 1));
    for (const auto& caller : callers)
      caller->until("its chat is written", [&] { return caller->heard.find("ack") != std::string::npos; });
    callers.clear();
    running.until("all are gone", [&] { return house.door->connections() == 0; });
  }
}
END_TEST

START_TEST(an_address_in_use_is_named) {
  Running running;
  House house(running);
  const peer::Address taken = house.door->address();
  const auto second = client::Door::open(running.loop, taken, {}, peer::Incarnation{1}, house.desk, house.chance);
  ck_assert(!second);
  ck_assert(second.why() == to_string(taken) + ": address already in use");
}
END_TEST

SUITE(two_talk, who_says_no_more_still_hears_the_answers, the_newest_login_replaces, drains,
      who_does_not_read_is_cut_and_its_queue_given_back, dies_with_everybody_inside, many_come_and_go,
      an_address_in_use_is_named)
