// What happened, as a running hash and, where somebody reads it, as lines.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <string>
#include <string_view>

#include "tests/sim/events.h"

namespace sim {

class Trace {
 public:
  enum class Keep : std::uint8_t { hash, tail, all };  // all: printed at once

  explicit Trace(Keep keep) : keep_(keep) {}

  void note(Time now, std::uint8_t node, std::string_view what, std::uint64_t a = 0, std::uint64_t b = 0,
            std::string_view text = {}) {
    mix(static_cast<std::uint64_t>(now.count()));
    mix((static_cast<std::uint64_t>(node) << 56U) ^ (static_cast<std::uint64_t>(what.front()) << 48U) ^ what.size());
    mix(a);
    mix(b);
    mix(text.size());
    if (keep_ != Keep::hash) line(now, node, what, a, b, text);
  }

  std::uint64_t hash() const { return hash_; }
  const std::deque<std::string>& tail() const { return tail_; }

 private:
  static constexpr std::size_t tail_max = 60;

  void mix(std::uint64_t word) { hash_ = (hash_ ^ word) * 0x9e3779b97f4a7c15U + (hash_ >> 29U); }

  void line(Time now, std::uint8_t node, std::string_view what, std::uint64_t a, std::uint64_t b,
            std::string_view text) {
    char front[160];
    const std::string who = node == nowhere ? "  " : "n" + std::to_string(node);
    std::snprintf(front, sizeof front, "%12.6f %s %-16.*s %" PRIu64 " %" PRIu64 " ",
                  static_cast<double>(now.count()) / 1e6, who.c_str(), static_cast<int>(what.size()), what.data(), a,
                  b);
    std::string whole = front + std::string(text);
    if (keep_ == Keep::all) {
      std::puts(whole.c_str());
      return;
    }
    tail_.push_back(std::move(whole));
    if (tail_.size() > tail_max) tail_.pop_front();
  }

  Keep keep_;
  std::uint64_t hash_ = 0x243f6a8885a308d3U;
  std::deque<std::string> tail_;
};

}  // namespace sim
