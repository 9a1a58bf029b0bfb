// Mailboxes while Redis is stopped, killed, refusing or forgetful: every answer
// comes once and is true, and nothing that was to be removed stays.
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "tests/unit/mailboxes.h"
#include "tests/unit/suite.h"

namespace {

// A directory for what a server writes, gone with its files at the end.
struct Scratch {
  Scratch() { ck_assert_ptr_nonnull(mkdtemp(path.data())); }
  ~Scratch() { ck_assert_int_eq(std::system(("rm -r " + path).c_str()), 0); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string path = "/tmp/crosstalk-mail-XXXXXX";
};

// Standard error until the end of the scope. Made before the log that writes to it.
class Caught {
 public:
  Caught() : file_(std::tmpfile()), kept_(dup(STDERR_FILENO)) { dup2(fileno(file_), STDERR_FILENO); }
  ~Caught() {
    dup2(kept_, STDERR_FILENO);
    close(kept_);
    std::fclose(file_);
  }
  Caught(const Caught&) = delete;
  Caught& operator=(const Caught&) = delete;

  int count(const std::string& what) {
    std::rewind(file_);
    std::string text(1U << 20U, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file_));
    int n = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++n;
    return n;
  }

 private:
  std::FILE* file_;
  int kept_;
};

START_TEST(killed_with_questions_out) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  ck_assert(!box.store->up());
  ck_assert_msg(box.stored(box.append("too early")) == Stored::unavailable, "not connected yet");
  box.until_up();

  kill(server.pid(), SIGSTOP);
  for (int i = 0; i < 300; ++i) box.append("x", "\"" + std::to_string(i) + "\"");
  const std::uint64_t last = box.append("x");
  const std::uint64_t read = box.take();
  run.until_later(peer::Millis(1));  // commands_max commands have left
  server.shut_down_hard();
  ck_assert(!box.taken(read).ok);
  run.until("all are answered", [&] { return box.answers.size() == 302; });
  // Four commands of 64 had been sent, with the take, which counts as four; the rest had not.
  for (const auto& [token, how] : box.answers)
    if (token != 1) ck_assert(how == (token <= 1 + 252 ? Stored::unknown : Stored::unavailable));
  ck_assert(box.answers.at(last) == Stored::unavailable);

  const std::uint64_t down = box.append("x");
  ck_assert_msg(!box.taken(box.take()).ok, "read while down");
  ck_assert(box.stored(down) == Stored::unavailable);
  ck_assert(box.store->idle());

  server.start_again();
  box.until_up(2);
  ck_assert(box.stored(box.append("x")) == Stored::yes);
  same(box.taken(box.take()).said(), "x");
}
END_TEST

// A Redis that was asleep does what it was asked when it wakes, though whoever
// asked has given up and may have sent the chat another way.
START_TEST(stored_late_is_marked) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  box.until_up();
  ck_assert(box.stored(box.append("in time")) == Stored::yes);
  kill(server.pid(), SIGSTOP);
  const std::uint64_t late = box.append("late");
  run.until("it counts as down", [&] { return box.answers.contains(late); });
  ck_assert(box.answers.at(late) == Stored::unknown);
  kill(server.pid(), SIGCONT);
  box.until_up(2);
  const auto page = box.taken(box.take());
  ck_assert_uint_eq(page.letters.size(), 2);
  ck_assert(!page.letters[0].may_repeat && page.letters[1].may_repeat);
}
END_TEST

// Nobody is called any more.
START_TEST(destroyed_with_questions_out) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  box.until_up();
  kill(server.pid(), SIGSTOP);
  for (int i = 0; i < 300; ++i) box.append("x");
  box.take();
  run.until_later(peer::Millis(1));
  box.append("x");
  box.store->remove("bob", {5, 1});
  box.store.reset();
  kill(server.pid(), SIGCONT);
  run.until_later(peer::Millis(20));
  ck_assert(box.answers.empty() && box.pages.empty());
}
END_TEST

