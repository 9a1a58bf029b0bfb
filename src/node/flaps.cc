#include "src/node/flaps.h"

#include <bit>
#include <utility>

namespace node {

Flaps::One& Flaps::find(std::string_view what) {
  std::string key(what);
  if (all_.size() >= kept_max && !all_.contains(key)) all_.clear();
  return all_[std::move(key)];
}

bool Flaps::come(std::string_view what, peer::Time now) {
  One& one = find(what);
  one.here_since = now;
  return std::exchange(one.tell_coming, false);
}

std::uint64_t Flaps::gone(std::string_view what, peer::Time now) {
  One& one = find(what);
  const peer::Time since = std::exchange(one.here_since, peer::never);
  if (since != peer::never && now - since >= stable) one.times = 0;
  if (!std::has_single_bit(++one.times)) return 0;
  one.tell_coming = true;
  return one.times;
}

}  // namespace node
