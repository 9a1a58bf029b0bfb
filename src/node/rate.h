// How fast a counter has counted lately, and the largest of what was noted lately. Pure:
// told every second or so.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "peer/time.h"

namespace node {

class Rate {
 public:
  void note(peer::Time now, std::uint64_t count) {
    samples_[noted_ % samples_.size()] = {now, count};
    ++noted_;
  }

  // Over the last ten notes; 0 before there were two.
  double per_s() const {
    if (noted_ < 2) return 0;
    const Sample& newest = samples_[(noted_ - 1) % samples_.size()];
    const Sample& oldest = samples_[noted_ > samples_.size() ? noted_ % samples_.size() : 0];
    const std::chrono::duration<double> span = newest.at - oldest.at;
    return span.count() > 0 ? static_cast<double>(newest.count - oldest.count) / span.count() : 0;
  }

 private:
  struct Sample {
    peer::Time at{0};
    std::uint64_t count = 0;
  };
  std::array<Sample, 10> samples_{};
  std::size_t noted_ = 0;
};

// The largest of the last ten notes.
class Peak {
 public:
  void note(peer::Micros span) { notes_[noted_++ % notes_.size()] = span; }
  peer::Micros value() const { return *std::max_element(notes_.begin(), notes_.end()); }

 private:
  std::array<peer::Micros, 10> notes_{};
  std::size_t noted_ = 0;
};

}  // namespace node
