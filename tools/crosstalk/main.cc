// crosstalk: reads its arguments, does one thing, says how it ended.
#include <clocale>
#include <csignal>
#include <cstdio>

#include "tools/common/printable.h"
#include "tools/crosstalk/commands.h"
#include "tools/crosstalk/flags.h"
#include "tools/crosstalk/render.h"

namespace {

using namespace crosstalk;

int finish(const Invocation& invocation, Ending ending) {
  // What nobody has got was not printed.
  if (std::fflush(stdout) != 0 && !ending) ending = Error{Exit::failed, "output", "standard output takes nothing"};
  if (!ending) return 0;
  std::fprintf(stderr, "crosstalk: %s: %s\n", ending->code.c_str(), why_of(*ending).c_str());
  if (invocation.json && !ending->told) {
    print_line(tool::ascii_json(error_json(*ending)));
    std::fflush(stdout);
  }
  return static_cast<int>(ending->exit);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  // Not the rest of the locale: numbers are written the same everywhere.
  std::setlocale(LC_CTYPE, "");
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
