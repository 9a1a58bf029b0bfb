// How long messages take at a fixed rate: an open loop.
//
// Message n is due at a fixed time whatever became of those before it, and its latency
// counts from that time, not from when it was written: a server that stalls is charged
// with every message that should have been sent meanwhile. (A loop that waits for the
// server before it sends on leaves out just those: "coordinated omission".)
#include <algorithm>
#include <memory>

#include "tools/bench/commands.h"
#include "tools/bench/figures.h"
#include "tools/bench/measure.h"
#include "tools/bench/pairs.h"
#include "tools/bench/rig.h"
#include "tools/bench/schedule.h"

namespace bench {

Ending run_latency(const Invocation& invocation) {
  Result<std::unique_ptr<Rig>> made = Rig::make(invocation, 2 * invocation.pairs);
  if (!made) return made.failure();
  Rig& rig = **made;
  Pairs pairs(rig.crowd(), rig.dialect(), {invocation.pairs, invocation.payload_bytes, invocation.ids});
  if (Ending failed = pairs.try_out(rig.deadline())) return failed;
  Schedule schedule(rig, pairs, pairs.size(), invocation.rate);
  const Drive drive = [&schedule](Nanos until) { schedule.drive(until, "messages at their rate"); };
  const Result<Measured> measured = measure(rig, pairs, invocation, pairs.size(), drive);
  if (!measured) return measured.failure();
  rig.progress().clear();

  Report report = begin_report("latency", invocation);
  report.title("latency of " + invocation.label + ": " + std::to_string(invocation.pairs) + " pairs, " +
               grouped(invocation.rate) + " messages/s in all, " + in_words(invocation));
  report.count("pairs", invocation.pairs);
  report.number("rate", invocation.rate);
  tell(report, rig, *measured, invocation);
  const Histogram& late = schedule.lateness();
  report.number("sent_late_p99_us", in_micros(late.quantile(0.99)));
  report.number("sent_late_max_us", in_micros(late.max()));
  report.line("of that", "sent late by this program: p99 " + span(late.quantile(0.99)) + ", max " + span(late.max()));
  report.flag("overloaded", schedule.overloaded());
  if (Ending failed = conclude(report, rig, pairs, *measured, invocation)) return failed;
  if (schedule.overloaded())
    return Error{Exit::failed,
                 "messages piled up: the servers, or this program beside them, can't keep up with " +
                     grouped(invocation.rate) + " a second; lower --rate",
                 true};
  return std::nullopt;
}

}  // namespace bench
