// How fast one session is heard. What it says has a price in time, and it is heard again
// when that is paid, so that whoever never stops leaves most of the machine to others.
//
// Not what an operator may forbid (limits.chats_per_s): nothing is refused, what comes
// faster waits at the client. Pure, given the time; owned by the session.
#pragma once

#include <algorithm>
#include <cstddef>

#include "peer/time.h"

namespace client {

class Pace {
 public:
  // Some 100,000 chats a second: far more than people type, a tenth of what two nodes
  // pass on. A flood at full speed takes both cores of a small machine from those who
  // write now and then (crosstalk-bench fair).
  static constexpr peer::Micros per_line{4};
  static constexpr std::size_t bytes_per_us = 32;
  // Who is told more than others what went wrong is heard less often.
  static constexpr unsigned lines_per_refusal = 4;
  // What was saved by saying less before: a thousand chats at once are heard without delay.
  static constexpr peer::Micros credit_max{10'000};

  // The look for a line that has not come whole counts as one.
  void spend(unsigned lines, std::size_t bytes, peer::Time now) {
    const peer::Micros price = lines * per_line + peer::Micros(bytes / bytes_per_us);
    paid_until_ = std::max(paid_until_, now - credit_max) + price;
  }
  // When it is to be heard next; at once where that is not after now.
  peer::Time due() const { return paid_until_; }

 private:
  peer::Time paid_until_{0};
};

}  // namespace client
