// The kernel's randomness, for incarnations, nonces, hash keys and jitter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "peer/chance.h"

namespace node {

// Draws ahead in one system call what some dozens of calls need.
class SystemChance final : public peer::Chance {
 public:
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 32> drawn_{};
  std::size_t left_ = 0;
};

}  // namespace node
