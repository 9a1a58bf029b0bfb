// The logical clock of logins.
#include "peer/hlc.h"

#include "tests/unit/suite.h"

namespace {

using peer::HybridClock;
using peer::Stamp;

constexpr Stamp at_ms(std::uint64_t wall_ms, std::uint64_t count = 0) { return (wall_ms << 16U) + count; }

START_TEST(a_stamp_is_the_wall_clock_and_a_count) {
  HybridClock clock;
  ck_assert(clock.next(1'700'000'000'000) == at_ms(1'700'000'000'000));
  ck_assert(clock.next(1'700'000'000'000) == at_ms(1'700'000'000'000, 1));
  ck_assert(clock.next(1'700'000'000'000) == at_ms(1'700'000'000'000, 2));
  ck_assert(clock.next(1'700'000'000'001) == at_ms(1'700'000'000'001));
}
END_TEST

START_TEST(it_never_goes_back) {
  HybridClock clock;
  const Stamp first = clock.next(2000);
  ck_assert(clock.next(1000) == first + 1);  // the wall clock was set back
  ck_assert(clock.next(0) == first + 2);
  ck_assert(clock.next(2001) == at_ms(2001));
}
END_TEST

START_TEST(never_behind_one_that_was_seen) {
  HybridClock clock;
  clock.observe(at_ms(9000, 7));  // from a node whose clock is ahead
  ck_assert(clock.next(1000) == at_ms(9000, 8));
  clock.observe(at_ms(10));  // an old one changes nothing
  ck_assert(clock.next(1000) == at_ms(9000, 9));
}
END_TEST

START_TEST(more_in_a_millisecond_than_the_count_holds) {
  HybridClock clock;
  Stamp last = clock.next(5);
  for (int i = 0; i < 70'000; ++i) {
    const Stamp next = clock.next(5);
    ck_assert(next == last + 1);
    last = next;
  }
  ck_assert(clock.next(6) == last + 1);  // it has run ahead into the next millisecond
  ck_assert(clock.next(7) == at_ms(7));
}
END_TEST

}  // namespace

SUITE(a_stamp_is_the_wall_clock_and_a_count, it_never_goes_back, never_behind_one_that_was_seen,
      more_in_a_millisecond_than_the_count_holds)
