// A run: it warms up, is measured, and what is still on the way is waited for. Then the
// same again, as often as was asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/bench/exit.h"
#include "tools/bench/flags.h"
#include "tools/bench/histogram.h"
#include "tools/bench/pairs.h"
#include "tools/bench/report.h"
#include "tools/bench/rig.h"

namespace bench {

// What was seen of one run.
struct Run {
  Spent spent{};
  std::uint64_t arrived = 0;
  double per_second() const { return static_cast<double>(arrived) / std::max(in_seconds(spent.time), 1e-9); }
};

struct Measured {
  std::vector<Run> runs{};
  Histogram spans{};  // of all runs
};

// Writes messages until then, in its own way, or stops sooner where it is over.
using Drive = std::function<void(Nanos until)>;

// Of the first `measured` pairs. `invocation` has the times, and how often.
Result<Measured> measure(Rig& rig, Pairs& pairs, const Invocation& invocation, std::size_t measured,
                         const Drive& drive);

// Until nothing is on the way, or nothing has come for two seconds.
void settle(Rig& rig, const Pairs& pairs);

// "128 bytes, with ids": what is sent.
std::string in_words(const Invocation& invocation);
// What was sent; the rate, the processor time and the latencies of all runs.
void tell(Report& report, Rig& rig, const Measured& measured, const Invocation& invocation);
// What became of all that was sent: printed, drawn where that was asked for, and judged.
Ending conclude(Report& report, Rig& rig, const Pairs& pairs, const Measured& measured, const Invocation& invocation);

}  // namespace bench
