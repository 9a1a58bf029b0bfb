// When messages are due: at a fixed rate, one pair after the other, whatever became of
// those before.
//
// Stops where more are on the way than would come in 3 s (and than 100,000): what piles
// up is no latency any more.
#pragma once

#include <string_view>

#include "tools/bench/histogram.h"
#include "tools/bench/pairs.h"
#include "tools/bench/rig.h"

namespace bench {

class Schedule {
 public:
  // Of the first `count` pairs, together `per_second`.
  Schedule(Rig& rig, Pairs& pairs, std::size_t count, double per_second);

  // Begins now: what was due before is not made up for.
  void begin(Nanos now);
  // Writes what is due; when the next will be.
  Nanos step(Nanos now);
  // Both, until then.
  void drive(Nanos until, std::string_view what);

  // From when messages were due to when they were written: this program's own part.
  const Histogram& lateness() const { return lateness_; }
  bool overloaded() const { return overloaded_; }

 private:
  Rig& rig_;
  Pairs& pairs_;
  std::size_t count_;
  double per_second_;
  Nanos began_ = 0;
  std::uint64_t written_ = 0;  // since then
  std::size_t next_pair_ = 0;
  Histogram lateness_{};
  bool overloaded_ = false;
};

}  // namespace bench