START_TEST(removals_outlive_a_restart) {
  Running run;
  Scratch scratch;
  PrivateRedis server({"--appendonly", "yes", "--appendfsync", "always", "--dir", scratch.path});
  Mailboxes box(run, server);
  box.until_up();
  for (const char* id : {"\"1\"", "\"2\"", "\"3\"", "\"4\""}) box.append(std::string(id).substr(1, 1), id);
  const Page page = box.taken(box.take());
  ck_assert_uint_eq(page.letters.size(), 4);
  for (const char* id : {"\"5\"", "\"6\""}) box.append(std::string(id).substr(1, 1), id);
  box.until_idle();

  kill(server.pid(), SIGSTOP);
  box.store->remove("bob", page.letters[0].at);
  run.until_later(peer::Millis(1));  // asked, not answered
  server.shut_down_hard();
  box.until_down();
  box.store->remove("bob", page.letters[2].at);
  box.store->mark("bob", "\"a\"", "\"5\"");
  box.take_when_up = true;
  server.start_again();
  box.until_up(2);
  // Asked in on_store_up: after what was owed.
  run.until("it was read", [&] { return box.pages.size() == 2; });
  same(box.pages.rbegin()->second.said(), "2* 4* 5* 6");
  // The names of those that stay were kept as well, the others' are free.
  for (const char* id : {"\"1\"", "\"2\"", "\"3\"", "\"4\""}) box.append("new " + std::string(id).substr(1, 1), id);
  same(box.taken(box.take()).said(), "2* 4* 5* 6* new 1 new 3");
}
END_TEST

// The name of each chat lies in the stream, and is kept where Redis writes its
// file anew.
START_TEST(names_outlive_a_rewrite) {
  for (const char* preamble : {"yes", "no"}) {
    Running run;
    Scratch scratch;
    PrivateRedis server({"--appendonly", "yes", "--aof-use-rdb-preamble", preamble, "--dir", scratch.path});
    Mailboxes box(run, server);
    box.until_up();
    ck_assert(box.stored(box.append("1", "\"1\"")) == Stored::yes);
    same(box.taken(box.take()).said(), "1");
    {
      Visitor visitor(run, server);
      visitor.ask({"BGREWRITEAOF"});
      visitor.until({"INFO", "persistence"}, "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0");
    }
    server.shut_down();
    box.until_down();
    server.start_again();
    box.until_up(2);
    ck_assert(box.stored(box.append("2", "\"1\"")) == Stored::yes);
    same(box.taken(box.take()).said(), "1*");
  }
}
END_TEST

START_TEST(removals_are_bounded) {
  Running run;
  Scratch scratch;
  PrivateRedis server({"--appendonly", "yes", "--dir", scratch.path});
  Mailboxes box(run, server);
  box.until_up();
  box.append("1");
  const Page page = box.taken(box.take());
  server.shut_down();
  box.until_down();
  for (std::uint64_t i = 0; i < node::MailStore::removals_max; ++i)
    box.store->remove(i / 64 % 2 ? "carl" : "dora", {1, i});
  box.store->remove("bob", page.letters[0].at);
  server.start_again();
  box.until_up(2);
  box.until_idle();
  same(box.taken(box.take()).said(), "1*");
  box.store->remove("bob", page.letters[0].at);
  same(box.taken(box.take()).said(), "");
}
END_TEST

START_TEST(marks_are_bounded) {
  Running run;
  Scratch scratch;
  PrivateRedis server({"--appendonly", "yes", "--dir", scratch.path});
  Mailboxes box(run, server);
  box.until_up();
  box.append("1", "\"1\"");
  const Page page = box.taken(box.take());
  for (const char* id : {"\"2\"", "\"3\"", "\"4\""}) box.append(std::string(id).substr(1, 1), id);
  box.until_idle();
  server.shut_down();
  box.until_down();
  box.store->mark("bob", "\"a\"", "\"2\"");
  for (std::size_t i = 1; i < node::MailStore::marks_max; ++i) box.store->mark("carl", "\"a\"", "\"1\"");
  box.store->mark("bob", "\"a\"", "\"3\"");
  box.store->remove("bob", page.letters[0].at);
  server.start_again();
  box.until_up(2);
  box.until_idle();
  box.store->mark("bob", "\"a\"", "\"4\"");  // there is room again
  same(box.taken(box.take()).said(), "2* 3 4*");
}
END_TEST

