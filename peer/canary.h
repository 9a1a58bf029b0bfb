// Does a link deliver, and not only answer? While the links with a peer are up both
// ways, a canary goes to it through the chat stream of mine, and the peer sends it
// back through its own. One that is not back in time says which of the two fails.
//
// Pure; one is out at a time. Owned by the mesh's entry for the peer, which sends what
// tick() asks for.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "peer/ids.h"
#include "peer/time.h"

namespace peer {

// How long they took, there and back.
struct RoundTrips {
  static constexpr std::array<Micros, 9> bounds{Micros(250),    Micros(500),     Micros(1000),
                                                Micros(2500),   Micros(5000),    Micros(10'000),
                                                Micros(25'000), Micros(100'000), Micros(1'000'000)};
  std::array<std::uint64_t, bounds.size() + 1> counts{};  // up to each bound, and beyond the last
  Micros sum{0};

  void add(Micros span) {
    ++counts[static_cast<std::size_t>(std::lower_bound(bounds.begin(), bounds.end(), span) - bounds.begin())];
    sum += span;
  }
};

class Canary {
 public:
  enum class Verdict : std::uint8_t {
    none,        // nothing is known, or the links are not up
    ok,          // the last one was back in time
    lost_there,  // it was not, and the peer has not confirmed that it came
    lost_back,   // … though the peer has
  };

  Canary(Millis every, Millis patience) : every_(every), patience_(patience) {}

  // The links are up both ways: the first is due.
  void start(Time now) {
    if (due_at_ == never) due_at_ = now;
  }
  // One of them is not any more. The number of the one that is out; 0: none.
  Seq stop() {
    due_at_ = never;
    verdict_ = Verdict::none;
    return std::exchange(out_, 0);
  }

  // Whether one is to be sent now; sent() follows. One that is still out() is lost, and is
  // to be taken out of the stream before, which would fill with its like.
  bool tick(Time now) {
    if (waits() && now - sent_at_ >= patience_) judge();
    if (now < due_at_) return false;
    due_at_ = now + every_;
    return !waits();
  }
  void sent(Time now, Seq seq) {
    out_ = seq;
    sent_at_ = now;
    confirmed_ = judged_ = false;
  }
  void on_confirmed(Seq seq) {
    if (seq == out_) confirmed_ = true;
  }
  void on_back(Time now, Seq seq) {
    if (seq == 0 || seq != out_) return;
    out_ = 0;
    round_trips_.add(now - sent_at_);
    if (!judged_) verdict_ = Verdict::ok;
  }

  Time wake_at() const { return std::min(due_at_, waits() ? sent_at_ + patience_ : never); }
  Seq out() const { return out_; }  // 0: none
  Verdict verdict() const { return verdict_; }
  const RoundTrips& round_trips() const { return round_trips_; }

 private:
  bool waits() const { return out_ != 0 && !judged_; }
  void judge() {
    judged_ = true;
    verdict_ = confirmed_ ? Verdict::lost_back : Verdict::lost_there;
  }

  const Millis every_;
  const Millis patience_;
  Time due_at_ = never;  // never: stopped
  Time sent_at_{0};
  Seq out_ = 0;  // its number in the stream
  bool confirmed_ = false;
  bool judged_ = false;
  Verdict verdict_ = Verdict::none;
  RoundTrips round_trips_;
};

// "canary n1 -> n2 lost", of the one from `here` to `there`; empty: it is not lost.
inline std::string canary_why(Canary::Verdict verdict, const std::string& here, const std::string& there) {
  switch (verdict) {
    case Canary::Verdict::none:
    case Canary::Verdict::ok: break;
    case Canary::Verdict::lost_there: return "canary " + here + " -> " + there + " lost";
    case Canary::Verdict::lost_back: return "canary " + there + " -> " + here + " lost";
  }
  return {};
}

}  // namespace peer
