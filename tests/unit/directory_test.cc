// Who is where: the directory against a plain multimap, and its memory.
#include "peer/directory.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "peer/chance.h"
#include "peer/hash.h"
#include "tests/unit/suite.h"

namespace {

using peer::Directory;
using peer::Stamp;
using Slot = Directory::Slot;

constexpr std::uint64_t alice = 0x0123456789abcdefU;
constexpr std::uint64_t bob = 0xfedcba9876543210U;

Directory::Found newest(const Directory& directory, const std::vector<Directory::Found>& refused) {
  return directory.newest(alice, refused);
}

START_TEST(one_owner) {
  Directory directory;
  ck_assert(directory.newest(alice).slot == Directory::none);
  const Slot slot = directory.open("n1", false);
  ck_assert(slot != Directory::none);
  ck_assert(directory.add(slot, alice, 5));
  ck_assert_msg(!directory.add(slot, alice, 5), "the same twice is once");
  ck_assert_uint_eq(directory.size(), 1);
  ck_assert_uint_eq(directory.size(slot), 1);
  ck_assert(directory.newest(alice).slot == slot && directory.newest(alice).stamp == 5);
  ck_assert(directory.newest(bob).slot == Directory::none);
  ck_assert_msg(!directory.remove(slot, alice, 4), "another login of alice");
  ck_assert_msg(!directory.remove(slot, bob, 5), "another user");
  ck_assert(directory.remove(slot, alice, 5));
  ck_assert(!directory.remove(slot, alice, 5));
  ck_assert(directory.newest(alice).slot == Directory::none);
  ck_assert_uint_eq(directory.size(), 0);
}
END_TEST

START_TEST(the_newest_answers) {
  Directory directory;
  const Slot n1 = directory.open("n1", false);
  const Slot n2 = directory.open("n2", false);
  const Slot n10 = directory.open("n10", false);
  const struct {
    const char* sentence;
    Stamp at_n1, at_n2, at_n10;
    Slot except, expected;
  } rows[] = {
      {"the later stamp", 5, 6, 4, Directory::none, n2},
      {"in any order", 7, 6, 4, Directory::none, n1},
      {"of equal stamps the greater name, as text", 5, 5, 5, Directory::none, n2},
      {"n10 is greater than n1 as text", 5, 4, 5, Directory::none, n10},
      {"but for one that is passed over", 5, 6, 4, n2, n1},
      {"passing over one that is not the newest changes nothing", 5, 6, 4, n1, n2},
  };
  for (const auto& row : rows) {
    directory.add(n1, alice, row.at_n1);
    directory.add(n2, alice, row.at_n2);
    directory.add(n10, alice, row.at_n10);
    ck_assert_msg(newest(directory, {{row.except, 100}}).slot == row.expected, "%s", row.sentence);
    ck_assert(directory.remove(n1, alice, row.at_n1) && directory.remove(n2, alice, row.at_n2) &&
              directory.remove(n10, alice, row.at_n10));
  }
}
END_TEST

// A node that has refused a chat is passed over for the logins that it can have
// meant, not for a later one.
START_TEST(back_again) {
  Directory directory;
  const Slot n1 = directory.open("n1", false);
  const Slot n2 = directory.open("n2", false);
  directory.add(n1, alice, 5);
  directory.add(n2, alice, 4);
  ck_assert(newest(directory, {{n1, 5}}).slot == n2);
  ck_assert(newest(directory, {{n1, 5}, {n2, 3}}).slot == n2);
  ck_assert(newest(directory, {{n1, 5}, {n2, 4}}).slot == Directory::none);
  directory.add(n1, alice, 6);
  ck_assert(newest(directory, {{n1, 5}, {n2, 4}}).slot == n1 && newest(directory, {{n1, 5}}).stamp == 6);
  ck_assert(newest(directory, {{n1, 6}}).slot == n2 && newest(directory, {{n2, 6}}).slot == n1);
}
END_TEST

START_TEST(a_move_within_a_node) {
  Directory directory;
  const Slot slot = directory.open("n1", false);
  directory.add(slot, alice, 5);
  directory.add(slot, alice, 9);  // logged in again before the logout was told
  ck_assert(directory.newest(alice).stamp == 9);
  ck_assert(directory.remove(slot, alice, 5));
  ck_assert(directory.newest(alice).stamp == 9);
}
END_TEST

START_TEST(a_hidden_telling_replaces_whole) {
  Directory directory;
  const Slot old = directory.open("n1", false);
  directory.add(old, alice, 5);
  const Slot anew = directory.open("n1", true);
  ck_assert(anew != old);
  directory.add(anew, alice, 9);
  directory.add(anew, bob, 9);
  ck_assert_msg(directory.newest(alice).slot == old && directory.newest(alice).stamp == 5,
                "hidden, it does not answer");
  ck_assert(directory.newest(bob).slot == Directory::none);
  directory.publish(anew);
  directory.drop(old);
  ck_assert(directory.newest(alice).slot == anew && directory.newest(bob).slot == anew);
  ck_assert_uint_eq(directory.size(), 2);
  ck_assert_uint_eq(directory.size(old), 0);
  directory.drop(anew);
  ck_assert(directory.newest(alice).slot == Directory::none);
  ck_assert_uint_eq(directory.size(), 0);
}
END_TEST

START_TEST(slots_are_given_out_again) {
  Directory directory;
  const Slot first = directory.open("n1", false);
  directory.add(first, alice, 1);
  directory.drop(first);
  directory.drop(first);  // twice is once
  directory.drop(Directory::none);
  ck_assert_msg(directory.open("n2", false) == first, "a free slot is given out again");
  ck_assert_msg(directory.newest(alice).slot == Directory::none, "with nothing of the old in it");
  std::vector<Slot> opened;
  for (int i = 0; i < 1000; ++i) opened.push_back(directory.open("n", true));
  std::sort(opened.begin(), opened.end());
  ck_assert(std::unique(opened.begin(), opened.end()) == opened.end());
  ck_assert(!std::binary_search(opened.begin(), opened.end(), first));
}
END_TEST

// Names whose hashes are the same: each is told and withdrawn by itself.
START_TEST(collisions) {
  Directory directory;
  const Slot n1 = directory.open("n1", false);
  const Slot n2 = directory.open("n2", false);
  directory.add(n1, alice, 5);  // alice at n1
  directory.add(n2, alice, 6);  // another of the same hash at n2
  ck_assert(directory.newest(alice).slot == n2);
  ck_assert_msg(newest(directory, {{n2, 6}}).slot == n1, "n2 has said that she is not there");
  directory.remove(n2, alice, 6);
  ck_assert(directory.newest(alice).slot == n1);
  // Whole runs of one home place, in the same shard.
  std::vector<std::uint64_t> crowd;
  for (std::uint64_t i = 0; i < 300; ++i) crowd.push_back((alice & 0xffffffffff000000U) | i);
  for (const std::uint64_t user : crowd) ck_assert(directory.add(n1, user, 1));
  for (std::size_t i = 0; i < crowd.size(); i += 2) ck_assert(directory.remove(n1, crowd[i], 1));
  for (std::size_t i = 0; i < crowd.size(); ++i) ck_assert((directory.newest(crowd[i]).slot == n1) == (i % 2 == 1));
}
END_TEST

// The same in plain words.
struct Model {
  struct Told {
    Slot slot;
    Stamp stamp;
  };
  std::multimap<std::uint64_t, Told> told;
  std::map<Slot, std::pair<std::string, bool>> slots;  // owner, published

