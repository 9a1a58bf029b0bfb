// When to try again: full jitter (Brooker, AWS 2015), so that many who failed
// together don't come back together, forgotten only after a stable while, so
// that a peer that accepts and hangs up is not taken for a healthy one.
//
// Besides, a hard bound: at most `dials_max` tries that fail in any
// `dials_window`, whatever the dice say and however often retry_now() is called;
// one more, and no more than that, where retry_soon() asks for it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "peer/chance.h"
#include "peer/time.h"

namespace peer {

class Backoff {
 public:
  struct Settings {
    Millis base{100};
    Millis cap{10'000};
    Millis stable{10'000};  // up for this long: the failures before are forgotten
  };
  // The contract allows 15 in 10 s; one is kept in hand for a better reason than time.
  static constexpr std::size_t dials_max = 14;
  static constexpr Millis dials_window{10'000};

  Backoff(Settings settings, Chance& chance) : settings_(settings), chance_(&chance) { dialled_.fill(long_ago); }

  // A try begins.
  void on_try(Time now) {
    dialled_[oldest_] = now;
    oldest_ = (oldest_ + 1) % dialled_.size();
    up_since_ = never;
  }

  // The try succeeded: it was no dead address, and does not count.
  void on_up(Time now) {
    up_since_ = now;
    oldest_ = (oldest_ + dialled_.size() - 1) % dialled_.size();
    dialled_[oldest_] = long_ago;
  }

  // The try failed, or what it brought was lost: the time of the next.
  Time on_down(Time now) {
    if (up_since_ != never && now - up_since_ >= settings_.stable) failures_ = 0;
    up_since_ = never;
    const Micros ceiling =
        failures_ < 20 ? std::min<Micros>(settings_.cap, settings_.base * (1LL << failures_)) : Micros(settings_.cap);
    ++failures_;
    return allowed_at(now + below(ceiling));
  }

  // Something says that a try would succeed now: forget the failures. The time
  // of the next try, which the hard bound may still put off.
  Time retry_now(Time now) {
    failures_ = 0;
    return allowed_at(now);
  }

  // Somebody has just succeeded, which is said to many at once: within `base`, and
  // no failure is forgotten.
  Time retry_soon(Time now) { return std::max(now + below(settings_.base), dialled_[oldest_] + dials_window); }

 private:
  static constexpr Time long_ago = -dials_window;
  Micros below(Micros ceiling) {
    return Micros(static_cast<Micros::rep>(chance_->below(static_cast<std::uint64_t>(ceiling.count()) + 1)));
  }
  Time allowed_at(Time wanted) const {
    return std::max(wanted, dialled_[(oldest_ + 1) % dialled_.size()] + dials_window);
  }

  Settings settings_;
  Chance* chance_;
  std::array<Time, dials_max + 1> dialled_{};
  std::size_t oldest_ = 0;
  unsigned failures_ = 0;
  Time up_since_ = never;
};

}  // namespace peer
