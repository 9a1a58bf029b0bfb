// Times and spans in nanoseconds, by a clock that nobody sets.
#pragma once

#include <cstdint>
#include <ctime>

namespace bench {

using Nanos = std::uint64_t;

inline constexpr Nanos microsecond = 1'000;
inline constexpr Nanos millisecond = 1'000'000;
inline constexpr Nanos second = 1'000'000'000;

inline Nanos read_clock(clockid_t clock) {
  timespec at{};
  if (clock_gettime(clock, &at) != 0) return 0;
  return static_cast<Nanos>(at.tv_sec) * second + static_cast<Nanos>(at.tv_nsec);
}

inline Nanos now() { return read_clock(CLOCK_MONOTONIC); }

inline Nanos from_seconds(double seconds) { return static_cast<Nanos>(seconds * 1e9); }
inline double in_seconds(Nanos span) { return static_cast<double>(span) / 1e9; }
inline double in_micros(Nanos span) { return static_cast<double>(span) / 1e3; }

}  // namespace bench
