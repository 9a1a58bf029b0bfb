// When a dial is tried again: the jitter's bounds, what forgets the failures,
// and the hard bound that no dice and no nudge pass.
#include "peer/backoff.h"

#include <deque>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using peer::Backoff;
using peer::Micros;
using peer::Millis;
using peer::Time;

// Dice that always fall the same way.
class Loaded final : public peer::Chance {
 public:
  explicit Loaded(std::uint64_t value) : value_(value) {}
  std::uint64_t next() override { return value_; }

 private:
  std::uint64_t value_;
};

constexpr std::uint64_t lowest = 0;
constexpr std::uint64_t highest = ~0ULL;

// Failures far enough apart that the hard bound says nothing.
Micros delay_after(Backoff& backoff, Time& now) {
  now += 60s;
  backoff.on_try(now);
  return backoff.on_down(now) - now;
}

START_TEST(full_jitter) {
  Loaded high(highest);
  Loaded low(lowest);
  Backoff longest({}, high);
  Backoff shortest({}, low);
  Time a{0};
  Time b{0};
  // 100 ms doubling to 10 s.
  const Millis ceilings[] = {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 10s, 10s, 10s};
  for (const Millis ceiling : ceilings) {
    ck_assert(delay_after(longest, a) == ceiling);
    ck_assert(delay_after(shortest, b) == 0us);
  }
  for (int i = 0; i < 100; ++i) ck_assert(delay_after(longest, a) == 10s);  // no shift overflows
}
END_TEST

