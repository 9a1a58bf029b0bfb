#include "tools/common/command_line.h"

#include <clocale>
#include <csignal>
#include <cstdio>

namespace tool {

Instead mistake(const std::string& program, const std::string& sentence) {
  return {program + ": " + sentence + "; see " + program + " --help\n", true};
}

void begin_program() {
  std::signal(SIGPIPE, SIG_IGN);
  std::setlocale(LC_CTYPE, "");
}

int say(const Instead& instead) {
  if (instead.mistake) {
    std::fputs(instead.text.c_str(), stderr);
    return 2;
  }
  return std::fputs(instead.text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace tool
