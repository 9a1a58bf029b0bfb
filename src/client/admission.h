// Who is let in: how many there may be at a time, in all and from one address, and
// whether anybody is at all.
//
// Counts, and knows no connections. Owned by the Door.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>

#include "src/client/code.h"

namespace client {

class Admission {
 public:
  // 0: no limit.
  struct Limits {
    std::size_t sessions = 0;
    std::size_t per_ip = 0;
  };
  explicit Admission(Limits limits) : limits_(limits) {}

  // Those who are in stay, however many; who is from where counts from now on.
  void change(Limits limits) { limits_ = limits; }

  // Nobody more is let in, or somebody is again.
  void close(bool closed) { closed_ = closed; }

  // Whether it matters where somebody comes from.
  bool asks_for_ip() const { return limits_.per_ip > 0; }

  // Why whoever comes from there is turned away; nothing: they are in, until leave().
  // `ip` is empty where it does not matter.
  std::optional<Code> enter(const std::string& ip);
  void leave(const std::string& ip);

  std::size_t inside() const { return inside_; }

 private:
  Limits limits_;
  bool closed_ = false;
  std::size_t inside_ = 0;
  std::unordered_map<std::string, std::size_t> by_ip_;
};

}  // namespace client
