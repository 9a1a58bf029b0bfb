// A Redis that Sentinels name: found, verified, followed. Against servers that
// only pretend, and against a real Sentinel that fails a real Redis over.
#include <sys/stat.h>

#include <charconv>
#include <fstream>
#include <map>
#include <utility>

#include "tests/unit/private_redis.h"
#include "tests/unit/redis_client.h"
#include "tests/unit/running.h"
#include "tests/unit/suite.h"

namespace {

using peer::Millis;
using suite::same;

constexpr const char* nil = "*-1\r\n";

std::string bulk(const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; }

std::string list_of(const std::vector<std::string>& texts) {
  std::string all = "*" + std::to_string(texts.size()) + "\r\n";
  for (const std::string& text : texts) all += bulk(text);
  return all;
}

// A server that answers each command as it is told to; where it has no answer
// it is silent.
class Actor {
 public:
  explicit Actor(Running& running) : timer_(running.loop, [this] { serve(); }) { timer_.every(Millis(2)); }
  ~Actor() { hang_up(); }

  // The answer to every command that begins with this word.
  Actor& says(const std::string& command, std::string answer) {
    answers_[command] = std::move(answer);
    return *this;
  }
  // As a Redis would.
  Actor& is_master() {
    return says("PING", "+PONG\r\n")
        .says("SUBSCRIBE", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
        .says("ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
  }
  Actor& is_replica() {
    return is_master().says("ROLE", "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:7\r\n$9\r\nconnected\r\n:0\r\n");
  }
  // As a Sentinel would.
  Actor& names(const std::string& host, std::uint16_t port) {
    return says("SENTINEL", list_of({host, std::to_string(port)}));
  }
  Actor& names(const Actor& redis) { return names("127.0.0.1", redis.port()); }

  std::uint16_t port() const { return listener_.port(); }
  peer::Address address() const { return {"127.0.0.1", port()}; }
  int connections() const { return connections_; }
  int asked(const std::string& command) const { return asked_.contains(command) ? asked_.at(command) : 0; }

  void hang_up() {
    for (const auto& [fd, bytes] : talks_) close(fd);
    talks_.clear();
  }

 private:
  void serve() {
    for (int fd; (fd = listener_.accept()) >= 0; ++connections_) talks_[fd];
    for (auto& [fd, bytes] : talks_) {
      char buffer[4096];
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) continue;
      bytes.append(buffer, static_cast<std::size_t>(n));
      for (std::string word; !(word = take_command(bytes)).empty(); ++asked_[word])
        if (const auto at = answers_.find(word); at != answers_.end())
          static_cast<void>(send(fd, at->second.data(), at->second.size(), MSG_NOSIGNAL));
    }
  }

  // The first word of the first command, which is taken out; empty: none is whole.
  static std::string take_command(std::string& bytes) {
    std::size_t at = 0, words = 0, size = 0;
    const auto number = [&](std::size_t& into) {
      const std::size_t end = bytes.find("\r\n", at);
      if (end == std::string::npos) return false;
      std::from_chars(bytes.data() + at + 1, bytes.data() + end, into);
      at = end + 2;
      return true;
    };
    if (!number(words)) return {};
    std::string first;
    for (std::size_t i = 0; i < words; ++i) {
      if (!number(size) || bytes.size() < at + size + 2) return {};
      if (i == 0) first = bytes.substr(at, size);
      at += size + 2;
    }
    bytes.erase(0, at);
    return first;
  }

  RawListener listener_;
  std::map<std::string, std::string> answers_;
  std::map<int, std::string> talks_;  // what was heard and not understood yet
  std::map<std::string, int> asked_;
  int connections_ = 0;
  io::Timer timer_;
};

template <class... Actors>
io::RedisSentinels sentinels(const Actors&... actors) {
  return {{actors.address()...}, "m"};
}

peer::Address nobody() { return {"127.0.0.1", RawListener().port()}; }  // gone again

START_TEST(the_master_that_a_sentinel_names_is_used) {
  Running running;
  Actor redis(running), sentinel(running);
  redis.is_master();
  sentinel.names("localhost", redis.port());  // a name is resolved
  RedisClient client(running, sentinels(sentinel), {"c"});
  ck_assert_uint_eq(client.redis.address().port, 0);
  client.until_up();
  same(to_string(client.redis.address()), "localhost:" + std::to_string(redis.port()));
  ck_assert_int_eq(redis.connections(), 2);  // for commands and for channels
  ck_assert_uint_eq(client.watch.downs.size(), 0);
}
END_TEST

START_TEST(sentinels_that_do_not_help) {
  const struct {
    const char* sentence;
    const char* answer;
    const char* why;
  } rows[] = {
      {"it does not know the master", nil, "it knows no master m"},
      {"it wants a password", "-NOAUTH Authentication required.\r\n", "NOAUTH Authentication required."},
      {"it is a Redis", "-ERR unknown command 'SENTINEL'\r\n", "ERR unknown command 'SENTINEL'"},
      {"it says a word", "+OK\r\n", "it is no Sentinel"},
      {"it says a number", ":7\r\n", "it is no Sentinel"},
      {"it names nothing", "*0\r\n", "it names no address"},
      {"it names half an address", "*1\r\n$1\r\nh\r\n", "it names no address"},
      {"it names no host", "*2\r\n$0\r\n\r\n$1\r\n7\r\n", "it names no address"},
      {"it names no port", "*2\r\n$1\r\nh\r\n$1\r\nx\r\n", "it names no address"},
      {"it names port 0", "*2\r\n$1\r\nh\r\n$1\r\n0\r\n", "it names no address"},
      {"it speaks another protocol", "220 mail ESMTP\r\n", "Protocol error"},
      {"it says nothing", "", "no answer within 1 s"},
  };
  for (const auto& row : rows) {
    Running running;
    Actor redis(running), bad(running), good(running);
    redis.is_master();
    bad.says("SENTINEL", row.answer);
    good.names(redis);
    RedisClient alone(running, sentinels(bad), {});
    alone.until_down();
    const std::string& why = alone.watch.downs[0];
    ck_assert_msg(why.starts_with("Sentinel " + to_string(bad.address()) + ": " + row.why), "%s: %s", row.sentence,
                  why.c_str());
    ck_assert_msg(!alone.redis.up(), "%s", row.sentence);
    RedisClient with_another(running, sentinels(bad, good), {});
    with_another.until_up();
    ck_assert_msg(with_another.watch.downs.empty(), "%s", row.sentence);
  }
}
END_TEST

START_TEST(no_sentinel_is_there) {
  Running running;
  const peer::Address one = nobody(), other = nobody();
  RedisClient client(running, io::RedisSentinels{{one, other}, "m"}, {});
  client.until_down(2);  // it goes on trying
  same(client.watch.downs[0], "none of 2 Sentinels helps, the last: " + to_string(other) + ": connection refused");
}
END_TEST

START_TEST(an_ipv6_address_is_taken_without_brackets) {
  Running running;
  Actor sentinel(running);
  sentinel.names("::1", nobody().port);
  RedisClient client(running, sentinels(sentinel), {});
  client.until_down();
  ck_assert_str_eq(client.redis.address().host.c_str(), "::1");
}
END_TEST

START_TEST(the_sentinel_that_answered_is_asked_first) {
  Running running;
  Actor redis(running), forgetful(running), knowing(running);
  redis.is_master();
  forgetful.says("SENTINEL", nil);
  knowing.names(redis);
  RedisClient client(running, sentinels(forgetful, knowing), {});
  client.until_up();
  ck_assert_int_eq(forgetful.connections(), 1);
  redis.hang_up();
  client.until_up(2);
  ck_assert_int_eq(forgetful.connections(), 1);
  ck_assert_int_ge(knowing.connections(), 2);
}
END_TEST

START_TEST(what_a_sentinel_names_may_be_no_master) {
  const struct {
    const char* sentence;
    const char* role;
    const char* why;
  } rows[] = {
      {"a replica", "*3\r\n$5\r\nslave\r\n$1\r\nh\r\n:7\r\n", "that Redis is a replica of h:7"},
      {"a Sentinel", "*2\r\n$8\r\nsentinel\r\n*0\r\n", "that is a Sentinel, no Redis; see redis.sentinels"},
      {"one that hides it", "-NOPERM this user\r\n", "ROLE refused: NOPERM this user"},
      {"one that does not say", "+OK\r\n", "that Redis does not say that it is a master"},
      {"one that says nothing", "", "no answer within 1 s"},
  };
  for (const auto& row : rows) {
    Running running;
    Actor wrong(running), right(running), stale(running), knowing(running);
    wrong.is_master().says("ROLE", row.role);
    right.is_master();
    stale.names(wrong);
    knowing.names(right);
    RedisClient client(running, sentinels(stale, knowing), {"c"});
    client.until_up();  // who named it is not believed again
    ck_assert_uint_eq(client.watch.downs.size(), 1);
    const std::string wanted = to_string(wrong.address()) + ": " + row.why;
    ck_assert_msg(client.watch.downs[0] == wanted, "%s: %s", row.sentence, client.watch.downs[0].c_str());
    ck_assert_msg(client.redis.address() == right.address(), "%s", row.sentence);
    ck_assert_msg(wrong.asked("SUBSCRIBE") == 0, "%s", row.sentence);
  }
}
END_TEST

START_TEST(a_master_that_is_gone_makes_another_sentinel_be_asked) {
  Running running;
  Actor right(running), stale(running), knowing(running);
  right.is_master();
  const peer::Address gone = nobody();
  stale.names(gone.host, gone.port);
  knowing.names(right);
  RedisClient client(running, sentinels(stale, knowing), {});
  client.until_up();
  same(client.watch.downs[0], to_string(gone) + ": connection refused");
  ck_assert_uint_eq(client.watch.downs.size(), 1);
}
END_TEST

// Each way to learn that the master is another one by now, while all stands.
START_TEST(a_failover_is_noticed_while_connected) {
  const struct {
    const char* sentence;
    void (*happens)(Actor& old, Actor& sentinel, const Actor& redis);
    const char* why;
  } rows[] = {
      {"the old master says that it is a replica", [](Actor& old, Actor&, const Actor&) { old.is_replica(); },
       "that Redis is a replica of h:7"},
      {"the old master refuses a write",
       [](Actor& old, Actor&, const Actor&) { old.says("SET", "-READONLY You can't write\r\n"); },
       "that Redis is a replica by now: READONLY You can't write"},
      {"the old master refuses what a script writes",
       [](Actor& old, Actor&, const Actor&) {
         old.says("SET", "-ERR Error running script (call to f_1): @user_script:4: -READONLY You can't write\r\n");
       },
       "that Redis is a replica by now: ERR Error running script"},
      {"the old master has lost its own master",
       [](Actor& old, Actor&, const Actor&) { old.says("SET", "-MASTERDOWN Link with MASTER is down\r\n"); },
       "that Redis is a replica by now: MASTERDOWN"},
      {"the Sentinel names another", [](Actor&, Actor& sentinel, const Actor& redis) { sentinel.names(redis); },
       "Sentinels name another master by now, "},
  };
  for (const auto& row : rows) {
    Running running;
    Actor old(running), next(running), sentinel(running);
    old.is_master().says("SET", "+OK\r\n");
    next.is_master().says("SET", "+OK\r\n");
    sentinel.names(old);
    RedisClient client(running, sentinels(sentinel), {"c"});
    client.until_up();
    same(client.ask({"SET", "k", "v"}), "text OK");
    row.happens(old, sentinel, next);
    client.redis.command({"SET", "k", "v"}, [](io::Reply) {});
    client.until_down();
    const std::string& why = client.watch.downs[0];
    ck_assert_msg(why.starts_with(to_string(old.address()) + ": " + row.why), "%s: %s", row.sentence, why.c_str());
    sentinel.names(next);
    running.until("the new master is used",
                  [&] { return client.redis.up() && client.redis.address() == next.address(); });
    same(client.ask({"SET", "k", "v"}), "text OK");
    ck_assert_int_ge(next.asked("SUBSCRIBE"), 1);
  }
}
END_TEST

START_TEST(sentinels_that_are_gone_are_no_reason_to_give_a_master_up) {
  Running running;
  Actor redis(running);
  redis.is_master();
  auto sentinel = std::make_unique<Actor>(running);
  sentinel->names(redis);
  RedisClient client(running, sentinels(*sentinel), {"c"});
  client.until_up();
  sentinel.reset();
  const int before = redis.asked("ROLE");
  running.until("it was asked for its role a few times", [&] { return redis.asked("ROLE") >= before + 3; });
  ck_assert_uint_eq(client.watch.downs.size(), 0);
  ck_assert(client.redis.up());
}
END_TEST

// Where an address was given.

START_TEST(a_replica_at_the_address_given_is_never_up) {
  Running running;
  Actor redis(running);
  redis.is_replica();
  RedisClient client(running, "redis://" + to_string(redis.address()), {"c"});
  client.until_down(2);
  ck_assert_int_eq(client.watch.ups, 0);
  same(client.watch.downs[0], "that Redis is a replica of h:7");
}
END_TEST

START_TEST(a_sentinel_at_the_address_given_is_told_of) {
  Running running;
  Actor redis(running);
  redis.is_master().says("ROLE", "*2\r\n$8\r\nsentinel\r\n*0\r\n");
  RedisClient client(running, "redis://" + to_string(redis.address()));
  client.until_down();
  same(client.watch.downs[0], "that is a Sentinel, no Redis; see redis.sentinels");
}
END_TEST

START_TEST(a_server_at_the_address_given_need_not_tell_its_role) {
  PrivateRedis server({"--user", "erin", "on", ">e", "~*", "+@all", "-role", "allchannels"});
  Running running;
  RedisClient client(running, "redis://erin:e@127.0.0.1:" + std::to_string(server.port()), {"c"});
  client.until_up();
  same(client.ask({"ROLE"}), "error NOPERM");
  ck_assert_uint_eq(client.watch.downs.size(), 0);
}
END_TEST

START_TEST(a_server_that_becomes_a_replica_counts_as_down) {
  PrivateRedis server;
  Running running;
  RedisClient client(running, server.url(), {"c"});
  client.until_up();
  const peer::Address gone = nobody();
  ck_assert(client.ask({"REPLICAOF", gone.host, std::to_string(gone.port)}) == "text OK");
  same(client.ask({"EVAL", "return redis.call('SET', KEYS[1], 'v')", "1", "k"}), "error READONLY");
  client.until_down(2);
  ck_assert(client.watch.downs[0].starts_with("that Redis is a replica by now: READONLY"));
  same(client.watch.downs[1], "that Redis is a replica of " + to_string(gone));
  server.say("REPLICAOF NO ONE");
  client.until_up(2);
  same(client.ask({"SET", "k", "v"}), "text OK");
}
END_TEST

// A real one.

// A Sentinel process that watches one master under the name m.
class PrivateSentinel {
 public:
  explicit PrivateSentinel(std::uint16_t master) : port_(RawListener().port()) {
    ck_assert_ptr_nonnull(mkdtemp(directory_));
    file_ = std::string(directory_) + "/sentinel.conf";
    const std::string down = "sentinel down-after-milliseconds m 500\n";
    std::ofstream(file_) << "port " << port_ << "\nbind 127.0.0.1\ndir " << directory_ << "\nlogfile /dev/null\n"
                         << "sentinel monitor m 127.0.0.1 " << master << " 1\n"
                         << down << "sentinel failover-timeout m 3000\n";
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execlp("redis-server", "redis-server", file_.c_str(), "--sentinel", nullptr);
      _exit(127);
    }
  }
  ~PrivateSentinel() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    unlink(file_.c_str());
    rmdir(directory_);
  }
  PrivateSentinel(const PrivateSentinel&) = delete;
  PrivateSentinel& operator=(const PrivateSentinel&) = delete;

