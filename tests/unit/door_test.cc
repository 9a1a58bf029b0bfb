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
#include "tests/unit/taker.h"

namespace {

struct House {
  explicit House(Running& running, peer::Millis ack_timeout = peer::Millis(30'000),
                 client::Admission::Limits limits = {})
      : run(running) {
    client::SessionSettings settings;
    settings.node = "n1";
    settings.version = "1.2.3";
    settings.ack_timeout = ack_timeout;
    auto opened =
        client::Door::open(run.loop, {{"127.0.0.1", 0}}, settings, limits, peer::Incarnation{1}, desk, chance);
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
    heard.erase(0, heard.find('\n') + 1);
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

// A client that never pauses: connects, says all, says no more, and reads what
// comes until the other side has said all.
struct OneShot {
  OneShot(House& house, const std::string& said) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(house.door->address().port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ck_assert_int_eq(write(fd, said.data(), said.size()), static_cast<ssize_t>(said.size()));
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    house.run.until("it came", [&] { return house.door->connections() == 1; });
  }
  std::string heard(House& house) {
    house.run.until("it is gone", [&] { return house.door->connections() == 0; });
    std::string all;
    char bytes[4096];
    for (ssize_t n = 0; (n = read(fd, bytes, sizeof bytes)) > 0;) all.append(bytes, static_cast<std::size_t>(n));
    close(fd);
    return all.substr(all.find('\n') + 1);
  }
  int fd = -1;
};

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
  OneShot al(house, R"({"cmd":"login","name":"al"})"
                    "\n" +
                        a_chat("al", 3, 1) +
                        R"({"cmd":"ping"})"
                        "\n");
  const std::string heard = al.heard(house);
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

START_TEST(moves_everybody_off) {
  Running running;
  House house(running);
  Caller al(house, "al");
  Caller bob(house, "bob");
  Caller guest(house);
  house.door->turn_away(true);
  ck_assert_msg(house.door->move_off(1, peer::Millis(5000)), "not all at once");
  al.until("al is told",
           [&] { return al.heard.find(R"({"cmd":"kicked","reason":"drain","retry":true,"retry_after_ms":)") == 0; });
  al.is_hung_up_on();
  ck_assert(bob.heard.empty() && guest.heard.empty());
  Caller late(house);
  late.until("who comes is turned away",
             [&] { return late.heard.find(R"({"cmd":"error","code":"shutting_down")") == 0; });
  late.is_hung_up_on();
  running.until("three are left", [&] { return house.door->inside() == 2; });
  ck_assert(!house.door->move_off(100, peer::Millis(5000)));
  bob.is_hung_up_on();
  guest.until("the guest is told", [&] { return guest.heard.find(R"({"cmd":"error","code":"shutting_down")") == 0; });
  guest.is_hung_up_on();
  for (Caller* each : {&al, &bob, &guest, &late}) each->stream.reset();
  running.until("all are gone", [&] { return house.door->inside() == 0 && house.door->connections() == 0; });
  ck_assert(!house.door->move_off(100, peer::Millis(5000)));

  house.door->turn_away(false);
  Caller again(house, "al");
  ck_assert_uint_eq(house.door->inside(), 1);
}
END_TEST

START_TEST(no_more_than_the_limits) {
  Running running;
  House house(running, peer::Millis(30'000), {3, 2});
  house.door->point_to([] { return peer::Address{"10.0.0.2", 9501}; });
  Caller al(house, "al");
  Caller bob(house, "bob");
  const std::string full =
      R"({"cmd":"error","code":"server_full","message":"this server takes no more clients at this moment",)"
      R"("try":"10.0.0.2:9501"})"
      "\n";
  Caller third(house);
  third.hears(full);
  third.is_hung_up_on();
  ck_assert_uint_eq(house.door->inside(), 2);
  // Its place is free as soon as it is gone.
  al.stream.reset();
  running.until("al is gone", [&] { return house.door->inside() == 1; });
  Caller fourth(house, "ed");
  Caller fifth(house);
  fifth.hears(full);
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
  while (next("written ")) continue;    // before it was hung up on
  while (next("unread ")) continue;     // by then with the connection
  while (next("unwritten ")) continue;  // the rest
  ck_assert_int_gt(seq - 1, last_written);
  ck_assert_msg(house.desk.log == expected, "%s", house.desk.log.c_str());
}
END_TEST

START_TEST(the_outcomes_are_told_after_the_end_of_input) {
  Running running;
  House house(running);
  house.desk.keep = true;
  OneShot al(house, R"({"cmd":"login","name":"al"})"
                    "\n" +
                        a_chat("bob", 3, 1));
  running.until("the desk has it", [&] { return house.desk.kept.size() == 1; });
  running.until_later(peer::Millis(50));
  ck_assert_uint_eq(house.door->connections(), 1);
  house.desk.settle_kept(1, chat::Outcome::stored);
  ck_assert(al.heard(house) == R"({"cmd":"login","ok":true,"name":"al","node":"n1","waiting":0})"
                               "\n"
                               R"({"cmd":"ack","id":"1","status":"stored"})"
                               "\n");
}
END_TEST

START_TEST(all_in_one_packet_while_the_mailbox_is_asked) {
  for (const std::string last : {"", "{\"cmd\":\"logout\"}\n"}) {
    Running running;
    House house(running);
    house.desk.mailbox_is_slow = true;
    house.desk.waiting = 7;
    OneShot al(house, R"({"cmd":"login","name":"al"})"
                      "\n" +
                          a_chat("bob", 3, 1) + "{\"cmd\":\"ping\"}\n" + last);
    running.until("it is at the desk", [&] { return !house.desk.entering.empty(); });
    running.until_later(peer::Millis(20));
    ck_assert(house.desk.lines.empty());
    ck_assert_uint_eq(house.door->connections(), 1);
    house.desk.ready();
    const std::string heard = al.heard(house);
    ck_assert_msg(
        heard == R"({"cmd":"login","ok":true,"name":"al","node":"n1","waiting":7})"
                 "\n"
                 R"({"cmd":"error","code":"no_such_user","message":"nobody called bob is online","in":"chat","id":"1"})"
                 "\n"
                 R"({"cmd":"pong"})"
                 "\n",
        "%s", heard.c_str());
    ck_assert(house.desk.users.empty());
  }
}
END_TEST

START_TEST(the_other_side_closes_while_the_mailbox_is_asked) {
  Running running;
  House house(running);
  house.desk.mailbox_is_slow = true;
  {
    Caller al(house);
    al.say("{\"cmd\":\"login\",\"name\":\"al\"}\n");
    running.until("it is at the desk", [&] { return !house.desk.entering.empty(); });
  }
  running.until_later(peer::Millis(20));
  house.desk.ready();
  running.until("it is gone", [&] { return house.door->connections() == 0; });
  ck_assert(house.desk.users.empty());
}
END_TEST

START_TEST(confirmed_over_a_real_connection) {
  Running running;
  House house(running);
  Caller al(house, "al");
  Caller bob(house);
  bob.say("{\"cmd\":\"login\",\"name\":\"bob\",\"ack\":true}\n");
  bob.hears(R"({"cmd":"login","ok":true,"name":"bob","node":"n1","waiting":0})"
            "\n");
  // Far more than the window, and than the socket holds.
  constexpr int sent = 2000;
  for (int id = 1; id <= sent; ++id) al.say(a_chat("bob", 5'000, id));
  int read = 0;
  bob.until("all is read", [&] {
    for (std::size_t end = 0; (end = bob.heard.find('\n')) != std::string::npos; bob.heard.erase(0, end + 1)) {
      const std::string seq = ",\"seq\":" + std::to_string(++read) + "}";
      ck_assert(bob.heard.compare(end - seq.size(), seq.size(), seq) == 0);
      if (read % 20 == 0 || read == sent) bob.say("{\"cmd\":\"ack\",\"seq\":" + std::to_string(read) + "}\n");
    }
    return read == sent;
  });
  al.until("all is confirmed", [&] { return std::count(al.heard.begin(), al.heard.end(), '\n') == sent; });
  std::string expected;
  for (int id = 1; id <= sent; ++id)
    expected += R"({"cmd":"ack","id":")" + std::to_string(id) + "\",\"status\":\"delivered\"}\n";
  ck_assert(al.heard == expected);
}
END_TEST

START_TEST(who_confirms_nothing_is_cut) {
  Running running;
  House house(running, peer::Millis(200));
  Caller al(house, "al");
  Caller bob(house);
  bob.say("{\"cmd\":\"login\",\"name\":\"bob\",\"ack\":true}\n");
  bob.hears(R"({"cmd":"login","ok":true,"name":"bob","node":"n1","waiting":0})"
            "\n");
  const peer::Time before = running.loop.now();
  al.say(a_chat("bob", 3, 1));
  bob.until("it is told", [&] { return bob.heard.find(R"("reason":"slow_consumer")") != std::string::npos; });
  ck_assert(running.loop.now() - before >= peer::Millis(200));
  bob.is_hung_up_on();
  al.until("it goes elsewhere", [&] { return house.desk.log.ends_with("logout bob\nunread 1\n"); });
  ck_assert_msg(house.desk.users.size() == 1, "who said nothing is not watched");
}
END_TEST

START_TEST(who_is_gone_is_not_watched) {
  Running running;
  House house(running, peer::Millis(100));
  Caller al(house, "al");
  house.desk.keep = true;
  {
    Caller bob(house);
    bob.say("{\"cmd\":\"login\",\"name\":\"bob\",\"ack\":true}\n");
    bob.hears(R"({"cmd":"login","ok":true,"name":"bob","node":"n1","waiting":0})"
              "\n");
    for (int i = 0; i < 10; ++i) bob.say(a_chat("al", 60'000, i));  // until it is paused
    bob.until("all came", [&] { return house.desk.kept.size() >= 8; });
    house.desk.deliver("bob", {"{\"n\":1}\n"});
    bob.hears("{\"n\":1,\"seq\":1}\n");
  }
  running.until("it is gone", [&] { return house.door->connections() == 1; });
  running.until_later(peer::Millis(250));
  ck_assert(house.desk.log.ends_with("logout bob\nunread 1\n"));
}
END_TEST

// Far more lines than a share in one read, and an end of input behind them.
START_TEST(a_flood_of_lines_is_answered_over_many_turns) {
  Running running;
  House house(running);
  Caller al(house, "al");
  Caller bob(house, "bob");
  constexpr int pings = 5000;
  std::string flood, answers;
  for (int i = 0; i < pings; ++i) flood += "{\"cmd\":\"ping\",\"id\":\"" + std::to_string(i) + "\"}\n";
  for (int i = 0; i < pings; ++i) answers += "{\"cmd\":\"pong\",\"id\":\"" + std::to_string(i) + "\"}\n";
  al.say(flood);
  // Ping-pong, beside it: it takes a turn or two each time, and the flood a share in each.
  int round = 0;
  for (; al.heard.size() < answers.size(); ++round) {
    const std::size_t before = al.heard.size();
    bob.say("{\"cmd\":\"ping\"}\n");
    bob.hears("{\"cmd\":\"pong\"}\n");
    ck_assert_uint_le(al.heard.size() - before,
                      8 * client::Session::lines_per_turn * std::string_view(R"({"cmd":"pong","id":"1234"}x)").size());
  }
  ck_assert_int_ge(round, 5);
  al.hears(answers);
  al.say(flood);
  al.stream->finish(peer::Millis(20'000));
  running.until("it is gone, heard to the end", [&] { return house.door->connections() == 1; });
}
END_TEST

// What each says first is heard with all others'; then those who have more to say go on a few each turn.
START_TEST(those_who_flood_go_on_a_few_each_turn) {
  Running running;
  House house(running);
  constexpr std::size_t crowd = 30, each = 200, most = 8 * client::Session::lines_per_turn;
  std::vector<std::unique_ptr<Caller>> callers;
  for (std::size_t i = 0; i < crowd; ++i) callers.push_back(std::make_unique<Caller>(house, "u" + std::to_string(i)));
  std::size_t before = 0, beyond = 0;
  const auto end_turn = running.each_turn;
  running.each_turn = [&] {
    end_turn();
    beyond += std::max(house.desk.lines.size() - before, most) - most;
    before = house.desk.lines.size();
  };
  std::string chats;
  for (std::size_t i = 0; i < each; ++i) chats += a_chat("bob", 3, static_cast<int>(i));
  for (const auto& caller : callers) caller->say(chats);
  running.until("all is heard", [&] { return house.desk.lines.size() == crowd * each; });
  running.each_turn = end_turn;
  ck_assert_uint_le(beyond, crowd * client::Session::lines_per_turn - most);
}
END_TEST

// Two hundred want in at once, some with more to say than that; who is in is not kept waiting by them.
START_TEST(a_crowd_is_let_in_a_few_each_turn) {
  Running running;
  House house(running);
  Caller al(house, "al");
  constexpr std::size_t crowd = 200;
  std::vector<int> fds;
  for (std::size_t i = 0; i < crowd; ++i) fds.push_back(connect_to(house.door->address().port));
  running.until("all are there", [&] { return house.door->connections() == crowd + 1; });
  for (std::size_t i = 0; i < crowd; ++i) {
    std::string said = R"({"cmd":"login","name":"u)" + std::to_string(i) + "\"}\n";
    if (i % 10 == 0) said.insert(0, 4000, '\n');
    if (i % 10 == 1)
      for (int n = 0; n < 100; ++n) said.insert(0, "{\"cmd\":\"ping\"}\n");
    ck_assert_int_eq(write(fds[i], said.data(), said.size()), static_cast<ssize_t>(said.size()));
  }
  al.say("{\"cmd\":\"ping\"}\n");
  std::size_t before = house.desk.users.size(), most = 0, inside_at_pong = 0;
  const auto end_turn = running.each_turn;
  running.each_turn = [&] {
    end_turn();
    most = std::max(most, house.desk.users.size() - before);
    before = house.desk.users.size();
    if (inside_at_pong == 0 && !al.heard.empty()) inside_at_pong = before;
  };
  running.until("all are in", [&] { return house.desk.users.size() == crowd + 1; });
  running.each_turn = end_turn;
  ck_assert_uint_le(most, 32);
  ck_assert_msg(inside_at_pong > 0 && inside_at_pong < crowd, "%zu before an answer", inside_at_pong);
  for (const int fd : fds) close(fd);
  running.until("all but one are gone", [&] { return house.door->connections() == 1; });
}
END_TEST

// Who is lost while something of it is kept leaves nothing behind.
START_TEST(who_floods_may_die_of_it) {
  Running running;
  House house(running);
  std::string flood;
  for (int i = 0; i < 5000; ++i) flood += "{\"cmd\":\"ping\"}\n";
  for (int i = 0; i < 5; ++i) {
    Caller al(house, "al");
    al.say(flood);
    running.until("it has begun", [&] { return !al.heard.empty(); });
  }
  running.until("all are gone", [&] { return house.door->connections() == 0; });
  Caller bob(house, "bob");
  bob.say(flood);
  running.until("it has begun", [&] { return !bob.heard.empty(); });
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
  const auto second = client::Door::open(running.loop, {taken}, {}, {}, peer::Incarnation{1}, house.desk, house.chance);
  ck_assert(!second);
  ck_assert(second.why() == to_string(taken) + ": address already in use");
}
END_TEST

SUITE(two_talk, who_says_no_more_still_hears_the_answers, the_newest_login_replaces, moves_everybody_off,
      no_more_than_the_limits, who_does_not_read_is_cut_and_its_queue_given_back,
      the_outcomes_are_told_after_the_end_of_input, all_in_one_packet_while_the_mailbox_is_asked,
      the_other_side_closes_while_the_mailbox_is_asked, confirmed_over_a_real_connection, who_confirms_nothing_is_cut,
      who_is_gone_is_not_watched, a_flood_of_lines_is_answered_over_many_turns, those_who_flood_go_on_a_few_each_turn,
      a_crowd_is_let_in_a_few_each_turn, who_floods_may_die_of_it, dies_with_everybody_inside, many_come_and_go,
      an_address_in_use_is_named)
