// One node's chat layer in small, for tests of sessions: it delivers to those who are logged in here, or
// keeps what it is told to keep until the test settles it. All that sessions
// tell it stands in `log`.
#pragma once

#include <check.h>

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

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
    return last_id;
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
    Sent sent{from, line.substr(draft.id_at, draft.id_length), draft.size()};
    lines.push_back(line);
    if (keep) {
      kept.push_back(sent);
      return;
    }
    const auto recipient = ids.find(std::string(draft.recipient));
    if (recipient == ids.end())
      return users.at(from).client->on_outcome(sent.id, sent.size, chat::Outcome::no_such_user, false);
    on_its_way[++last_seq] = sent;
    users.at(recipient->second).client->deliver(line, {0, 0, last_seq, draft.hash});
  }

  void on_written(const chat::Origin& origin) override {
    if (origin.seq == 0) return;  // a delivery of the test's own making
    log += "written " + std::to_string(origin.seq) + "\n";
    settle(take(origin), chat::Outcome::written);
  }
  void on_unwritten(const chat::Origin& origin) override {
    log += "unwritten " + std::to_string(origin.seq) + "\n";
    settle(take(origin), chat::Outcome::no_such_user);
  }
  bool online(std::string_view name) const override { return ids.contains(std::string(name)); }

  struct Sent {
    chat::ClientId from = 0;
    std::string id;
    std::size_t size = 0;
  };
  void settle(const Sent& sent, chat::Outcome outcome, bool maybe = false) {
    if (const auto user = users.find(sent.from); user != users.end())
      user->second.client->on_outcome(sent.id, sent.size, outcome, maybe);
  }
  void settle_kept(std::size_t n) {
    for (; n > 0 && !kept.empty(); --n) {
      const Sent sent = kept.front();
      kept.pop_front();
      settle(sent, chat::Outcome::written);
    }
  }

  struct User {
    chat::Client* client = nullptr;
    std::string name;
  };
  std::string log;
  std::vector<std::string> lines;
  bool keep = false;
  std::deque<Sent> kept;
  std::map<chat::ClientId, User> users;
  std::map<std::string, chat::ClientId> ids;

 private:
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
