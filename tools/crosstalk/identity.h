// Names that nobody else gives: the kernel's chance.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace crosstalk {

inline std::uint64_t chance() {
  std::random_device kernel;
  return (std::uint64_t{kernel()} << 32U) | kernel();
}

// The same id twice, cluster-wide: not in this world.
inline std::string fresh_id() {
  constexpr char digits[] = "0123456789abcdefghijklmnopqrstuv";
  std::string id = "cli-";
  std::uint64_t left = chance();
  for (int i = 0; i < 13; ++i, left >>= 5U) id += digits[left & 31U];
  return id;
}

}  // namespace crosstalk
