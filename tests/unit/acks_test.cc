// Sessions that acknowledge: numbers, marks, the window, and what becomes of a
// delivery at the end.
#include <string>
#include <string_view>

#include "src/client/session.h"
#include "tests/unit/suite.h"
#include "tests/unit/wire.h"

namespace {

// A user called bob, logged in with ack.
struct Acker : Wire {
  explicit Acker(World& world) : Wire(world) {
    line(R"({"cmd":"login","name":"bob","ack":true})");
    ck_assert(session.logged_in());
    heard();
    world.desk.log.clear();
  }
  void ack(peer::Seq seq) { line(R"({"cmd":"ack","seq":)" + std::to_string(seq) + "}"); }
};

// The n-th thing from elsewhere, of so many bytes with its end.
std::string thing(int n, std::size_t bytes = 0) {
  std::string line = "{\"n\":" + std::to_string(n);
  if (bytes > 0) line += ",\"x\":\"" + std::string(bytes - line.size() - 9, 'x') + "\"";
  return line + "}\n";
}

void deliver(World& world, int first, int last, std::size_t bytes = 0) {
  for (int n = first; n <= last; ++n) world.desk.deliver("bob", {thing(n, bytes)});
}

// The same as a session reads it.
std::string numbered(int first, int last, std::size_t bytes = 0) {
  std::string all;
  for (int n = first; n <= last; ++n) {
    const std::string line = thing(n, bytes);
    all += line.substr(0, line.size() - 2) + ",\"seq\":" + std::to_string(n) + "}\n";
  }
  return all;
}

// What the desk hears of several, one after the other.
std::string ends(const char* how, int first, int last) {
  std::string all;
  for (int n = first; n <= last; ++n) all += std::string(how) + " " + std::to_string(n) + "\n";
  return all;
}

std::string refused(std::string_view code, std::string_view why) {
  return R"({"cmd":"error","code":")" + std::string(code) + R"(","message":")" + std::string(why) +
         R"(","in":"ack"})"
         "\n";
}

const std::string too_high = refused("bad_request", "no delivery of this session has that seq yet");

}  // namespace

START_TEST(numbers_and_confirms) {
  World world;
  User al(world, "al");
  Acker bob(world);
  for (int i = 1; i <= 3; ++i) al.line(chat_to("bob", R"("content":1,"id":")" + std::to_string(i) + "\""));
  std::string read;
  for (int i = 1; i <= 3; ++i)
    read += R"({"cmd":"chat","send":"al","recv":"bob","content":1,"id":")" + std::to_string(i) +
            R"(","ts":1700000000000,"seq":)" + std::to_string(i) + "}\n";
  expect("each has the next number", bob.heard(), read);
  expect("that the kernel has them is no outcome", world.desk.log + al.heard(), "");
  bob.ack(2);
  expect("one ack confirms all before it, in order", world.desk.log, ends("delivered", 1, 2));
  expect("and the sender hears it", al.heard(),
         "{\"cmd\":\"ack\",\"id\":\"1\",\"status\":\"delivered\"}\n{\"cmd\":\"ack\",\"id\":\"2\",\"status\":"
         "\"delivered\"}\n");
  bob.ack(2);
  bob.ack(1);
  expect("an old one changes nothing", world.desk.log, ends("delivered", 1, 2));
  expect("and is not answered, nor is any", bob.heard(), "");
  bob.ack(3);
  expect("the last", world.desk.log, ends("delivered", 1, 3));
  deliver(world, 4, 4);
  expect("the count goes on", bob.heard(), numbered(4, 4));
  bob.ack(4);
  bob.session.lose();
  expect("nothing is left", world.desk.log, ends("delivered", 1, 4) + "logout bob\n");
}
END_TEST

