#include "tools/bench/schedule.h"

#include <algorithm>

namespace bench {

namespace {

// Between two looks at what has come.
constexpr int written_at_once_max = 256;
constexpr Nanos look_after = 50 * millisecond;
constexpr std::uint64_t on_the_way_max = 100'000;
constexpr double seconds_on_the_way_max = 3;

}  // namespace

Schedule::Schedule(Rig& rig, Pairs& pairs, std::size_t count, double per_second)
    : rig_(rig), pairs_(pairs), count_(count), per_second_(per_second) {}

void Schedule::begin(Nanos now) {
  began_ = now;
  written_ = 0;
}

Nanos Schedule::step(Nanos now) {
  const auto due_at = [this](std::uint64_t n) { return began_ + from_seconds(static_cast<double>(n) / per_second_); };
  Nanos due = due_at(written_);
  for (int i = 0; i < written_at_once_max && due <= now; ++i, due = due_at(++written_)) {
    pairs_.write(next_pair_, due);
    next_pair_ = (next_pair_ + 1) % count_;
    lateness_.add(now - due);
  }
  return due;
}

void Schedule::drive(Nanos until, std::string_view what) {
  const Nanos first = now();
  const std::uint64_t most = std::max(on_the_way_max, static_cast<std::uint64_t>(per_second_ * seconds_on_the_way_max));
  Nanos next_look = first;
  begin(first);
  for (Nanos at = first; at < until && !rig_.over() && !overloaded_; at = now()) {
    if (at >= next_look) {
      next_look = at + look_after;
      overloaded_ = pairs_.on_the_way() > most;
      rig_.progress().show(what, in_seconds(at - first) / in_seconds(until - first), at);
    }
    rig_.loop().turn(std::min({step(at), until, next_look}));
  }
  // What this program came too late for was due all the same.
  while (!rig_.over() && !overloaded_ && step(until) < until) continue;
}

}  // namespace bench
