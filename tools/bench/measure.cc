#include "tools/bench/measure.h"

#include <algorithm>
#include <utility>

#include "tools/bench/figures.h"
#include "tools/bench/plot.h"

namespace bench {

namespace {

constexpr Nanos silence_max = 2 * second;

template <class Figure>
std::vector<double> of_each(const std::vector<Run>& runs, Figure figure) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(figure(run));
  return values;
}

// The run whose processor time is the median's, or the one below it.
const Run& median_run(const std::vector<Run>& runs) {
  std::vector<const Run*> sorted;
  for (const Run& run : runs) sorted.push_back(&run);
  std::sort(sorted.begin(), sorted.end(), [](const Run* one, const Run* other) {
    const auto cost = [](const Run& run) {
      const Nanos cpu = run.spent.cpu.value_or(run.spent.own_cpu);
      return run.arrived == 0 ? 0 : static_cast<double>(cpu) / static_cast<double>(run.arrived);
    };
    return cost(*one) < cost(*other);
  });
  return *sorted[(sorted.size() - 1) / 2];
}

}  // namespace

void settle(Rig& rig, const Pairs& pairs) {
  std::uint64_t arrived = pairs.arrived();
  Nanos progress = now();
  for (Nanos at = progress; pairs.on_the_way() > 0 && !rig.crowd().trouble() && at < progress + silence_max;
       at = now()) {
    rig.loop().turn(at + 20 * millisecond);
    if (pairs.arrived() != arrived) progress = now();
    arrived = pairs.arrived();
  }
}

Result<Measured> measure(Rig& rig, Pairs& pairs, const Invocation& invocation, std::size_t measured,
                         const Drive& drive) {
  Measured all;
  for (std::size_t i = 0; i < invocation.runs && !rig.over(); ++i) {
    if (invocation.warmup > 0) drive(now() + invocation.warmup);
    if (rig.over() && !all.runs.empty()) break;
    const Result<Usage> begin = rig.servers().look(Servers::Depth::cpu);
    if (!begin) return begin.failure();
    const std::uint64_t arrived = pairs.arrived();
    pairs.measure_from(now(), measured);
    drive(now() + invocation.duration);
    const Result<Usage> end = rig.servers().look(Servers::Depth::cpu);
    if (!end) return end.failure();
    all.runs.push_back({between(*begin, *end), pairs.arrived() - arrived});
    settle(rig, pairs);
    all.spans.merge(pairs.spans());
  }
  if (all.runs.empty()) return Error{Exit::failed, "interrupted before there was anything to measure"};
  return all;
}

std::string in_words(const Invocation& invocation) {
  return std::to_string(invocation.payload_bytes) + " bytes" + (invocation.ids ? ", with ids" : "") +
         (invocation.confirms ? ", confirmed" : "");
}

void tell(Report& report, Rig& rig, const Measured& measured, const Invocation& invocation) {
  report.count("size", invocation.payload_bytes);
  report.flag("id", invocation.ids);
  report.flag("ack", invocation.confirms);
  report.flag("interrupted", rig.loop().interrupted());
  const Run& run = median_run(measured.runs);
  const std::vector<double> rates = of_each(measured.runs, [](const Run& one) { return one.per_second(); });
  report.count("runs", measured.runs.size());
  report.number("seconds", in_seconds(run.spent.time));
  report.count("measured", run.arrived);
  report.number("delivered_per_s", median(rates));
  report.numbers("delivered_per_s_of_runs", rates);
  report.line("delivered", grouped(median(rates)) + " messages/s" +
                               (measured.runs.size() > 1 ? ", median of " + std::to_string(measured.runs.size()) : ""));
  report.cpu(run.spent, run.arrived, "message");
  if (run.spent.cpu) {
    const auto cost = [](const Run& one) {
      return one.arrived == 0 ? 0 : in_micros(*one.spent.cpu) / static_cast<double>(one.arrived);
    };
    report.numbers("server_us_per_message_of_runs", of_each(measured.runs, cost));
  }
  report.latency(measured.spans);
}

Ending conclude(Report& report, Rig& rig, const Pairs& pairs, const Measured& measured, const Invocation& invocation) {
  report.tally(pairs.tally(), invocation.ids);
  print(report, invocation);
  if (Ending failed = draw(measured.spans, invocation)) return failed;
  return judge(pairs.tally(), pairs.refusal(), rig.crowd());
}

}  // namespace bench
