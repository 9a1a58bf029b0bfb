// The cluster's logical clock: a hybrid logical clock (Kulkarni et al. 2014).
//
// A stamp is 48 bits of wall-clock milliseconds over 16 bits of counter. It is
// never behind one that was seen, so of two logins the one that knew of the
// other is the later, whatever the nodes' clocks say; among strangers it is as
// good as those clocks.
#pragma once

#include <algorithm>
#include <cstdint>

namespace peer {

using Stamp = std::uint64_t;

// When it was given, by its node's clock or by one that is ahead; since the epoch.
inline std::int64_t wall_ms(Stamp stamp) { return static_cast<std::int64_t>(stamp >> 16U); }

class HybridClock {
 public:
  // A new stamp, greater than every one given or seen. `wall_ms`: since the epoch.
  Stamp next(std::int64_t wall_ms) {
    last_ = std::max(last_ + 1, static_cast<Stamp>(wall_ms) << 16U);
    return last_;
  }
  void observe(Stamp seen) { last_ = std::max(last_, seen); }

 private:
  Stamp last_ = 0;
};

}  // namespace peer