START_TEST(jitter_fills_its_range) {
  peer::SeededChance chance(1);
  std::vector<int> tenths(10);
  for (int i = 0; i < 1000; ++i) {
    Backoff fresh({}, chance);
    Time now{0};
    const Micros delay = delay_after(fresh, now);
    ck_assert(delay >= 0us && delay <= 100ms);
    ++tenths[static_cast<std::size_t>(std::min<Micros::rep>(9, delay.count() / 10'000))];
  }
  for (const int n : tenths) ck_assert_int_gt(n, 50);
}
END_TEST

START_TEST(only_a_stable_while_forgets_the_failures) {
  const struct {
    const char* sentence;
    Micros up;    // for so long
    Micros then;  // the ceiling after that
  } rows[] = {
      {"up for a moment is one more failure", 1us, 800ms},
      {"a moment short of stable, too", 10s - 1us, 800ms},
      {"stable to the microsecond: forgotten", 10s, 100ms},
      {"longer, too", 1h, 100ms},
  };
  for (const auto& row : rows) {
    Loaded high(highest);
    Backoff backoff({}, high);
    Time now{0};
    for (int i = 0; i < 3; ++i) delay_after(backoff, now);
    now += 60s;
    backoff.on_try(now);
    now += 5s;  // the dial itself counts for nothing
    backoff.on_up(now);
    now += row.up;
    ck_assert_msg(backoff.on_down(now) - now == row.then, "%s", row.sentence);
  }
}
END_TEST

START_TEST(a_dial_that_never_came_up_is_not_stable) {
  Loaded high(highest);
  Backoff backoff({}, high);
  Time now{0};
  delay_after(backoff, now);
  backoff.on_try(now);
  backoff.on_up(now);
  now += 60s;
  backoff.on_try(now);  // lost without a word, dialled again
  now += 60s;
  ck_assert(backoff.on_down(now) - now == 200ms);
}
END_TEST

START_TEST(a_nudge_forgets_the_failures) {
  Loaded high(highest);
  Backoff backoff({}, high);
  Time now{0};
  for (int i = 0; i < 9; ++i) delay_after(backoff, now);
  now += 60s;
  ck_assert(backoff.retry_now(now) == now);
  ck_assert(delay_after(backoff, now) == 100ms);
}
END_TEST

START_TEST(a_word_to_many_is_taken_within_the_shortest_wait) {
  const struct {
    const char* sentence;
    std::uint64_t dice;
    Micros wait;
  } rows[] = {{"at once", lowest, 0us}, {"at the latest", highest, 100ms}};
  for (const auto& row : rows) {
    Loaded dice(row.dice);
    Backoff backoff({}, dice);
    Time now{0};
    for (int i = 0; i < 9; ++i) delay_after(backoff, now);
    now += 60s;
    ck_assert_msg(backoff.retry_soon(now) == now + row.wait, "%s", row.sentence);
  }
  Loaded high(highest);
  Backoff backoff({}, high);
  Time now{0};
  for (int i = 0; i < 9; ++i) delay_after(backoff, now);
  backoff.retry_soon(now);
  ck_assert_msg(delay_after(backoff, now) == 10s, "the failures are not forgotten");
}
END_TEST

// An endpoint that refuses at once, dice and nudges as bad as can be: never
// more than `most` dials in 10 s that fail, seen over any window.
void never_more_than(std::size_t most, peer::Chance& dice, int nudges_of_8, int words_of_8) {
  peer::SeededChance events(7);
  Backoff backoff({}, dice);
  Time now{0};
  Time wake{0};
  std::deque<Time> dials;
  std::size_t seen = 0;
  for (int i = 0; i < 20'000; ++i) {
    now = std::max(now, wake);
    backoff.on_try(now);
    dials.push_back(now);
    while (dials.back() - dials.front() >= 10s) dials.pop_front();
    seen = std::max(seen, dials.size());
    now += Micros(static_cast<Micros::rep>(events.below(2000)));
    if (events.below(4) == 0) backoff.on_up(now), dials.pop_back();
    if (events.below(64) == 0) now += 11s;
    wake = backoff.on_down(now);
    if (events.below(8) < static_cast<std::uint64_t>(nudges_of_8)) wake = std::min(wake, backoff.retry_now(now));
    if (events.below(8) < static_cast<std::uint64_t>(words_of_8)) wake = std::min(wake, backoff.retry_soon(now));
  }
  ck_assert_msg(seen <= most, "%zu dials in less than 10 s", seen);
}

void whatever_the_dice(std::size_t most, int nudges_of_8, int words_of_8) {
  Loaded low(lowest);
  never_more_than(most, low, nudges_of_8, words_of_8);
  Loaded high(highest);
  never_more_than(most, high, nudges_of_8, words_of_8);
  peer::SeededChance fair(3);
  never_more_than(most, fair, nudges_of_8, words_of_8);
}

START_TEST(never_more_than_14_dials_in_10_s) {
  for (const int nudges : {0, 1, 4, 8}) whatever_the_dice(14, nudges, 0);
}
END_TEST

START_TEST(one_more_at_the_word_that_somebody_has_succeeded) {
  for (const int nudges : {0, 4})
    for (const int words : {1, 4, 8}) whatever_the_dice(15, nudges, words);
  Loaded low(lowest);
  Backoff backoff({}, low);
  const Time now{0};
  for (int i = 0; i < 14; ++i) {
    backoff.on_try(now);
    backoff.on_down(now);
  }
  ck_assert_msg(backoff.retry_soon(now + 1s) == now + 1s, "though time alone would have to wait");
  backoff.on_try(now + 1s);
  ck_assert(backoff.on_down(now + 1s) == now + 10s);
  ck_assert_msg(backoff.retry_soon(now + 1s) == now + 10s, "once");
}
END_TEST

START_TEST(the_14_may_come_at_once) {
  Loaded low(lowest);
  Backoff backoff({}, low);
  const Time now{0};
  for (int i = 0; i < 13; ++i) {
    backoff.on_try(now);
    ck_assert(backoff.on_down(now) == now);
  }
  backoff.on_try(now);
  ck_assert(backoff.on_down(now) == now + 10s);
  ck_assert(backoff.retry_now(now + 1s) == now + 10s);
  ck_assert(backoff.retry_now(now + 11s) == now + 11s);
}
END_TEST

START_TEST(a_try_that_succeeds_does_not_count) {
  peer::SeededChance chance(1);
  Backoff backoff({}, chance);
  peer::Time now{0};
  for (int n = 0; n < 100; ++n) {
    ck_assert_msg(backoff.retry_now(now) == now, "dial %d", n);
    backoff.on_try(now);
    backoff.on_up(now);
    backoff.on_down(now);
    now += std::chrono::milliseconds(10);
  }
  for (std::size_t n = 0; n < Backoff::dials_max; ++n) {
    ck_assert(backoff.retry_now(now) == now);
    backoff.on_try(now);
    backoff.on_down(now);
  }
  ck_assert_msg(backoff.retry_now(now) == now + Backoff::dials_window, "those that fail do");
}
END_TEST

}  // namespace

SUITE(a_try_that_succeeds_does_not_count, full_jitter, jitter_fills_its_range, only_a_stable_while_forgets_the_failures,
      a_dial_that_never_came_up_is_not_stable, a_nudge_forgets_the_failures,
      a_word_to_many_is_taken_within_the_shortest_wait, never_more_than_14_dials_in_10_s,
      one_more_at_the_word_that_somebody_has_succeeded, the_14_may_come_at_once)