  auto find(Slot slot, std::uint64_t user, Stamp stamp) {
    auto [at, end] = told.equal_range(user);
    while (at != end && !(at->second.slot == slot && at->second.stamp == stamp)) ++at;
    return at == end ? told.end() : at;
  }
  Directory::Found newest(std::uint64_t user, const Directory::Found& refused) const {
    Directory::Found best;
    const auto [at, end] = told.equal_range(user);
    for (auto each = at; each != end; ++each) {
      const auto& [slot, stamp] = each->second;
      if ((slot == refused.slot && stamp <= refused.stamp) || !slots.at(slot).second) continue;
      const auto rank = [&](Slot s, Stamp t) { return std::pair(t, slots.at(s).first); };
      if (best.slot == Directory::none || rank(slot, stamp) > rank(best.slot, best.stamp)) best = {slot, stamp};
    }
    return best;
  }
};

void model_test(std::uint64_t seed, int steps, std::uint64_t users) {
  peer::SeededChance chance(seed);
  Directory directory;
  Model model;
  std::vector<Slot> open;
  std::uint64_t names = 0;
  // Hashes that lie close together and far apart.
  const auto user = [&] {
    const std::uint64_t n = chance.below(users);
    return n % 3 == 0 ? 0x4200000000000000U + n * 0x1000000U : n % 3 == 1 ? n : n * 0x9e3779b97f4a7c15U;
  };
  for (int i = 0; i < steps; ++i) {
    const bool grows = (i / 4000) % 2 == 0;
    const std::uint64_t what = chance.below(1000);
    if (open.empty() || (what < 2 && open.size() < 6)) {
      const std::string owner = "n" + std::to_string(++names);
      const bool hidden = chance.below(2) == 0;
      open.push_back(directory.open(owner, hidden));
      model.slots[open.back()] = {owner, !hidden};
      continue;
    }
    const auto at = static_cast<std::size_t>(chance.below(open.size()));
    const Slot slot = open[at];
    if (what < 3) {
      directory.drop(slot);
      std::erase_if(model.told, [slot](const auto& each) { return each.second.slot == slot; });
      model.slots.erase(slot);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (what < 6) {
      directory.publish(slot);
      model.slots[slot].second = true;
    } else {
      const std::uint64_t who = user();
      const Stamp stamp = chance.below(3);
      const auto told = model.find(slot, who, stamp);
      if (chance.below(10) < (grows ? 7U : 2U)) {
        if (directory.add(slot, who, stamp) != (told == model.told.end())) ck_abort_msg("add at %d", i);
        if (told == model.told.end()) model.told.insert({who, {slot, stamp}});
      } else {
        if (directory.remove(slot, who, stamp) != (told != model.told.end())) ck_abort_msg("remove at %d", i);
        if (told != model.told.end()) model.told.erase(told);
      }
    }
    const std::uint64_t asked = user();
    const Directory::Found refused{chance.below(3) == 0 && !open.empty() ? open[0] : Directory::none, chance.below(3)};
    const Directory::Found found = directory.newest(asked, {&refused, 1});
    const Directory::Found expected = model.newest(asked, refused);
    if (found.slot != expected.slot || found.stamp != expected.stamp || directory.size() != model.told.size())
      ck_abort_msg("seed %llu, step %d", static_cast<unsigned long long>(seed), i);
  }
}

START_TEST(like_a_multimap) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) model_test(seed, 20'000, seed % 2 == 0 ? 60 : 3000);
}
END_TEST

std::vector<std::uint64_t> hashes(std::size_t n) {
  std::vector<std::uint64_t> users;
  users.reserve(n);
  for (std::size_t i = 0; i < n; ++i) users.push_back(peer::name_hash({1, 2}, "user" + std::to_string(i)));
  return users;
}

void bound_holds(const Directory& directory, const char* when) {
  const std::size_t each = directory.memory_bytes() * 1000 / directory.size();
  ck_assert_msg(each <= 32'000, "%s: %zu.%03zu bytes a user", when, each / 1000, each % 1000);
}

START_TEST(at_most_32_bytes_a_remote_user) {
  const std::vector<std::uint64_t> users = hashes(1'000'000);
  Directory directory;
  const Slot slots[] = {directory.open("n1", false), directory.open("n2", false), directory.open("n3", false)};
  std::size_t i = 0;
  for (const std::uint64_t user : users) {
    directory.add(slots[i % 3], user, i + 1);
    if (++i >= 100'000 && i % 10'000 == 0) bound_holds(directory, "while it grows");
  }
  bound_holds(directory, "at a million");
  for (std::size_t j = 0; j < users.size(); j += 997) ck_assert(directory.newest(users[j]).slot == slots[j % 3]);
  // A third goes one by one, a third at once.
  for (std::size_t j = 0; j < users.size(); j += 3) {
    directory.remove(slots[0], users[j], j + 1);
    if (j % 30'000 == 0) bound_holds(directory, "while it shrinks");
  }
  directory.drop(slots[1]);
  bound_holds(directory, "after a drop");
  ck_assert_uint_eq(directory.size(), directory.size(slots[2]));
  ck_assert_uint_eq(directory.size(), 333'333);
}
END_TEST

START_TEST(empty_again_it_holds_next_to_nothing) {
  Directory directory;
  const Slot slot = directory.open("n1", false);
  const std::vector<std::uint64_t> users = hashes(100'000);
  for (const std::uint64_t user : users) directory.add(slot, user, 1);
  for (const std::uint64_t user : users) directory.remove(slot, user, 1);
  ck_assert_uint_eq(directory.size(), 0);
  ck_assert_uint_lt(directory.memory_bytes(), 128 * 1024);
}
END_TEST

}  // namespace

SUITE(one_owner, the_newest_answers, back_again, a_move_within_a_node, a_hidden_telling_replaces_whole,
      slots_are_given_out_again, collisions, like_a_multimap, at_most_32_bytes_a_remote_user,
      empty_again_it_holds_next_to_nothing)
