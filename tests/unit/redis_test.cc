// Redis: answers of every kind, channels, and every way to lose the server and
// find it again, against a real one and against some that only pretend.
#include <optional>
#include <string>
#include <vector>

#include "src/io/redis.h"
#include "tests/unit/private_redis.h"
#include "tests/unit/redis_client.h"
#include "tests/unit/running.h"
#include "tests/unit/suite.h"

namespace {

using Kind = io::Reply::Kind;
using Client = RedisClient;
using Watch = RedisWatch;
using peer::Millis;

// A server that says what a test wants, once something was said to it, and then
// stays, hangs up or resets.
enum class Manner { stays, hangs_up, resets };

class Pretender {
 public:
  Pretender(Running& running, std::string answer, Manner manner = Manner::stays)
      : answer_(std::move(answer)), manner_(manner), timer_(running.loop, [this] { serve(); }) {
    timer_.every(Millis(2));
  }
  ~Pretender() {
    for (const int fd : fds_) close(fd);
  }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(listener_.port()); }
  std::size_t connections() const { return connections_; }

 private:
  void serve() {
    for (int fd; (fd = listener_.accept()) >= 0; ++connections_) fds_.push_back(fd);
    for (int& fd : fds_) {
      char buffer[4096];
      if (fd < 0 || recv(fd, buffer, sizeof buffer, 0) <= 0) continue;
      static_cast<void>(send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL));
      const linger hard{1, 0};
      if (manner_ == Manner::resets) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      if (manner_ != Manner::stays) close(std::exchange(fd, -1));
    }
  }

  RawListener listener_;
  std::string answer_;
  Manner manner_;
  std::vector<int> fds_;
  std::size_t connections_ = 0;
  io::Timer timer_;
};

START_TEST(urls) {
  const struct {
    const char* text;
    const char* host;
    unsigned port;
    const char* user;
    const char* password;
    int database;
  } good[] = {
      {"redis://localhost", "localhost", 6379, "", "", 0},
      {"redis://10.0.0.7:7000", "10.0.0.7", 7000, "", "", 0},
      {"redis://h/", "h", 6379, "", "", 0},
      {"redis://h/3", "h", 6379, "", "", 3},
      {"redis://:secret@h", "h", 6379, "", "secret", 0},
      {"redis://alice:secret@h:1/15", "h", 1, "alice", "secret", 15},
      {"redis://a:b:c@h", "h", 6379, "a", "b:c", 0},
      {"redis://a:b@c@h", "h", 6379, "a", "b@c", 0},
      {"redis://:%2f%3A%40%25@h", "h", 6379, "", "/:@%", 0},
      {"redis://[::1]", "::1", 6379, "", "", 0},
      {"redis://:x@[::1]:7000/2", "::1", 7000, "", "x", 2},
  };
  for (const auto& row : good) {
    const auto url = io::parse_redis_url(row.text);
    ck_assert_msg(static_cast<bool>(url), "%s: %s", row.text, url ? "" : url.why().c_str());
    const bool same = url->address == peer::Address{row.host, static_cast<std::uint16_t>(row.port)} &&
                      url->user == row.user && url->password == row.password && url->database == row.database;
    ck_assert_msg(same, "%s is read wrongly", row.text);
  }
  const char* bad[] = {
      "",
      "localhost",
      "http://h",
      "rediss://h",
      "redis://",
      "redis:///1",
      "redis://h:",
      "redis://h:0",
      "redis://h:65536",
      "redis://h:x",
      "redis://h/x",
      "redis://h/-1",
      "redis://h/65536",
      "redis://h/1/2",
      "redis://hunter2@h",
      "redis://u:@h",
      "redis://:%hunter2@h",
      "redis://:hunter2%2@h",
      "redis://:hunter2@",
      "redis://:hunter2@h i",
      "redis://[::1",
      "redis://::1",
      "redis://:hunter2#@h",
      "redis://h?db=1",
  };
  for (const char* text : bad) {
    const auto url = io::parse_redis_url(text);
    ck_assert_msg(!url, "%s is taken", text);
    ck_assert_msg(url.why().find("hunter2") == std::string::npos, "a password is repeated: %s", url.why().c_str());
  }
}
END_TEST

