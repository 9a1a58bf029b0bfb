#include "tools/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bench {

// Below 128 each span has a step of its own; above, the seven bits behind the first.
std::size_t Histogram::step_of(Nanos span) {
  if (span < (Nanos{1} << step_bits)) return static_cast<std::size_t>(span);
  const unsigned shift = static_cast<unsigned>(std::bit_width(span)) - 1 - step_bits;
  return (std::size_t{shift + 1} << step_bits) + ((span >> shift) & ((Nanos{1} << step_bits) - 1));
}

Nanos Histogram::largest_of(std::size_t step) {
  constexpr std::size_t in_doubling = std::size_t{1} << step_bits;
  if (step < in_doubling) return step;
  const std::size_t shift = (step >> step_bits) - 1;
  const Nanos first = in_doubling | (step & (in_doubling - 1));
  return ((first + 1) << shift) - 1;
}

void Histogram::add(Nanos span, std::uint64_t times) {
  span = std::min(span, span_max);
  counts_[step_of(span)] += times;
  count_ += times;
  max_ = std::max(max_, span);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

Nanos Histogram::quantile(double share) const {
  if (count_ == 0) return 0;
  const double rank = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
  const std::uint64_t wanted = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(rank), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::min(largest_of(i), max_);
  }
  return max_;
}

std::vector<std::pair<Nanos, std::uint64_t>> Histogram::buckets() const {
  std::vector<std::pair<Nanos, std::uint64_t>> found;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    if (counts_[i] != 0) found.emplace_back(std::min(largest_of(i), max_), counts_[i]);
  return found;
}

}  // namespace bench