START_TEST(marks_stand_before_the_last_brace) {
  const struct {
    const char* login;
    bool stored;
    bool redelivered;
    const char* read;
  } rows[] = {
      {R"({"cmd":"login","name":"bob"})", false, false, R"({"send":"al","content":{"a":1}})"},
      {R"({"cmd":"login","name":"bob"})", true, false, R"({"send":"al","content":{"a":1},"stored":true})"},
      {R"({"cmd":"login","name":"bob"})", false, true, R"({"send":"al","content":{"a":1},"redelivered":true})"},
      {R"({"cmd":"login","name":"bob","ack":false})", true, true,
       R"({"send":"al","content":{"a":1},"stored":true,"redelivered":true})"},
      {R"({"cmd":"login","name":"bob","ack":true})", false, false, R"({"send":"al","content":{"a":1},"seq":1})"},
      {R"({"cmd":"login","name":"bob","ack":true,"format":"json"})", true, true,
       R"({"send":"al","content":{"a":1},"stored":true,"redelivered":true,"seq":1})"},
      // Whoever reads plain lines is shown none.
      {R"({"cmd":"login","name":"bob","format":"text"})", true, true, "{\"send\":\"al\",\"content\":{\"a\":1}}"},
  };
  for (const auto& row : rows) {
    World world;
    Wire bob(world);
    bob.line(row.login);
    bob.heard();
    world.desk.deliver("bob", {"{\"send\":\"al\",\"content\":{\"a\":1}}\n", row.stored, row.redelivered});
    expect(row.login, bob.heard(), row.read + std::string("\n"));
  }
}
END_TEST

START_TEST(refuses_acks_out_of_place) {
  World world;
  Wire wire(world);
  wire.heard();
  wire.line(R"({"cmd":"ack","seq":1})");
  expect("before the login", wire.heard(), refused("not_logged_in", "log in first"));
  wire.line(login("al"));
  wire.heard();
  wire.line(R"({"cmd":"ack","seq":1})");
  expect("in a session without them", wire.heard(),
         refused("bad_request", "only a session that logged in with ack confirms"));
  wire.line(R"({"cmd":"ack"})");
  expect("without a number", wire.heard(), refused("bad_request", "seq must be a whole number, that of a delivery"));

  Wire person(world);
  person.line("/help");
  person.heard();
  person.line(R"({"cmd":"login","name":"ed","ack":true})");
  expect(
      "a person is shown no numbers", person.heard(),
      R"({"cmd":"error","code":"bad_request","message":"chats for people show no seq: log in without ack","in":"login"})"
      "\r\n");
  ck_assert(!person.session.logged_in());
  person.line("/login ed");
  ck_assert(person.session.logged_in());
}
END_TEST

// A delivery is confirmed by nobody who cannot have read it.
START_TEST(a_number_that_was_not_read_confirms_nothing) {
  World world;
  Acker bob(world);
  bob.ack(1);
  expect("before there is one", bob.heard(), too_high);
  deliver(world, 1, 3);
  bob.ack(1);
  expect("queued, but the connection has not got it", world.desk.log, "");
  bob.session.fill(bob.full_);
  deliver(world, 4, 4);
  bob.ack(4);
  expect("the last is still queued: none is confirmed", world.desk.log, "");
  // The kernel may have had a part of a large write for long before the connection tells.
  bob.ack(2);
  expect("with the connection", world.desk.log, ends("delivered", 1, 2));
  bob.ack(5);
  bob.ack(~peer::Seq{0});
  expect("what was read, and the errors", bob.heard(),
         numbered(1, 3) + too_high + numbered(4, 4) + too_high + too_high + too_high);
  bob.ack(4);
  expect("and the rest", world.desk.log, ends("delivered", 1, 4));
}
END_TEST

START_TEST(hands_out_256_at_a_time) {
  World world;
  Acker bob(world);
  deliver(world, 1, 600);
  bob.line(R"({"cmd":"ping"})");
  expect("no more, and other lines don't wait behind", bob.heard(), numbered(1, 256) + "{\"cmd\":\"pong\"}\n");
  expect("with the kernel or not", world.desk.log, "");
  bob.ack(10);
  expect("as many as were confirmed", bob.heard(), numbered(257, 266));
  deliver(world, 601, 601);
  expect("the newest waits behind the others", bob.heard(), "");
  bob.ack(266);
  expect("the next 256", bob.heard(), numbered(267, 522));
  bob.ack(522);
  deliver(world, 602, 602);
  expect("and the rest", bob.heard(), numbered(523, 602));
  bob.ack(602);
  expect("each was confirmed once, in order", world.desk.log, ends("delivered", 1, 602));
}
END_TEST

