// Each verb of the command line, done. What was measured goes to standard output.
#pragma once

#include "tools/bench/exit.h"
#include "tools/bench/flags.h"

namespace bench {

Ending run(const Invocation& invocation);

Ending run_throughput(const Invocation& invocation);
Ending run_latency(const Invocation& invocation);
Ending run_idle(const Invocation& invocation);
Ending run_login(const Invocation& invocation);
Ending run_fair(const Invocation& invocation);
Ending run_relay(const Invocation& invocation);
Ending run_plot(const Invocation& invocation);
Ending run_completion(const Invocation& invocation);

}  // namespace bench
