// What has come of one stream of numbered messages: each once, in order, or not.
//
// Numbers begin at `first`. Remembers what is missing as gaps, 1024 of them: beyond that
// the oldest is given up, and what still comes of it counts as doubled. Pure.
#pragma once

#include <cstdint>
#include <vector>

namespace bench {

class Arrivals {
 public:
  explicit Arrivals(std::uint32_t first = 0) : next_(first) {}

  // False: it has come before.
  bool note(std::uint32_t number);

  std::uint64_t doubled() const { return doubled_; }
  std::uint64_t reordered() const { return reordered_; }

 private:
  static constexpr std::size_t gaps_max = 1024;
  struct Gap {
    std::uint32_t begin;
    std::uint32_t end;  // the first that is not missing
  };

  bool note_late(std::uint32_t number);

  std::uint32_t next_;  // above all that have come
  std::vector<Gap> gaps_;
  std::uint64_t doubled_ = 0;
  std::uint64_t reordered_ = 0;
};

}  // namespace bench
