// Randomness, handed in: the daemon's comes from the kernel, the simulator's
// from a seed, so that every run of a seed is the same run.
#pragma once

#include <cstdint>

namespace peer {

class Chance {
 public:
  virtual ~Chance() = default;
  virtual std::uint64_t next() = 0;

  // 0 to bound - 1; bound > 0. Multiply-shift (Lemire 2019); its bias, under
  // bound / 2^64, matters to nobody here.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64U);
  }
};

// splitmix64 (Steele, Lea and Flood 2014): one word of state, any seed is good.
class SeededChance final : public Chance {
 public:
  explicit SeededChance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace peer