START_TEST(redis_refuses) {
  Running run;
  PrivateRedis server;
  Caught caught;
  Mailboxes box(run, server, Mailboxes::usual, "n1", node::LogLevel::warn);
  Visitor visitor(run, server);
  box.until_up();
  ck_assert(box.stored(box.append("1", "\"1\"")) == Stored::yes);
  const Page page = box.taken(box.take());

  visitor.ask({"CONFIG", "SET", "maxmemory", "1"});
  ck_assert_msg(box.stored(box.append("2", "\"2\"")) == Stored::unavailable, "no memory");
  ck_assert_msg(box.stored(box.append("2", "\"2\"", "carl")) == Stored::unavailable, "no memory for the first");
  ck_assert_msg(box.stored(box.append("2")) == Stored::unavailable, "no memory for one without a name");
  ck_assert_int_eq(caught.count("redis refuses to store a chat"), 2);  // the first and the second
  ck_assert_msg(box.taken(box.take()).said() == "1*", "what is there can be read without memory");
  visitor.ask({"CONFIG", "SET", "maxmemory", "0"});
  ck_assert(!visitor.has("crosstalk:{main}:mail:carl"));
  ck_assert(box.stored(box.append("2", "\"2\"")) == Stored::yes);

  visitor.ask({"ACL", "SETUSER", "default", "-xtrim", "-xinfo"});
  box.store->remove("bob", page.letters[0].at);
  box.until_idle();
  ck_assert_int_eq(caught.count("redis refuses to remove chats"), 1);
  ck_assert(!box.taken(box.take()).ok && box.store->up());
  ck_assert_int_eq(caught.count("redis refuses to read a mailbox"), 1);
  visitor.ask({"ACL", "SETUSER", "default", "+@all"});
  run.until("it may be read again", [&] { return box.ups == 2; });
  same(box.taken(box.take()).said(), "2");
}
END_TEST

START_TEST(redis_is_a_replica_by_now) {
  for (const char* id : {"", "\"2\""}) {
    Running run;
    PrivateRedis server;
    Mailboxes box(run, server);
    box.until_up();
    box.append("1");
    const Page page = box.taken(box.take());
    server.say("REPLICAOF 127.0.0.1 1");
    ck_assert(box.stored(box.append("2", id)) == Stored::unavailable);
    box.until_down();
    box.store->remove("bob", page.letters[0].at);
    server.say("REPLICAOF NO ONE");
    box.until_up(2);
    same(box.taken(box.take()).said(), "");
  }
}
END_TEST

START_TEST(redis_forgets_the_script) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  for (const char* content : {"1", "2"}) ck_assert(box.stored(box.append(content)) == Stored::yes);
  visitor.ask({"SCRIPT", "FLUSH"});
  const Page page = box.taken(box.take());
  same(page.said(), "1 2");
  visitor.ask({"SCRIPT", "FLUSH"});
  box.store->remove("bob", page.letters[0].at);
  visitor.until({"XLEN", bobs}, "1");
  visitor.ask({"SCRIPT", "FLUSH"});
  ck_assert(box.stored(box.append("3", "\"3\"")) == Stored::unavailable);
  ck_assert(box.stored(box.append("3", "\"3\"")) == Stored::yes);
  same(box.taken(box.take()).said(), "2* 3");
}
END_TEST

START_TEST(forgetful_servers_are_warned_of) {
  const std::string warning = "stored chats do not survive a crash of Redis";
  const struct {
    const char* sentence;
    std::vector<std::string> flags;
    int wanted;
  } rows[] = {
      {"no file: once, not at each reconnect", {}, 1},
      {"a file", {"--appendonly", "yes"}, 0},
      {"nobody may ask", {"--rename-command", "CONFIG", ""}, 0},
  };
  for (const auto& row : rows) {
    Running run;
    Scratch scratch;
    std::vector<std::string> flags = row.flags;
    flags.insert(flags.end(), {"--dir", scratch.path});
    PrivateRedis server(flags);
    Caught caught;
    Mailboxes box(run, server, Mailboxes::usual, "n1", node::LogLevel::warn);
    box.until_up();
    ck_assert(box.stored(box.append("1")) == Stored::yes);
    server.shut_down();
    box.until_down();
    server.start_again();
    box.until_up(2);
    ck_assert(box.stored(box.append("2")) == Stored::yes);
    ck_assert_msg(caught.count(warning) == row.wanted, "%s", row.sentence);
  }
}
END_TEST

}  // namespace

SUITE(killed_with_questions_out, stored_late_is_marked, destroyed_with_questions_out, removals_outlive_a_restart,
      names_outlive_a_rewrite, removals_are_bounded, marks_are_bounded, redis_refuses, redis_is_a_replica_by_now,
      redis_forgets_the_script, forgetful_servers_are_warned_of)
