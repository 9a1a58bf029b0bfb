// crosstalk-bench: reads its arguments, measures one thing, says how it ended.
#include <sys/prctl.h>

#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/flags.h"
#include "tools/bench/report.h"
#include "tools/common/command_line.h"

namespace {

using namespace bench;

// A message that is due is not to wait for the kernel's slack, 50 us unless told.
constexpr unsigned long timer_slack_ns = 1000;

int finish(const Invocation& invocation, Ending ending) {
  // What nobody has got was not printed.
  if (std::fflush(stdout) != 0 && !ending) ending = Error{Exit::failed, "standard output takes nothing"};
  if (!ending) return 0;
  std::fprintf(stderr, "crosstalk-bench: %s\n", ending->why.c_str());
  if (invocation.json && !ending->told) {
    std::printf("%s\n", error_json(*ending).c_str());
    std::fflush(stdout);
  }
  return static_cast<int>(ending->exit);
}

}  // namespace

int main(int argc, char** argv) {
  tool::begin_program();
  prctl(PR_SET_TIMERSLACK, timer_slack_ns);
  const auto invocation = read_command_line(argc, argv);
  if (!invocation) return tool::say(invocation.failure());
  return finish(*invocation, run(*invocation));
}