  peer::Address address() const { return {"127.0.0.1", port_}; }

  // As soon as it knows of a replica to promote.
  void fail_over() const {
    std::string answer;
    for (int i = 0; i < 2000 && !answer.starts_with("+OK"); ++i) {
      const int fd = raw_connect(port_);
      answer = fd < 0 ? "" : PrivateRedis::exchange(fd, "SENTINEL FAILOVER m");
      close(fd);
      pause();
    }
    ck_assert_msg(answer.starts_with("+OK"), "no failover: %s", answer.c_str());
  }

  static void pause() {
    const timespec moment{0, 5'000'000};
    nanosleep(&moment, nullptr);
  }

 private:
  char directory_[32] = "/tmp/crosstalk-sentinel-XXXXXX";
  std::string file_;
  std::uint16_t port_;
  pid_t pid_ = -1;
};

struct Pair {
  PrivateRedis one{{"--repl-diskless-sync-delay", "0"}};
  PrivateRedis other{{"--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1", std::to_string(one.port())}};

  // A Sentinel looks for replicas when it starts, and then seldom.
  void wait_for_replication() const {
    for (int i = 0; i < 2000; ++i, PrivateSentinel::pause())
      if (one.say("WAIT 1 10") == ":1\r\n") return;
    ck_abort_msg("the replica never connects");
  }
};