START_TEST(answers_of_every_kind) {
  Running running;
  PrivateRedis server;
  Client client(running, server.url());
  client.until_up();
  const std::string odd("a\r\n\0$3\r\nb c", 12);
  const std::string large(3'000'000, 'x');
  const struct {
    std::vector<std::string> argv;
    std::string answer;
  } rows[] = {
      {{"PING"}, "text PONG"},
      {{"GET", "k"}, "nil"},
      {{"SET", "k", odd}, "text OK"},
      {{"GET", "k"}, "text " + odd},
      {{"SET", "", ""}, "text OK"},
      {{"GET", ""}, "text "},
      {{"SET", "large", large}, "text OK"},
      {{"GET", "large"}, "text " + large},
      {{"INCR", "k"}, "error ERR"},
      {{"INCRBY", "n", "-7"}, "integer -7"},
      {{"NO SUCH %s %n COMMAND"}, "error ERR"},
      {{"RPUSH", "l", "a", "b"}, "integer 2"},
      {{"LRANGE", "l", "0", "-1"}, "[text a, text b]"},
      {{"LRANGE", "empty", "0", "-1"}, "[]"},
      {{"MGET", "k", "nothing"}, "[text " + odd + ", nil]"},
      {{"RPUSH", "looks-pushed", "message", "b", "c"}, "integer 3"},
      {{"LRANGE", "looks-pushed", "0", "-1"}, "[text message, text b, text c]"},
      {{"XADD", "x", "1-1", "f", "v"}, "text 1-1"},
      {{"XREAD", "STREAMS", "x", "0"}, "[[text x, [[text 1-1, [text f, text v]]]]]"},
  };
  for (const auto& row : rows) {
    const std::string answer = client.ask(row.argv);
    ck_assert_msg(answer == row.answer, "%s: %s", row.argv[0].c_str(), answer.substr(0, 200).c_str());
  }
  const io::Reply none(nullptr);
  ck_assert(!none.ok() && none.size() == 0 && none.integer() == 0 && none.text().empty());
  ck_assert(none[7].kind() == Kind::none);
}
END_TEST

START_TEST(many_commands_are_answered_in_order_and_one_too_many_with_none) {
  Running running;
  PrivateRedis server;
  Client client(running, server.url());
  client.until_up();
  constexpr std::size_t commands = io::Redis::commands_max + 1;
  std::size_t answered = 0, none = 0;
  long long last = 0;
  for (std::size_t i = 0; i < commands; ++i) {
    client.redis.command({"INCR", "n"}, [&](io::Reply reply) {
      ++answered;
      if (reply.kind() == Kind::none) {
        ++none;
      } else {
        ck_assert_int_eq(reply.integer(), ++last);
      }
    });
  }
  running.until("all are answered", [&] { return answered == commands; });
  ck_assert_uint_eq(none, 1);
}
END_TEST

START_TEST(channels) {
  Running running;
  PrivateRedis server;
  const std::string odd("p\r\n\0q", 5);
  Client client(running, server.url(), {"one", "two"});
  client.until_up();
  ck_assert(client.ask({"PUBLISH", "one", odd}) == "integer 1");
  ck_assert(client.ask({"PUBLISH", "two", ""}) == "integer 1");
  ck_assert(client.ask({"PUBLISH", "three", "x"}) == "integer 0");
  running.until("both came", [&] { return client.watch.messages.size() == 2; });
  ck_assert(client.watch.messages[0] == "one=" + odd);
  ck_assert(client.watch.messages[1] == "two=");
  // Left alone it stays up: both connections are asked and answer.
  running.until_later(Millis(2500));
  ck_assert_uint_eq(client.watch.downs.size(), 0);
  ck_assert_int_eq(client.watch.ups, 1);
}
END_TEST

START_TEST(no_server) {
  Running running;
  const std::uint16_t port = RawListener().port();  // gone again
  Client client(running, "redis://127.0.0.1:" + std::to_string(port));
  ck_assert(!client.redis.up());
  ck_assert(client.ask({"PING"}) == "none");
  client.until_down(3);  // it tries again
  for (const std::string& why : client.watch.downs) ck_assert_msg(why == "connection refused", "%s", why.c_str());
  ck_assert_int_eq(client.watch.ups, 0);
  ck_assert(client.ask({"PING"}) == "none");
}
END_TEST

