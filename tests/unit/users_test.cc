// The users of a node, against a plain map; ids are never used twice.
#include "src/chat/users.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "peer/chance.h"
#include "tests/unit/suite.h"

namespace {

using chat::ClientId;
using chat::Users;

struct Nobody final : chat::Client {
  void on_ready(std::size_t) override {}
  std::size_t waiting_bytes() const override { return 0; }
  void deliver(const chat::Delivery&, const chat::Origin&) override {}
  void on_outcome(std::string_view, std::size_t, chat::Outcome, bool) override {}
  void on_roll(const chat::Roll&) override {}
  void kick(chat::KickReason) override {}
};

START_TEST(like_a_map) {
  Nobody client;
  Users users;
  struct User {
    std::string name;
    peer::Stamp stamp;
  };
  std::map<ClientId, User> model;
  std::set<ClientId> ever;
  peer::SeededChance chance(1);
  const auto hash = [](const std::string& name) { return name.size() % 7; };  // many collide
  for (int i = 0; i < 20'000; ++i) {
    const std::string name(static_cast<std::size_t>(chance.below(40)) + 1, static_cast<char>('a' + chance.below(4)));
    const ClientId id = users.find(hash(name), name);
    const bool grows = (i / 1000) % 2 == 0;
    if (id == 0 && chance.below(4) < (grows ? 3U : 1U)) {
      const ClientId added = users.add(client, name, hash(name), static_cast<peer::Stamp>(i));
      model[added] = {name, static_cast<peer::Stamp>(i)};
      if (!ever.insert(added).second || added == 0) ck_abort_msg("an id is used twice");
      if (users.find(hash(name), name) != added) ck_abort_msg("it is not found");
    } else if (id != 0 && chance.below(4) < (grows ? 1U : 3U)) {
      users.remove(id);
      users.remove(id);  // unknown ids are ignored
      model.erase(id);
      if (users.get(id) != nullptr || users.find(hash(name), name) != 0) ck_abort_msg("it is still there");
    }
    if (users.size() != model.size()) ck_abort_msg("step %d", i);
  }
  for (const ClientId id : ever) {
    const Users::User* const user = users.get(id);
    const auto at = model.find(id);
    ck_assert((user != nullptr) == (at != model.end()));
    if (user != nullptr) ck_assert(user->name == at->second.name && user->stamp == at->second.stamp);
  }
  std::size_t seen = 0;
  for (std::size_t slot = 0; slot < users.slots(); ++slot) seen += users.slot(slot).client != nullptr;
  ck_assert_uint_eq(seen, model.size());
}
END_TEST

START_TEST(ids_that_are_no_good) {
  Nobody client;
  Users users;
  ck_assert(users.get(0) == nullptr && users.get(1) == nullptr && users.get(~0ULL) == nullptr);
  const ClientId id = users.add(client, "alice", 1, 1);
  ck_assert(users.get(id) != nullptr && users.get(id + 1) == nullptr && users.get(id + (1ULL << 32U)) == nullptr);
  ck_assert(users.find(1, "alicf") == 0 && users.find(1, "") == 0);
  users.remove(0);
  users.remove(id + 1);
  ck_assert_uint_eq(users.size(), 1);
}
END_TEST

START_TEST(deliveries_are_counted) {
  Nobody client;
  Users users;
  const ClientId id = users.add(client, "alice", 1, 1);
  users.on_delivery(id);
  users.on_delivery(id);
  ck_assert(users.get(id)->unsettled == 2 && users.on_settled(id) && users.get(id)->unsettled == 1);
  users.remove(id);
  ck_assert_msg(!users.on_settled(id), "it has left");
  const ClientId anew = users.add(client, "alice", 1, 2);
  ck_assert(anew != id && users.get(anew)->unsettled == 0 && !users.on_settled(id));
}
END_TEST

}  // namespace

SUITE(like_a_map, ids_that_are_no_good, deliveries_are_counted)
