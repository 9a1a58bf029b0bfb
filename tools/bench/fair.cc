// What one who floods, and one who does not read, do to everybody else: the latencies of
// some pairs at a fixed rate, alone, beside the one, and beside the other.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tools/bench/commands.h"
#include "tools/bench/figures.h"
#include "tools/bench/measure.h"
#include "tools/bench/neighbour.h"
#include "tools/bench/pairs.h"
#include "tools/bench/rig.h"
#include "tools/bench/schedule.h"

namespace bench {

namespace {

struct Phase {
  const char* key;
  const char* name;
  std::optional<Trouble> trouble;
};
constexpr Phase phases[] = {{"alone", "alone", std::nullopt},
                            {"flood", "flood", Trouble::flood},
                            {"slow", "slow reader", Trouble::slow_reader}};

struct Seen {
  Histogram spans{};
  Neighbour::Done done{};
};

class Town {
 public:
  Town(Rig& rig, Pairs& pairs, const Invocation& invocation)
      : rig_(rig), pairs_(pairs), invocation_(invocation), schedule_(rig, pairs, pairs.size(), invocation.rate) {}

  Result<Seen> live_through(const Phase& phase) {
    std::optional<Neighbour> neighbour;
    if (phase.trouble) {
      Result<Neighbour> started = Neighbour::start(invocation_, *phase.trouble);
      if (!started) return started.failure();
      neighbour.emplace(std::move(*started));
    }
    const std::string what = std::string("chats, ") + phase.name;
    const Drive drive = [&](Nanos until) { schedule_.drive(until, what); };
    const Result<Measured> measured = measure(rig_, pairs_, invocation_, pairs_.size(), drive);
    if (!measured) return measured.failure();
    return Seen{measured->spans, neighbour ? neighbour->stop() : Neighbour::Done{}};
  }

 private:
  Rig& rig_;
  Pairs& pairs_;
  const Invocation& invocation_;
  Schedule schedule_;
};

void tell(Report& report, const Phase& phase, const Seen& seen, Nanos alone) {
  const std::string key = phase.key;
  const Nanos p50 = seen.spans.quantile(0.5);
  const Nanos p99 = seen.spans.quantile(0.99);
  report.number((key + "_p50_us").c_str(), in_micros(p50));
  report.number((key + "_p99_us").c_str(), in_micros(p99));
  report.number((key + "_max_us").c_str(), in_micros(seen.spans.max()));
  std::string text = "p50 " + span(p50) + "  p99 " + span(p99) + "  max " + span(seen.spans.max());
  if (phase.trouble) {
    const double ratio = in_micros(p99) / std::max(in_micros(alone), 0.001);
    report.number((key + "_ratio").c_str(), ratio);
    report.count((key + "_sent").c_str(), seen.done.sent);
    report.count((key + "_arrived").c_str(), seen.done.arrived);
    report.count((key + "_refused").c_str(), seen.done.refused);
    text += "  p99 is " + fixed(ratio, 2) + " times that of alone; of " + grouped(seen.done.sent) + " came " +
            grouped(seen.done.arrived) + ", refused " + grouped(seen.done.refused);
  }
  report.line(phase.name, text);
}

}  // namespace

Ending run_fair(const Invocation& invocation) {
  Result<std::unique_ptr<Rig>> made = Rig::make(invocation, 2 * invocation.pairs);
  if (!made) return made.failure();
  Rig& rig = **made;
  Pairs pairs(rig.crowd(), rig.dialect(), {invocation.pairs, invocation.payload_bytes, false});
  if (Ending failed = pairs.try_out(rig.deadline())) return failed;

  Report report = begin_report("fair", invocation);
  report.title("fairness of " + invocation.label + ": " + std::to_string(invocation.pairs) + " pairs, " +
               grouped(invocation.rate) + " messages/s in all");
  report.count("pairs", invocation.pairs);
  report.number("rate", invocation.rate);
  Town town(rig, pairs, invocation);
  Nanos alone = 0;
  for (const Phase& phase : phases) {
    if (rig.over()) break;
    const Result<Seen> seen = town.live_through(phase);
    if (!seen) return seen.failure();
    if (!phase.trouble) alone = seen->spans.quantile(0.99);
    tell(report, phase, *seen, alone);
  }
  rig.progress().clear();
  report.flag("interrupted", rig.loop().interrupted());
  report.tally(pairs.tally(), false);
  print(report, invocation);
  return judge(pairs.tally(), pairs.refusal(), rig.crowd());
}

}  // namespace bench