START_TEST(or_one_mib) {
  client::SessionSettings settings = usual();
  settings.queue_bytes = std::size_t{8} << 20U;
  World world(settings);
  Acker bob(world);
  constexpr std::size_t each = std::size_t{1} << 16U;
  deliver(world, 1, 20, each);
  expect("sixteen of 64 KiB", bob.heard(), numbered(1, 16, each));
  bob.ack(1);
  expect("one more", bob.heard(), numbered(17, 17, each));
  deliver(world, 21, 21, 2 * client::Window::bytes_max);
  deliver(world, 22, 22);
  bob.ack(17);
  expect("the rest, but not the one that is too large for company", bob.heard(), numbered(18, 20, each));
  bob.ack(19);
  expect("that waits until it is alone", bob.heard(), "");
  bob.ack(20);
  expect("and nothing overtakes it", bob.heard(), numbered(21, 21, 2 * client::Window::bytes_max));
  bob.ack(21);
  expect("nor does it hold up anything", bob.heard(), numbered(22, 22));
}
END_TEST

// The desk may have more to deliver as soon as something is confirmed.
START_TEST(what_an_ack_brings_comes_after_what_waits) {
  World world;
  Acker bob(world);
  deliver(world, 1, 258);
  bob.heard();
  int next = 259;
  world.desk.on_each_delivered = [&] {
    if (next <= 264) deliver(world, next, next), ++next;
  };
  for (const int seq : {2, 3, 100}) {
    bob.ack(static_cast<peer::Seq>(seq));
    bob.flush();
  }
  expect("in order", bob.heard(), numbered(257, 264));
  bob.ack(264);
  expect("and each once", world.desk.log, ends("delivered", 1, 264));
}
END_TEST

// Confirmed; with the connection; queued for it; behind the window: in this order.
START_TEST(gives_back_in_order_what_is_not_confirmed) {
  for (const bool kernel_has_it : {false, true}) {
    World world;
    Acker bob(world);
    deliver(world, 1, 100);
    bob.heard();
    bob.ack(30);
    deliver(world, 101, 200);
    kernel_has_it ? bob.flush() : bob.flush(1000);
    bob.line(R"({"cmd":"ping"})");
    deliver(world, 201, 300);
    bob.session.lose();
    const std::string expected =
        ends("delivered", 1, 30) + "logout bob\n" + ends("unread", 31, 200) + ends("unwritten", 201, 300);
    expect("each has one end", world.desk.log, expected);
    bob.session.lose();
    expect("and no second", world.desk.log, expected);
  }
}
END_TEST

