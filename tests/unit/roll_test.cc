// Pages of who is online, against a sorted set of all.
#include "src/chat/roll.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "peer/chance.h"
#include "src/chat/users.h"
#include "tests/unit/suite.h"

namespace {

using chat::Roll;
using Strings = std::vector<std::string>;

struct Nobody final : chat::Client {
  void on_ready(std::size_t) override {}
  std::size_t waiting_bytes() const override { return 0; }
  void deliver(const chat::Delivery&, const chat::Origin&) override {}
  void on_outcome(std::string_view, std::size_t, chat::Outcome, bool) override {}
  void on_roll(const Roll&) override {}
  void kick(chat::KickReason) override {}
};

// Some nodes and who is where.
struct Town {
  explicit Town(std::uint64_t seed) : chance(seed), nodes(1 + chance.below(4)) {
    const std::uint64_t people = chance.below(60);
    for (std::uint64_t i = 0; i < people; ++i) {
      const std::size_t length = 1 + chance.below(3);
      const std::string name(length, static_cast<char>('a' + chance.below(26)));
      const std::uint64_t hash = std::hash<std::string>{}(name);
      chat::Users& users = nodes[chance.below(nodes.size())];
      if (users.find(hash, name) != 0) continue;
      const chat::ClientId id = users.add(nobody, name, hash, 1);
      if (chance.below(4) == 0)
        users.remove(id);
      else
        all.insert(name);
    }
  }
  Roll page(std::string_view after, std::size_t limit, std::size_t bytes_max) const {
    std::vector<Roll> parts;
    for (const chat::Users& users : nodes) {
      peer::Buffer written;
      chat::write_roll(written, chat::roll_of(users, {after, limit}, bytes_max));
      ck_assert(written.size() <= bytes_max + 9);
      const auto read = chat::read_roll(written.view());
      ck_assert(read.has_value());
      parts.push_back(*read);
    }
    return chat::joined(parts, limit);
  }

  peer::SeededChance chance;
  Nobody nobody;
  std::vector<chat::Users> nodes;
  std::set<std::string> all;
};

}  // namespace

START_TEST(pages_are_those_of_all_together) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Town town(seed);
    const std::size_t limit = 1 + town.chance.below(20);
    // At times an answer has no room for as many names as were asked for.
    const std::size_t bytes_max = town.chance.below(2) == 0 ? 1000 : 8;
    std::string after;
    Strings found;
    for (bool more = true; more;) {
      const Roll page = town.page(after, limit, bytes_max);
      ck_assert(page.names.size() <= limit);
      ck_assert_msg(!page.more || !page.names.empty(), "seed %d: no way on", static_cast<int>(seed));
      found.insert(found.end(), page.names.begin(), page.names.end());
      if (!found.empty()) after = found.back();
      more = page.more;
    }
    ck_assert_msg(std::equal(found.begin(), found.end(), town.all.begin(), town.all.end()), "seed %d",
                  static_cast<int>(seed));
    std::size_t count = 0;
    for (const chat::Users& users : town.nodes) count += users.size();
    ck_assert_uint_eq(town.page("", limit, bytes_max).count, count);
  }
}
END_TEST

START_TEST(no_more_than_asked_for) {
  Town town(4);
  ck_assert(town.all.size() > 5);
  const Roll page = town.page("", 5, 1000);
  ck_assert(std::equal(page.names.begin(), page.names.end(), town.all.begin(), std::next(town.all.begin(), 5)));
  ck_assert(page.more);
  const Roll rest = town.page(*town.all.rbegin(), 5, 1000);
  ck_assert(rest.names.empty() && !rest.more && rest.count >= town.all.size());
  // Nothing at all is a page, too, of whoever asks for one over the wire.
  ck_assert(chat::roll_of(town.nodes[0], {"", 0}, 1000).names.empty());
}
END_TEST

START_TEST(in_byte_order_each_once) {
  const Roll all = chat::joined({{{"B", "a", "\xe5\xb0\x8f"}, false, 3, {}}, {{"Z", "a"}, false, 2, {}}}, 10);
  ck_assert((all.names == Strings{"B", "Z", "a", "\xe5\xb0\x8f"}));
  ck_assert(!all.more && all.count == 5);
  // One that has more behind what it told: behind that nothing is certain.
  const Roll cut = chat::joined({{{"b", "d"}, true, 9, {}}, {{"a", "c", "e"}, false, 3, {}}}, 10);
  ck_assert((cut.names == Strings{"a", "b", "c", "d"}) && cut.more);
}
END_TEST

START_TEST(garbage_is_nothing) {
  peer::Buffer written;
  chat::write_roll(written, {{"al", "bob"}, true, 7, {}});
  const std::string whole(written.view());
  ck_assert(chat::read_roll(whole).has_value());
  // Cut between two names it is a shorter one.
  for (std::size_t n = 0; n < whole.size(); ++n)
    ck_assert(chat::read_roll(whole.substr(0, n)).has_value() == (n == 9 || n == 12));
  peer::Buffer many;
  chat::write_roll(many, {Strings(chat::roll_names_max, "x"), false, 7, {}});
  ck_assert(chat::read_roll(many.view()).has_value());
  many.append(std::string("\1y"));
  ck_assert(!chat::read_roll(many.view()).has_value());
}
END_TEST

SUITE(pages_are_those_of_all_together, no_more_than_asked_for, in_byte_order_each_once, garbage_is_nothing)