// Beside one to whom nobody says so, which waits for up to 2 s by then.
START_TEST(who_hears_that_it_is_back_tries_soon) {
  Running running;
  const std::string nobody = "redis://127.0.0.1:" + std::to_string(RawListener().port());
  Client untold(running, nobody);
  untold.until_down(5);
  const std::size_t before = untold.watch.downs.size();
  Client told(running, nobody);
  told.redis.try_soon();  // it tries already
  running.each_turn = [&, seen = std::size_t{0}]() mutable {
    if (std::exchange(seen, told.watch.downs.size()) != told.watch.downs.size()) told.redis.try_soon();
  };
  told.until_down(10);
  ck_assert_uint_lt(untold.watch.downs.size(), before + 10);
  running.each_turn = {};
}
END_TEST

START_TEST(no_such_host) {
  Running running;
  Client client(running, "redis://two..dots");
  client.until_down();
  ck_assert(client.watch.downs[0] == "host not found: two..dots");
}
END_TEST

START_TEST(a_server_that_is_none) {
  const std::string pong = "+PONG\r\n";
  const struct {
    const char* sentence;
    std::string answer;
    Manner manner;
    std::vector<std::string> channels;
    const char* why;
  } rows[] = {
      {"it speaks another protocol", "220 mail ESMTP\r\n", Manner::stays, {}, "Protocol error"},
      {"it answers and hangs up", pong, Manner::hangs_up, {"c"}, "closed by the server"},
      {"it resets the connection", "", Manner::resets, {}, "connection reset by the other side"},
      {"it answers twice", pong + pong, Manner::stays, {}, "an answer that nobody asked for"},
      {"it is loading its data",
       "-LOADING Redis is loading\r\n",
       Manner::stays,
       {},
       "PING refused: LOADING Redis is loading"},
      {"it takes no channels",
       pong + pong + "*3\r\n$4\r\nping\r\n$1\r\nc\r\n:1\r\n",
       Manner::stays,
       {"c"},
       "an answer that nobody"},
      {"it nests without end",
       "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
       Manner::stays,
       {},
       "No support for nested"},
  };
  for (const auto& row : rows) {
    Running running;
    Pretender server(running, row.answer, row.manner);
    Client client(running, server.url(), row.channels);
    client.until_down(2);
    const std::string& why = client.watch.downs[0];
    ck_assert_msg(why.starts_with(row.why), "%s: %s", row.sentence, why.c_str());
  }
}
END_TEST

START_TEST(a_server_that_accepts_and_never_answers) {
  Running running;
  Pretender server(running, "");
  const peer::Time start = running.loop.now();
  Client client(running, server.url());
  client.until_down();
  ck_assert(client.watch.downs[0] == "no answer within 1 s");
  ck_assert(running.loop.now() - start >= Millis(1000));
  running.until("it is tried again", [&] { return server.connections() >= 2; });
  ck_assert_int_eq(client.watch.ups, 0);
}
END_TEST

START_TEST(a_server_that_falls_silent_and_speaks_again) {
  Running running;
  PrivateRedis server;
  Client client(running, server.url(), {"c"});
  client.until_up();
  kill(server.pid(), SIGSTOP);
  const peer::Time start = running.loop.now();
  ck_assert(client.ask({"PING"}) == "none");
  ck_assert(running.loop.now() - start >= Millis(900));
  ck_assert(!client.redis.up());
  client.until_down();
  ck_assert(client.watch.downs[0] == "no answer within 1 s");
  kill(server.pid(), SIGCONT);
  client.until_up(2);
  ck_assert(client.ask({"PUBLISH", "c", "x"}) == "integer 1");
  running.until("it is subscribed again", [&] { return client.watch.messages.size() == 1; });
}
END_TEST

START_TEST(silence_is_noticed_with_nothing_to_say) {
  Running running;
  PrivateRedis server;
  Client client(running, server.url());
  client.until_up();
  kill(server.pid(), SIGSTOP);
  client.until_down();
  ck_assert(client.watch.downs[0] == "no answer within 1 s");
}
END_TEST