START_TEST(a_delivery_cut_in_two_was_not_read) {
  World world;
  Acker bob(world);
  deliver(world, 1, 6, 100'000);
  bob.flush(1);  // the connection takes 256 KiB of them
  bob.session.lose();
  expect("two are whole", world.desk.log, "logout bob\n" + ends("unread", 1, 2) + ends("unwritten", 3, 6));
}
END_TEST

// Nothing will be confirmed by one who is not listened to: what it has does not
// wait for the connection to close.
START_TEST(who_leaves_gives_back_at_once) {
  const struct {
    const char* sentence;
    void (*leave)(World& world, Acker& bob);
    std::string log;
  } rows[] = {
      {"logout", [](World&, Acker& bob) { bob.line(R"({"cmd":"logout"})"); }, "logout bob\n"},
      {"the end of its input", [](World&, Acker& bob) { bob.session.on_end(); }, "logout bob\n"},
      {"drain", [](World&, Acker& bob) { bob.session.drain(peer::Millis(5000)); }, "logout bob\n"},
      {"a newer login",
       [](World& world, Acker&) {
         Wire newer(world);
         newer.line(login("bob"));
         newer.session.lose();
       },
       "login bob\nlogout bob\nlogout bob\n"},
  };
  for (const auto& row : rows) {
    World world;
    Acker bob(world);
    deliver(world, 1, 300);
    bob.flush();
    row.leave(world, bob);
    ck_assert_msg(bob.finished, "%s", row.sentence);
    expect(row.sentence, world.desk.log, row.log);
    bob.flush(0);
    const std::string expected = row.log + ends("unread", 1, 256) + ends("unwritten", 257, 300);
    expect(row.sentence, world.desk.log, expected);
    bob.flush();
    bob.session.lose();
    expect(row.sentence, world.desk.log, expected);
    ck_assert_msg(bob.out.find(numbered(1, 256)) == 0, "%s: what was queued is written", row.sentence);
  }
}
END_TEST

START_TEST(also_what_the_connection_has_not_got_yet) {
  World world;
  Acker bob(world);
  deliver(world, 1, 12, 60'000);
  bob.flush(1);
  bob.line(R"({"cmd":"logout"})");
  bob.flush(0);
  const std::string expected = "logout bob\n" + ends("unread", 1, 12);
  expect("it will be written all the same, and may be read", world.desk.log, expected);
  bob.flush();
  bob.session.lose();
  expect("once", world.desk.log, expected);
  ck_assert(bob.out == numbered(1, 12, 60'000));
}
END_TEST

START_TEST(what_waits_behind_counts) {
  client::SessionSettings settings = usual();
  settings.queue_bytes = 10'000;
  World world(settings);
  Acker bob(world);
  deliver(world, 1, 256);
  bob.flush();
  deliver(world, 257, 257 + 99, 100);
  bob.flush();
  ck_assert_msg(!bob.finished, "10,000 bytes behind");
  deliver(world, 357, 357, 100);
  bob.flush();
  ck_assert_msg(bob.finished, "one more");
  ck_assert(bob.heard().find(R"({"cmd":"kicked","reason":"slow_consumer")") != std::string::npos);
  expect("all of it goes elsewhere", world.desk.log,
         "logout bob\n" + ends("unread", 1, 256) + ends("unwritten", 257, 357));
}
END_TEST

START_TEST(a_silent_client) {
  World world;
  Acker bob(world);
  peer::Time& now = world.commons.clock.now;
  bob.watch();
  ck_assert_msg(!bob.watched, "nobody is watched in vain");
  deliver(world, 1, 1);
  ck_assert(bob.watched);
  now += std::chrono::seconds(60);  // the desk's calls may find an old clock
  bob.watch();
  ck_assert_msg(!bob.finished, "it has not been given anything yet");
  bob.flush();
  now += std::chrono::milliseconds(20'000);
  deliver(world, 2, 2);
  bob.flush();
  now += std::chrono::milliseconds(9'999);
  bob.watch();
  ck_assert(!bob.finished && bob.watched);
  bob.ack(1);
  now += std::chrono::milliseconds(20'000);
  bob.watch();
  ck_assert_msg(!bob.finished, "the second is 29.999 s old");
  now += std::chrono::milliseconds(1);
  bob.watch();
  ck_assert(bob.finished && !bob.watched);
  ck_assert_int_eq(bob.patience.count(), 1000);
  ck_assert(bob.heard().find(R"({"cmd":"kicked","reason":"slow_consumer","retry":true)") != std::string::npos);
  expect("it goes elsewhere", world.desk.log, "delivered 1\nlogout bob\nunread 2\n");
}
END_TEST

START_TEST(who_confirms_is_not_watched_any_more) {
  World world;
  Acker bob(world);
  for (int n = 1; n <= 3; ++n) {
    deliver(world, n, n);
    bob.flush();
    ck_assert(bob.watched);
    bob.watch();
    ck_assert(bob.watched);
    bob.ack(static_cast<peer::Seq>(n));
    bob.watch();
    ck_assert(!bob.watched);
    world.commons.clock.now += std::chrono::seconds(100);
  }
  ck_assert(!bob.finished);
}
END_TEST

// One that does not confirm is watched for as long as its connection has not
// taken what was delivered.
START_TEST(a_connection_that_takes_nothing) {
  client::SessionSettings settings = usual();
  settings.ack_timeout = peer::Millis(5000);
  World world(settings);
  User al(world, "al");
  User bob(world, "bob");
  peer::Time& now = world.commons.clock.now;
  al.line(chat_to("bob", R"("content":1)"));
  ck_assert(bob.watched);
  bob.flush();
  now += std::chrono::seconds(100);
  bob.watch();
  ck_assert_msg(!bob.finished && !bob.watched, "the kernel has it");

  bob.line(R"({"cmd":"ping"})");
  now += std::chrono::seconds(100);
  ck_assert_msg(!bob.watched, "an answer is no delivery");
  bob.flush();

  world.desk.log.clear();
  al.line(chat_to("bob", R"("content":2)"));
  bob.flush(10);
  now += std::chrono::milliseconds(4999);
  bob.watch();
  ck_assert(!bob.finished && bob.watched);
  now += std::chrono::milliseconds(1);
  bob.watch();
  ck_assert(bob.finished);
  bob.session.lose();
  expect("it may have been read", world.desk.log, "logout bob\nunread 2\n");
}
END_TEST

START_TEST(a_long_delivery_that_goes_on_is_no_silence) {
  World world;
  User bob(world, "bob");
  peer::Time& now = world.commons.clock.now;
  deliver(world, 1, 1, 1'000'000);
  for (int i = 0; i < 3; ++i) {
    now += std::chrono::seconds(29);
    bob.watch();
    ck_assert(!bob.finished);
    bob.flush(std::size_t{256} * 1024);
  }
  now += std::chrono::seconds(30);
  bob.watch();
  ck_assert(bob.finished);
}
END_TEST

START_TEST(who_is_departing_is_given_no_more) {
  World world;
  User al(world, "al");
  Acker bob(world);
  world.desk.keep = true;
  bob.line(chat_to("al", R"("content":1,"id":"m")"));
  deliver(world, 1, 1);
  bob.line(R"({"cmd":"logout"})");
  deliver(world, 2, 2);
  ck_assert(!bob.finished);
  world.desk.settle_kept(1);
  ck_assert(bob.finished);
  expect("what was queued is written", bob.heard(),
         numbered(1, 1) + "{\"cmd\":\"ack\",\"id\":\"m\",\"status\":\"written\"}\n");
  expect("both go elsewhere", world.desk.log, "logout bob\nunread 1\nunwritten 2\n");
}
END_TEST

// Every cut of what the client sends finds the same.
START_TEST(acks_in_every_two_pieces) {
  const std::string said =
      "{\"cmd\":\"ack\",\"seq\":1}\r\n{\"cmd\":\"ping\"}\n{\"seq\":3,\"cmd\":\"ack\"}\n{\"cmd\":\"ack\",\"seq\":9}\n";
  for (std::size_t at = 0; at <= said.size(); ++at) {
    World world;
    Acker bob(world);
    deliver(world, 1, 5);
    bob.heard();
    bob.bytes(std::string_view(said).substr(0, at));
    bob.bytes(std::string_view(said).substr(at));
    expect("confirmed", world.desk.log, ends("delivered", 1, 3));
    expect("answered", bob.heard(), "{\"cmd\":\"pong\"}\n" + too_high);
  }
}
END_TEST

SUITE(numbers_and_confirms, marks_stand_before_the_last_brace, refuses_acks_out_of_place,
      a_number_that_was_not_read_confirms_nothing, hands_out_256_at_a_time, or_one_mib,
      what_an_ack_brings_comes_after_what_waits, gives_back_in_order_what_is_not_confirmed,
      a_delivery_cut_in_two_was_not_read, who_leaves_gives_back_at_once, also_what_the_connection_has_not_got_yet,
      what_waits_behind_counts, a_silent_client, who_confirms_is_not_watched_any_more, a_connection_that_takes_nothing,
      a_long_delivery_that_goes_on_is_no_silence, who_is_departing_is_given_no_more, acks_in_every_two_pieces)
