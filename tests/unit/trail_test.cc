// The steps of the chats of late.
#include "src/chat/trail.h"

#include <string>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using chat::Trail;
using What = Trail::What;
using suite::same;

std::string said(const Trail& trail, const std::string& id) {
  std::string all;
  for (const Trail::Step& step : trail.of(id))
    all += std::to_string(step.at_ms) + ":" + std::to_string(static_cast<int>(step.what)) + " ";
  return all;
}

START_TEST(each_chat_has_its_steps_in_order) {
  Trail trail;
  same(said(trail, "\"1\""), "");
  const Trail::Entry entry = trail.note("\"1\"", {10, What::accepted, {}});
  trail.note("\"2\"", {11, What::accepted, {}});
  ck_assert(trail.add(entry, {12, What::forwarded, {}, 3}));
  ck_assert(trail.add(entry, {13, What::settled, chat::Outcome::stored}));
  same(said(trail, "\"1\""), "10:0 12:2 13:8 ");
  same(said(trail, "\"2\""), "11:0 ");
  same(said(trail, "\"\""), "");
  const std::vector<Trail::Step> steps = trail.of("\"1\"");
  ck_assert(steps[1].place == 3 && steps[2].outcome == chat::Outcome::stored);
}
END_TEST

// What has no place beside the first steps is found all the same, by time.
START_TEST(many_steps_of_one_chat) {
  Trail trail;
  ck_assert(!trail.add(0, {1, What::settled, {}}));
  const Trail::Entry first = trail.note("a", {10, What::accepted, {}});
  const Trail::Entry other = trail.note("a", {11, What::accepted, {}});
  ck_assert(trail.add(first, {12, What::forwarded, {}}) && trail.add(first, {14, What::refused, {}}));
  ck_assert(!trail.add(first, {15, What::forwarded, {}}));
  const Trail::Entry second = trail.note("a", {15, What::forwarded, {}});
  ck_assert(trail.add(other, {13, What::held, {}}));
  ck_assert(trail.add(second, {15, What::settled, {}}));
  same(said(trail, "a"), "10:0 11:0 12:2 13:1 14:6 15:2 15:8 ");
  // A clock that is set back changes nothing of the order.
  ck_assert(trail.add(second, {3, What::settled, {}}));
  same(said(trail, "a"), "10:0 11:0 12:2 13:1 14:6 15:2 15:8 15:8 ");
  ck_assert(!trail.add(other, {13 + (std::int64_t{1} << 32U), What::settled, {}}));
}
END_TEST

START_TEST(ids_are_told_apart) {
  const std::string front(12, 'f');
  const std::string back(12, 'b');
  const std::string ids[] = {"", "a", front, front + back, front + "x" + back, front + "xy" + back, front + back + "z"};
  Trail trail;
  for (const std::string& id : ids) trail.note(id, {static_cast<std::int64_t>(id.size()), What::accepted, {}});
  for (const std::string& id : ids) same(said(trail, id), (std::to_string(id.size()) + ":0 "));
}
END_TEST

START_TEST(the_oldest_is_forgotten_first) {
  Trail trail;
  const Trail::Entry first = trail.note("first", {1, What::accepted, {}});
  for (std::size_t i = 1; i < Trail::entries_max; ++i) trail.note("others", {2, What::accepted, {}});
  ck_assert_uint_eq(trail.of("first").size(), 1);
  ck_assert(trail.add(first, {2, What::forwarded, {}}));
  trail.note("last", {3, What::accepted, {}});
  ck_assert_uint_eq(trail.of("first").size(), 0);
  ck_assert(!trail.add(first, {3, What::settled, {}}));
  ck_assert_uint_eq(trail.of("last").size(), 1);
  ck_assert_uint_eq(trail.of("others").size(), Trail::found_max);
  for (std::size_t i = 0; i < 3 * Trail::entries_max / 2; ++i)
    trail.note("again", {static_cast<std::int64_t>(i), What::accepted, {}});
  const std::vector<Trail::Step> newest = trail.of("again");
  ck_assert(newest.front().at_ms == newest.back().at_ms - static_cast<std::int64_t>(Trail::found_max) + 1);
  ck_assert(newest.back().at_ms == static_cast<std::int64_t>(3 * Trail::entries_max / 2) - 1);
}
END_TEST

}  // namespace

SUITE(each_chat_has_its_steps_in_order, many_steps_of_one_chat, ids_are_told_apart, the_oldest_is_forgotten_first)
