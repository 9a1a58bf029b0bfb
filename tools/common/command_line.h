// What the programs have in common before they do anything: how they begin, and what
// they say where there is nothing to do.
#pragma once

#include <string>

namespace tool {

// Said instead of doing anything: what was asked for (--help), whole lines; of a mistake
// one, for standard error.
struct Instead {
  std::string text{};
  bool mistake = false;
};

// `sentence` is fit for a terminal.
Instead mistake(const std::string& program, const std::string& sentence);

// A reader that goes away is an error of the write; characters are those of the locale,
// numbers are written the same everywhere.
void begin_program();

// The exit status: 0; 1 where standard output takes nothing; 2 of a mistake.
int say(const Instead& instead);

}  // namespace tool
