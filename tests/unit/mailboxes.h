// Mailboxes under test: a MailStore, who keeps what it answers, and a plain
// connection beside it to look into Redis.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/node/mail_store.h"
#include "tests/unit/private_redis.h"
#include "tests/unit/running.h"
#include "tests/unit/suite.h"

using chat::EntryId;
using suite::same;
using Stored = chat::Store::Stored;

inline const std::string bobs = "crosstalk:{main}:mail:bob";

inline io::RedisUrl place_of(const PrivateRedis& server) {
  return io::RedisUrl{{"127.0.0.1", server.port()}, "", "", 0};
}

// A line as a chat's is, cut to what matters: braces around and LF behind.
inline std::string line_of(const std::string& content) { return "{\"content\":\"" + content + "\"}\n"; }

struct Letter {
  EntryId at;
  std::string line;
  std::string sender;
  std::string id;
  bool may_repeat = false;
  bool taken = false;
  chat::Via via;
};

struct Page {
  bool ok = false;
  std::size_t waiting = 0;
  bool more = false;
  std::vector<Letter> letters;

  // The contents with a * for each that was taken before.
  std::string said() const {
    std::string text;
    for (const Letter& letter : letters) {
      const std::size_t from = letter.line.find(":\"") + 2;
      text += (text.empty() ? "" : " ") + letter.line.substr(from, letter.line.rfind('"') - from);
      if (letter.taken) text += "*";
    }
    return text;
  }
};

class Mailboxes final : public chat::Store::Keeper {
 public:
  static constexpr node::MailStore::Limits usual{1000, peer::Millis(604'800'000)};

  Mailboxes(Running& running, const PrivateRedis& server, node::MailStore::Limits limits = usual,
            const char* name = "n1", node::LogLevel level = node::LogLevel::error)
      : run_(running), log_(level, node::LogFormat::logfmt, name) {
    store.emplace(run_.loop, log_, "main", name, place_of(server), limits, *this, node::MailStore::Events{{}, [] {}});
  }

  void until_up(int times = 1) {
    run_.until("mailboxes are up", [this, times] { return store->up() && ups >= times; });
  }
  void until_down() {
    run_.until("mailboxes are down", [this] { return !store->up(); });
  }

  std::uint64_t append(const std::string& content, const std::string& id = "", const std::string& user = "bob",
                       const std::string& sender = "\"a\"") {
    const std::string line = line_of(content);
    return append_mail({user, line, id.empty() ? "" : sender, id, false, {}});
  }
  std::uint64_t append_mail(const chat::Mail& mail) {
    inside_ = true;
    store->append(++token_, mail);
    inside_ = false;
    return token_;
  }
  std::uint64_t take(EntryId after = {}, const std::string& user = "bob") {
    inside_ = true;
    store->take(++token_, user, after);
    inside_ = false;
    return token_;
  }

  Stored stored(std::uint64_t token) {
    run_.until("a chat is stored or not", [this, token] { return answers.contains(token); });
    return answers.at(token);
  }
  Page taken(std::uint64_t token) {
    run_.until("a mailbox is read", [this, token] { return pages.contains(token); });
    return pages.at(token);
  }
  void until_idle() {
    run_.until("nothing is asked any more", [this] { return store->idle(); });
  }
  // All that the user has waiting.
  std::vector<Letter> drained(const std::string& user = "bob") {
    std::vector<Letter> all;
    Page page;
    do {
      page = taken(take(all.empty() ? EntryId{} : all.back().at, user));
      ck_assert(page.ok);
      all.insert(all.end(), page.letters.begin(), page.letters.end());
    } while (page.more);
    return all;
  }

  void on_stored(std::uint64_t token, Stored how) override {
    ck_assert_msg(!inside_, "answered from inside");
    ck_assert_msg(answers.emplace(token, how).second, "answered twice");
  }
  void on_taken(std::uint64_t token, const chat::Store::Taken& taken) override {
    ck_assert_msg(!inside_, "answered from inside");
    Page page{taken.ok, taken.waiting, taken.more, {}};
    for (const chat::Store::Entry& of : taken.entries)
      page.letters.push_back(
          {of.at, std::string(of.line), std::string(of.sender), std::string(of.id), of.may_repeat, of.taken, of.via});
    ck_assert_msg(pages.emplace(token, std::move(page)).second, "answered twice");
  }
  void on_wake(std::string_view user) override { wakes.emplace_back(user); }
  void on_store_up() override {
    ++ups;
    if (take_when_up) take();
  }

  std::optional<node::MailStore> store;
  std::map<std::uint64_t, Stored> answers;
  std::map<std::uint64_t, Page> pages;
  std::vector<std::string> wakes;
  int ups = 0;
  bool take_when_up = false;

 private:
  Running& run_;
  node::Log log_;
  std::uint64_t token_ = 0;
  bool inside_ = false;
};

// Says one command to the server and tells what it answers.
class Visitor final : private io::Redis::Watcher {
 public:
  Visitor(Running& running, const PrivateRedis& server)
      : run_(running), redis_(running.loop, place_of(server), {}, *this) {}

  std::string ask(const std::vector<std::string>& argv) {
    run_.until("the visitor is let in", [this] { return redis_.up(); });
    std::optional<std::string> answer;
    redis_.command(argv, [&answer](io::Reply reply) { answer = plain(reply); });
    run_.until("the visitor is answered", [&answer] { return answer.has_value(); });
    return *answer;
  }
  // Asks until the answer has that in it.
  void until(const std::vector<std::string>& argv, const std::string& wanted) {
    const peer::Time late = run_.loop.now() + Running::patience;
    while (ask(argv).find(wanted) == std::string::npos)
      ck_assert_msg(run_.loop.now() < late, "%s never answers %s", argv[0].c_str(), wanted.c_str());
  }
  bool has(const std::string& key) { return ask({"EXISTS", key}) == "1"; }

  // An entry of any age with the chat's name beside it, as a node would have made
  // it then.
  void write(const std::string& at, const std::string& content, const std::string& id) {
    const std::string script =
        "redis.pcall('XGROUP', 'CREATE', KEYS[1], 'taken', '0', 'MKSTREAM') "
        "redis.call('XADD', KEYS[1], ARGV[1], 'line', ARGV[2], 'sender', '\"a\"', 'id', ARGV[3]) "
        "return redis.call('XGROUP', 'CREATECONSUMER', KEYS[1], 'taken', redis.sha1hex('\"a\" ' .. ARGV[3]))";
    same(ask({"EVAL", script, "1", bobs, at, line_of(content), id}), "1");
  }

 private:
  void on_redis_up() noexcept override {}
  void on_redis_down(std::string_view) noexcept override {}
  void on_redis_message(std::string_view, std::string_view) noexcept override {}

  static std::string plain(io::Reply reply) {
    switch (reply.kind()) {
      case io::Reply::Kind::none: return "none";
      case io::Reply::Kind::nil: return "nil";
      case io::Reply::Kind::error:
      case io::Reply::Kind::text: return std::string(reply.text());
      case io::Reply::Kind::integer: return std::to_string(reply.integer());
      case io::Reply::Kind::list: break;
    }
    std::string list;
    for (std::size_t i = 0; i < reply.size(); ++i) list += (i ? " " : "") + plain(reply[i]);
    return list;
  }

  Running& run_;
  io::Redis redis_;
};
