#include "peer/outage.h"

#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using peer::Outage;

START_TEST(holds_after_a_while_and_once) {
  Outage outage;
  ck_assert(!outage.held() && outage.wake_at() == peer::never && !outage.begins_to_hold(1h));
  outage.begin(10s, 2000ms, 1);
  outage.begin(11s, 2000ms, 1);  // it has begun already
  ck_assert(!outage.begins_to_hold(11'999ms) && !outage.held());
  ck_assert(outage.begins_to_hold(12s) && outage.held());
  ck_assert(!outage.begins_to_hold(13s));
  outage.end();
  ck_assert(!outage.held() && outage.wake_at() == peer::never);
  outage.begin(20s, 2000ms, 1);
  outage.begin_anew(21s, 2000ms, 1);
  ck_assert(!outage.begins_to_hold(22s) && outage.begins_to_hold(23s));
}
END_TEST

// Chats 1 to 4 were there when it began; one more comes every second.
START_TEST(chats_that_have_waited_too_long) {
  Outage outage;
  outage.begin(0s, 2000ms, 5);
  peer::Seq through = 0;
  for (int second = 1; second <= 100; ++second) {
    const peer::Time now = std::chrono::seconds(second);
    const auto end = static_cast<peer::Seq>(5 + second);
    ck_assert(outage.wake_at() <= now);
    const peer::Seq before = outage.overdue(now, 30s, end);
    if (before != 0) {
      ck_assert(before > through);
      through = before;
    }
    if (second < 29) ck_assert_msg(through == 0, "at %d s", second);
    if (second >= 30) {
      // Chat 5 + n came in the second before n + 1.
      const auto oldest_kept = static_cast<int>(through) - 5;
      ck_assert_msg(second - oldest_kept <= 30 && second - oldest_kept >= 28, "at %d s: through %d", second,
                    static_cast<int>(through));
    }
  }
}
END_TEST

START_TEST(a_look_after_a_long_sleep) {
  Outage outage;
  outage.begin(0s, 2000ms, 5);
  ck_assert_uint_eq(outage.overdue(100s, 30s, 9), 5);
  ck_assert_uint_eq(outage.overdue(101s, 30s, 9), 0);
  ck_assert_uint_eq(outage.overdue(130s, 30s, 9), 9);
}
END_TEST

}  // namespace

SUITE(holds_after_a_while_and_once, chats_that_have_waited_too_long, a_look_after_a_long_sleep)
