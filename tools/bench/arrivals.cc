#include "tools/bench/arrivals.h"

#include <algorithm>

namespace bench {

bool Arrivals::note(std::uint32_t number) {
  if (number < next_) return note_late(number);
  if (number > next_) {
    if (gaps_.size() == gaps_max) gaps_.erase(gaps_.begin());
    gaps_.push_back({next_, number});
  }
  next_ = number + 1;
  return true;
}

bool Arrivals::note_late(std::uint32_t number) {
  const auto gap = std::find_if(gaps_.begin(), gaps_.end(),
                                [number](const Gap& one) { return one.begin <= number && number < one.end; });
  if (gap == gaps_.end()) {
    ++doubled_;
    return false;
  }
  ++reordered_;
  const Gap behind{number + 1, gap->end};
  gap->end = number;
  if (behind.begin < behind.end) gaps_.insert(gap + 1, behind);  // one more than gaps_max does no harm
  std::erase_if(gaps_, [](const Gap& one) { return one.begin == one.end; });
  return true;
}

}  // namespace bench
