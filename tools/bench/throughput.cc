// As many messages as go through, each pair with so many in flight: a closed loop.
//
// What is sent waits for what comes, so latencies are those of servers under full load;
// how long messages take at a given rate is for `latency` to say.
#include <algorithm>
#include <memory>
#include <vector>

#include "tools/bench/commands.h"
#include "tools/bench/measure.h"
#include "tools/bench/pairs.h"
#include "tools/bench/rig.h"

namespace bench {

namespace {

// Without a word for that long, what is in flight of a pair is lost, or the same as.
constexpr Nanos stalled = 2 * second;
constexpr Nanos look_after = 50 * millisecond;

class Windows {
 public:
  Windows(Rig& rig, Pairs& pairs, const Invocation& invocation)
      : rig_(rig), pairs_(pairs), window_(static_cast<std::int64_t>(invocation.window)) {}

  void drive(Nanos until) {
    const Nanos begin = now();
    for (std::size_t i = 0; i < pairs_.size(); ++i) fill(i, begin);
    Nanos next_look = begin;
    for (Nanos at = begin; at < until && !rig_.over(); at = now()) {
      if (at >= next_look) {
        next_look = at + look_after;
        rig_.progress().show("messages as fast as they go", in_seconds(at - begin) / in_seconds(until - begin), at);
        for (std::size_t i = 0; i < pairs_.size(); ++i) pairs_.give_up(i, stalled);
      }
      rig_.loop().turn(std::min(until, at + look_after));
      pairs_.take_touched(touched_);
      const Nanos due = now();
      for (const std::uint32_t i : touched_) fill(i, due);
    }
  }

 private:
  void fill(std::size_t pair, Nanos due) {
    for (std::int64_t room = window_ - pairs_.in_flight(pair); room > 0; --room) pairs_.write(pair, due);
  }

  Rig& rig_;
  Pairs& pairs_;
  std::int64_t window_;
  std::vector<std::uint32_t> touched_{};
};

}  // namespace

Ending run_throughput(const Invocation& invocation) {
  Result<std::unique_ptr<Rig>> made = Rig::make(invocation, 2 * invocation.pairs);
  if (!made) return made.failure();
  Rig& rig = **made;
  Pairs pairs(rig.crowd(), rig.dialect(), {invocation.pairs, invocation.payload_bytes, invocation.ids});
  if (Ending failed = pairs.try_out(rig.deadline())) return failed;
  Windows windows(rig, pairs, invocation);
  const Result<Measured> measured =
      measure(rig, pairs, invocation, pairs.size(), [&windows](Nanos until) { windows.drive(until); });
  if (!measured) return measured.failure();
  rig.progress().clear();

  Report report = begin_report("throughput", invocation);
  report.title("throughput of " + invocation.label + ": " + std::to_string(invocation.pairs) + " pairs, " +
               std::to_string(invocation.window) + " in flight each, " + in_words(invocation));
  report.count("pairs", invocation.pairs);
  report.count("window", invocation.window);
  tell(report, rig, *measured, invocation);
  return conclude(report, rig, pairs, *measured, invocation);
}

}  // namespace bench
