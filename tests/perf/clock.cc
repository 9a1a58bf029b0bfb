#include "tests/perf/clock.h"

#include <sys/random.h>

#include <cstdint>
#include <ctime>

namespace {

// Since the start. What replaces a function of C's library has nobody to be handed it by.
peer::Micros passed{0};
std::uint64_t drawn = 0;

constexpr std::chrono::seconds since_boot{1000};
constexpr std::chrono::seconds since_epoch{1'700'000'000};

}  // namespace

extern "C" int clock_gettime(clockid_t id, timespec* at) noexcept {
  const bool wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
  const peer::Micros now = passed + (wall ? since_epoch : since_boot);
  at->tv_sec = now.count() / 1'000'000;
  at->tv_nsec = now.count() % 1'000'000 * 1000;
  return 0;
}

// SplitMix64 (Steele, Lea, Flood 2014).
extern "C" ssize_t getrandom(void* to, std::size_t size, unsigned) {
  for (std::size_t i = 0; i < size; ++i) {
    std::uint64_t x = drawn += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    static_cast<unsigned char*>(to)[i] = static_cast<unsigned char>(x ^ (x >> 31U));
  }
  return static_cast<ssize_t>(size);
}

namespace perf {

void pass(peer::Micros span) { passed += span; }

}  // namespace perf
