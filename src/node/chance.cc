#include "src/node/chance.h"

#include <sys/random.h>

#include <cstdlib>
#include <utility>

namespace node {

std::uint64_t SystemChance::next() {
  if (left_ == 0) {
    // Up to 256 bytes are never cut short once the pool is ready (getrandom(2)).
    static_assert(sizeof drawn_ <= 256);
    if (getrandom(drawn_.data(), sizeof drawn_, 0) != static_cast<ssize_t>(sizeof drawn_)) std::abort();
    left_ = drawn_.size();
  }
  return std::exchange(drawn_[--left_], 0);
}

}  // namespace node