START_TEST(a_server_that_always_owes_an_answer_is_not_silent) {
  Running running;
  PrivateRedis server;
  Client client(running, server.url());
  client.until_up();
  int answers = 0;
  io::Redis::Then ask_again = [&](io::Reply) {
    if (answers >= 0) ++answers, client.redis.command({"PING"}, ask_again);
  };
  for (int i = 0; i < 3; ++i) client.redis.command({"PING"}, ask_again);
  running.until_later(Millis(1500));
  ck_assert_int_gt(answers, 100);
  answers = -1;
  ck_assert(client.ask({"PING"}) == "text PONG");
  ck_assert_uint_eq(client.watch.downs.size(), 0);
}
END_TEST

// Or every pause of ours would be followed by a loss of Redis.
START_TEST(a_silence_of_ours_is_not_taken_for_theirs) {
  Running running;
  PrivateRedis server;
  Client client(running, server.url(), {"c"});
  client.until_up();
  bool stalled = false;
  io::Timer stall(running.loop, [&] {
    // Asked, but the answer can't be read for longer than silence_max.
    const timespec span{1, 500'000'000};
    nanosleep(&span, nullptr);
    stalled = true;
  });
  std::optional<Kind> answer;
  client.redis.command({"PING"}, [&](io::Reply reply) { answer = reply.kind(); });
  stall.at(running.loop.now());
  running.until("it is answered after the stall", [&] { return stalled && answer; });
  running.until_later(Millis(300));
  ck_assert(answer == Kind::text);
  ck_assert_uint_eq(client.watch.downs.size(), 0);
}
END_TEST

START_TEST(either_connection_killed_takes_both_down_and_both_come_back) {
  for (const char* type : {"normal", "pubsub"}) {
    Running running;
    PrivateRedis server;
    Client client(running, server.url(), {"c"});
    client.until_up();
    // In the same segment, so that commands are out when the connection dies.
    int none = 0, answered = 0;
    const auto count = [&](io::Reply reply) { ++(reply.kind() == Kind::none ? none : answered); };
    client.redis.command({"BLPOP", "never", "0"}, count);
    client.redis.command({"GET", "k"}, count);
    client.redis.command({"GET", "k"}, count);
    running.until_later(Millis(50));
    server.say(std::string("CLIENT KILL TYPE ") + type);
    client.until_down();
    ck_assert_int_eq(none, 3);
    ck_assert_int_eq(answered, 0);
    ck_assert_uint_eq(client.watch.downs.size(), 1);
    // The other was closed with it: there is none to kill.
    const std::string other = std::string(type) == "normal" ? "pubsub" : "normal";
    ck_assert(server.say("CLIENT KILL TYPE " + other) == ":0\r\n");
    const std::string why = client.watch.downs[0];
    ck_assert_msg(why == "closed by the server" || why == "connection reset by the other side", "%s", why.c_str());
    client.until_up(2);
    ck_assert(client.ask({"PUBLISH", "c", "x"}) == "integer 1");
    running.until("it is subscribed again", [&] { return client.watch.messages.size() == 1; });
    ck_assert_int_eq(none, 3);
    ck_assert_uint_eq(client.watch.downs.size(), 1);
  }
}
END_TEST

START_TEST(a_server_that_stops_and_starts_again) {
  Running running;
  PrivateRedis server;
  Client client(running, server.url(), {"c"});
  client.until_up();
  server.shut_down();
  client.until_down(2);  // the loss, and a try that was refused
  ck_assert(client.watch.downs[1] == "connection refused");
  server.start_again();
  client.until_up(2);
  ck_assert(client.ask({"PUBLISH", "c", "x"}) == "integer 1");
  running.until("it is subscribed again", [&] { return client.watch.messages.size() == 1; });
}
END_TEST

