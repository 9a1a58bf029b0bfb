#include "tools/bench/commands.h"

#include <cstdio>

#include "tools/common/completion.h"

namespace bench {

Ending run(const Invocation& invocation) {
  switch (invocation.verb) {
    case Verb::throughput: return run_throughput(invocation);
    case Verb::latency: return run_latency(invocation);
    case Verb::idle: return run_idle(invocation);
    case Verb::login: return run_login(invocation);
    case Verb::fair: return run_fair(invocation);
    case Verb::relay: return run_relay(invocation);
    case Verb::plot: return run_plot(invocation);
    case Verb::completion: return run_completion(invocation);
  }
  return std::nullopt;
}

Ending run_completion(const Invocation& invocation) {
  std::fputs(tool::completion(grammar(), invocation.shell).c_str(), stdout);
  return std::nullopt;
}

}  // namespace bench