START_TEST(a_real_failover_is_followed) {
  for (const bool killed : {false, true}) {
    Pair pair;
    pair.wait_for_replication();
    PrivateSentinel sentinel(pair.one.port());
    Running running;
    RedisClient client(running, io::RedisSentinels{{nobody(), sentinel.address()}, "m"}, {"c"});
    client.until_up();
    ck_assert_uint_eq(client.redis.address().port, pair.one.port());
    same(client.ask({"SET", "k", "v"}), "text OK");
    if (killed) {
      kill(pair.one.pid(), SIGKILL);
    } else {
      sentinel.fail_over();
    }
    running.until("the other is used",
                  [&] { return client.redis.up() && client.redis.address().port == pair.other.port(); });
    same(client.ask({"SET", "k", "w"}), "text OK");
    same(client.ask({"PUBLISH", "c", "x"}), "integer 1");
    running.until("its channel is heard", [&] { return client.watch.messages.size() == 1; });
  }
}
END_TEST

START_TEST(destroyed_at_any_point_of_the_search_it_is_gone) {
  for (int turns = 0; turns < 12; ++turns) {
    Running running;
    Actor redis(running), forgetful(running), knowing(running);
    redis.is_master();
    forgetful.says("SENTINEL", nil);
    knowing.names(redis);
    auto client = std::make_unique<RedisClient>(running, sentinels(forgetful, knowing), std::vector<std::string>{"c"});
    int seen = 0;
    running.each_turn = [&] { ++seen; };
    running.until("so many turns are over", [&] { return seen >= turns * 3 || client->redis.up(); });
    client.reset();
    running.until_later(Millis(5));
  }
}
END_TEST

}  // namespace

SUITE(the_master_that_a_sentinel_names_is_used, sentinels_that_do_not_help, no_sentinel_is_there,
      an_ipv6_address_is_taken_without_brackets, the_sentinel_that_answered_is_asked_first,
      what_a_sentinel_names_may_be_no_master, a_master_that_is_gone_makes_another_sentinel_be_asked,
      a_failover_is_noticed_while_connected, sentinels_that_are_gone_are_no_reason_to_give_a_master_up,
      a_replica_at_the_address_given_is_never_up, a_sentinel_at_the_address_given_is_told_of,
      a_server_at_the_address_given_need_not_tell_its_role, a_server_that_becomes_a_replica_counts_as_down,
      a_real_failover_is_followed, destroyed_at_any_point_of_the_search_it_is_gone)