START_TEST(passwords_users_and_databases) {
  PrivateRedis server({"--requirepass", "p w", "--user", "carol", "on", ">c/1", "~*", "+@all", "allchannels", "--user",
                       "dave", "on", ">d", "~*", "+@all", "resetchannels"});
  const std::string at = "@127.0.0.1:" + std::to_string(server.port());
  const struct {
    const char* sentence;
    std::string url;
    const char* why;  // begins so; null: up
  } rows[] = {
      {"the right password", "redis://:p%20w" + at, nullptr},
      {"a user and a database", "redis://carol:c%2F1" + at + "/7", nullptr},
      {"the wrong password", "redis://:hunter2" + at, "AUTH refused: WRONGPASS"},
      {"an unknown user", "redis://nobody:p%20w" + at, "AUTH refused: WRONGPASS"},
      {"no password", "redis://127.0.0.1:" + std::to_string(server.port()), "PING refused: NOAUTH"},
      {"no such database", "redis://:p%20w" + at + "/999", "SELECT refused: ERR DB index"},
      {"a user without channels", "redis://dave:d" + at, "SUBSCRIBE refused: NOPERM"},
  };
  for (const auto& row : rows) {
    Running running;
    Client client(running, row.url, {"c"});
    running.until(row.sentence, [&] { return client.redis.up() || !client.watch.downs.empty(); });
    const std::string why = client.watch.downs.empty() ? "" : client.watch.downs[0];
    ck_assert_msg(client.redis.up() == !row.why, "%s: %s", row.sentence, why.c_str());
    if (row.why) {
      ck_assert_msg(why.starts_with(row.why) && why.find("hunter2") == std::string::npos, "%s: %s", row.sentence,
                    why.c_str());
    } else if (row.url.ends_with("/7")) {
      const std::string info = client.ask({"CLIENT", "INFO"});
      ck_assert_msg(info.find(" db=7 ") != std::string::npos && info.find(" user=carol ") != std::string::npos, "%s",
                    info.c_str());
    }
  }
}
END_TEST

START_TEST(destroyed_with_commands_out_it_answers_each_with_none) {
  Running running;
  PrivateRedis server;
  Watch watch;
  int none = 0, answered = 0;
  const auto count = [&](io::Reply reply) { ++(reply.kind() == Kind::none ? none : answered); };
  {
    io::Redis redis(running.loop, url_of(server.url()), {"c"}, watch);
    redis.command({"PING"}, count);  // down yet: refused, but from the loop
    ck_assert_int_eq(none, 0);
    running.until("redis is up", [&] { return redis.up() && none == 1; });
    redis.command({"BLPOP", "never", "0"}, [&](io::Reply reply) {
      count(reply);
      redis.command({"PING"}, count);  // and once more, in the midst of it
    });
    redis.command({"PING"}, count);
  }
  ck_assert_int_eq(none, 4);
  running.until_later(Millis(20));
  ck_assert_int_eq(none, 4);
  ck_assert_int_eq(answered, 0);
  ck_assert_uint_eq(watch.downs.size(), 0);
}
END_TEST

START_TEST(destroyed_at_any_point_of_coming_up_it_is_gone) {
  PrivateRedis server;
  for (int turns = 0; turns < 12; ++turns) {
    Running running;
    auto watch = std::make_unique<Watch>();
    auto redis = std::make_unique<io::Redis>(running.loop, url_of(server.url()), std::vector<std::string>{"c"}, *watch);
    int seen = 0;
    running.each_turn = [&] { ++seen; };
    running.until("so many turns are over", [&] { return seen >= turns || redis->up(); });
    redis.reset();
    watch.reset();
    running.until_later(Millis(5));
  }
}
END_TEST

}  // namespace

SUITE(urls, answers_of_every_kind, many_commands_are_answered_in_order_and_one_too_many_with_none, channels, no_server,
      who_hears_that_it_is_back_tries_soon, no_such_host, a_server_that_is_none,
      a_server_that_accepts_and_never_answers, a_server_that_falls_silent_and_speaks_again,
      silence_is_noticed_with_nothing_to_say, a_server_that_always_owes_an_answer_is_not_silent,
      a_silence_of_ours_is_not_taken_for_theirs, either_connection_killed_takes_both_down_and_both_come_back,
      a_server_that_stops_and_starts_again, passwords_users_and_databases,
      destroyed_with_commands_out_it_answers_each_with_none, destroyed_at_any_point_of_coming_up_it_is_gone)
