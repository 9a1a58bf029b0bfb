// crosstalk: reads its arguments, does one thing, says how it ended.
#include <cstdio>

#include "tools/common/command_line.h"
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
  tool::begin_program();
  const auto invocation = read_command_line(argc, argv);
  if (!invocation) return tool::say(invocation.failure());
  return finish(*invocation, run(*invocation));
}
