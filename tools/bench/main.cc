// crosstalk-bench: reads its arguments, measures one thing, says how it ended.
#include <sys/prctl.h>

#include <clocale>
#include <csignal>
#include <cstdio>

#include "tools/bench/commands.h"
#include "tools/bench/flags.h"
#include "tools/bench/report.h"

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
  std::signal(SIGPIPE, SIG_IGN);
  // Not the rest of the locale: numbers are written the same everywhere.
  std::setlocale(LC_CTYPE, "");
  prctl(PR_SET_TIMERSLACK, timer_slack_ns);
  const CommandLine line = read_command_line(argc, argv);
  switch (line.action) {
    case CommandLine::Action::run: return finish(line.invocation, run(line.invocation));
    case CommandLine::Action::print: {
      const bool printed = std::fputs(line.text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
      return static_cast<int>(printed ? Exit::done : Exit::failed);
    }
    case CommandLine::Action::fail: std::fputs(line.text.c_str(), stderr); return static_cast<int>(Exit::usage);
  }
}
