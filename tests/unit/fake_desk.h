// One node's chat layer in small, for tests of sessions: it delivers to those who are logged in here, or
// keeps what it is told to keep until the test settles it. All that sessions
// tell it stands in `log`.
#pragma once

#include <check.h>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peer/frame.h"
#include "src/chat/desk.h"

class FakeDesk final : public chat::Desk {
 public:
  std::uint64_t hash(std::string_view name) const override { return std::hash<std::string_view>()(name); }

  chat::ClientId login(chat::Client& client, std::string_view name) override {
    log += "login " + std::string(name) + "\n";
    if (const auto older = ids.find(std::string(name)); older != ids.end()) {
      chat::Client* const replaced = users.at(older->second).client;
      logout(older->second);
      replaced->kick(chat::KickReason::replaced);
    }
    users[++last_id] = {&client, std::string(name)};
    ids[std::string(name)] = last_id;
    const chat::ClientId id = last_id;
    if (on_each_login) on_each_login();
    if (!users.contains(id)) return id;
    if (mailbox_is_slow) {
      entering.push_back(id);
    } else {
      client.on_ready(waiting);
    }
    return id;
  }
  // The slow mailbox has answered.
  void ready() {
    for (const chat::ClientId id : std::exchange(entering, {}))
      if (const auto user = users.find(id); user != users.end()) user->second.client->on_ready(waiting);
  }

  void logout(chat::ClientId id) override {
    const auto user = users.find(id);
    ck_assert_msg(user != users.end(), "logged out twice");
    log += "logout " + user->second.name + "\n";
    ids.erase(user->second.name);
    users.erase(user);
  }

  void chat(chat::ClientId from, const chat::Draft& draft) override {
    ck_assert(users.contains(from));
    ck_assert_uint_eq(draft.hash, hash(draft.recipient));
    std::string line;
    for (const std::string_view piece : draft.line()) line += piece;
    ck_assert_uint_eq(line.size(), draft.size());
    const std::string token = line.substr(peer::chat_sender_at, draft.sender_length);
    ck_assert_msg(token.size() >= 2 && token.front() == '"' && token.back() == '"', "%s", token.c_str());
    if (draft.retry) log += "again " + line.substr(draft.id_at, draft.id_length) + "\n";
    Sent sent{from, line.substr(draft.id_at, draft.id_length), draft.size()};
    lines.push_back(line);
    if (keep) {
      kept.push_back(sent);
      return;
    }
    const auto recipient = ids.find(std::string(draft.recipient));
    if (recipient == ids.end())
      return users.at(from).client->on_outcome(sent.id, sent.size, chat::Outcome::no_such_user, false);
    deliver(recipient->second, sent, {line});
  }

  // Something from elsewhere, whose end nobody waits for.
  void deliver(std::string_view name, const chat::Delivery& delivery) {
    deliver(ids.at(std::string(name)), {}, delivery);
  }

  void on_written(const chat::Origin& origin) override {
    log += "written " + std::to_string(origin.seq) + "\n";
    settle(take(origin), chat::Outcome::written);
  }
  void on_delivered(const chat::Origin& origin) override {
    log += "delivered " + std::to_string(origin.seq) + "\n";
    settle(take(origin), chat::Outcome::delivered);
    if (on_each_delivered) on_each_delivered();
  }
  void on_unread(const chat::Origin& origin) override {
    log += "unread " + std::to_string(origin.seq) + "\n";
    settle(take(origin), chat::Outcome::no_such_user);
  }
  void on_unwritten(const chat::Origin& origin) override {
    log += "unwritten " + std::to_string(origin.seq) + "\n";
    settle(take(origin), chat::Outcome::no_such_user);
  }
  bool online(std::string_view name) const override { return ids.contains(std::string(name)); }

  // Answers at once, or when the test does; nobody may ask while `nobody_asks`.
  bool who(chat::ClientId asker, const chat::RollPage& page) override {
    log += "who " + std::to_string(page.limit) + " after " + std::string(page.after) + "\n";
    if (nobody_asks) return false;
    if (roll)
      users.at(asker).client->on_roll(*roll);
    else
      asking.push_back(asker);
    return true;
  }
  void answer_who(const chat::Roll& all) {
    for (const chat::ClientId asker : std::exchange(asking, {}))
      if (const auto user = users.find(asker); user != users.end()) user->second.client->on_roll(all);
  }

  struct Sent {
    chat::ClientId from = 0;
    std::string id;
    std::size_t size = 0;
  };
  void settle(const Sent& sent, chat::Outcome outcome, bool maybe = false) {
    if (const auto user = users.find(sent.from); user != users.end())
      user->second.client->on_outcome(sent.id, sent.size, outcome, maybe);
  }
  void settle_kept(std::size_t n, chat::Outcome outcome = chat::Outcome::written) {
    for (; n > 0 && !kept.empty(); --n) {
      const Sent sent = kept.front();
      kept.pop_front();
      settle(sent, outcome);
    }
  }

  std::function<void()> on_each_delivered;
  std::function<void()> on_each_login;  // before the answer

  struct User {
    chat::Client* client = nullptr;
    std::string name;
  };
  std::string log;
  std::vector<std::string> lines;
  std::optional<chat::Roll> roll;
  bool nobody_asks = false;
  std::vector<chat::ClientId> asking;
  bool keep = false;
  bool mailbox_is_slow = false;
  std::vector<chat::ClientId> entering;
  std::size_t waiting = 0;  // in everybody's mailbox
  std::deque<Sent> kept;
  std::map<chat::ClientId, User> users;
  std::map<std::string, chat::ClientId> ids;

 private:
  void deliver(chat::ClientId to, const Sent& sent, const chat::Delivery& delivery) {
    const User& user = users.at(to);
    on_its_way[++last_seq] = sent;
    user.client->deliver(delivery, {0, 0, last_seq, hash(user.name), to, 0});
  }
  Sent take(const chat::Origin& origin) {
    const auto at = on_its_way.find(origin.seq);
    ck_assert_msg(at != on_its_way.end(), "settled twice");
    const Sent sent = at->second;
    on_its_way.erase(at);
    return sent;
  }
  std::map<peer::Seq, Sent> on_its_way;
  chat::ClientId last_id = 0;
  peer::Seq last_seq = 0;
};
