// How often each latency was seen, in memory that is bounded whatever is seen.
//
// 128 steps for each doubling: what is read is above the true value by less than 1/128 of
// it (0.8 %), and never above the largest. What takes longer than `span_max` counts as
// that. 34 KiB each. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tools/bench/nanos.h"

namespace bench {

class Histogram {
 public:
  static constexpr Nanos span_max = (Nanos{1} << 40U) - 1;  // 18 minutes

  Histogram() : counts_(steps) {}

  void add(Nanos span) { add(span, 1); }
  void add(Nanos span, std::uint64_t times);
  void merge(const Histogram& other);

  // The smallest that `share` (0 to 1) of all are not above; 0 where there are none.
  Nanos quantile(double share) const;
  Nanos max() const { return max_; }
  std::uint64_t count() const { return count_; }

  // The steps that are not empty, in order: the largest span of each, and how many.
  std::vector<std::pair<Nanos, std::uint64_t>> buckets() const;

 private:
  static constexpr unsigned step_bits = 7;
  static constexpr unsigned span_bits = 40;
  static constexpr std::size_t steps = std::size_t{span_bits - step_bits + 1} << step_bits;

  static std::size_t step_of(Nanos span);
  static Nanos largest_of(std::size_t step);

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  Nanos max_ = 0;
};

}  // namespace bench
