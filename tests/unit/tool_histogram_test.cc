#include "tools/bench/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using bench::Histogram;
using bench::Nanos;

// What is told is the true one, or above it by less than one part in 128.
void ck_close(Nanos told, Nanos truth) {
  ck_assert_msg(told >= truth, "%llu is below %llu", static_cast<unsigned long long>(told),
                static_cast<unsigned long long>(truth));
  ck_assert_msg(told - truth <= truth / 128, "%llu is too far above %llu", static_cast<unsigned long long>(told),
                static_cast<unsigned long long>(truth));
}

}  // namespace

START_TEST(has_a_constant_relative_error) {
  for (Nanos span = 1; span < Histogram::span_max; span = span * 17 / 16 + 1) {
    Histogram one;
    one.add(span);
    one.add(Histogram::span_max);
    ck_close(one.quantile(0.5), span);
  }
}
END_TEST

START_TEST(agrees_with_a_sorted_list) {
  std::mt19937_64 dice(7);
  std::vector<Nanos> all;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    const Nanos span = dice() % (Nanos{1} << (dice() % 34 + 1));
    all.push_back(span);
    histogram.add(span);
  }
  std::sort(all.begin(), all.end());
  for (const double share : {0.0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::max(1.0, std::ceil(share * 20'000)));
    ck_close(histogram.quantile(share), all[rank - 1]);
  }
  ck_assert_uint_eq(histogram.max(), all.back());
  ck_assert_uint_eq(histogram.count(), all.size());
}
END_TEST

START_TEST(never_tells_more_than_the_largest) {
  Histogram histogram;
  histogram.add(1'000'001);
  for (const double share : {0.0, 0.5, 1.0}) ck_assert_uint_eq(histogram.quantile(share), 1'000'001);
}
END_TEST

START_TEST(counts_what_is_too_long_as_the_longest) {
  Histogram histogram;
  histogram.add(~Nanos{0});
  ck_assert_uint_eq(histogram.max(), Histogram::span_max);
  ck_assert_uint_eq(histogram.quantile(1), Histogram::span_max);
}
END_TEST

START_TEST(of_nothing_is_nothing) {
  const Histogram histogram;
  ck_assert_uint_eq(histogram.quantile(0.99), 0);
  ck_assert_uint_eq(histogram.count(), 0);
  ck_assert(histogram.buckets().empty());
}
END_TEST

START_TEST(merged_is_the_same_as_together) {
  Histogram one;
  Histogram other;
  Histogram both;
  for (Nanos span = 1; span < 1'000'000; span += 997) {
    (span % 3 == 0 ? one : other).add(span);
    both.add(span);
  }
  one.merge(other);
  ck_assert(one.buckets() == both.buckets());
  ck_assert_uint_eq(one.max(), both.max());
  ck_assert_uint_eq(one.count(), both.count());
}
END_TEST

START_TEST(is_whole_again_from_its_buckets) {
  Histogram histogram;
  for (Nanos span = 1; span < 100'000'000; span = span * 3 + 1) histogram.add(span, span % 5 + 1);
  Histogram again;
  for (const auto& [largest, times] : histogram.buckets()) again.add(largest, times);
  ck_assert(again.buckets() == histogram.buckets());
}
END_TEST

SUITE(has_a_constant_relative_error, agrees_with_a_sorted_list, never_tells_more_than_the_largest,
      counts_what_is_too_long_as_the_longest, of_nothing_is_nothing, merged_is_the_same_as_together,
      is_whole_again_from_its_buckets)
