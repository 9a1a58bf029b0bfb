// What somebody types into `crosstalk login`, and what that comes to: commands, and
// lines to the one who was written to last. Pure; the talk does the rest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/crosstalk/talk.h"

namespace crosstalk {

class Conversation {
 public:
  Conversation(Talk& talk, std::string name) : talk_(talk), name_(std::move(name)) {}

  // The answer is for whoever typed it: lines without their ends.
  std::vector<std::string> typed(std::string_view line, Now now);

  // Before what is being typed: to whom it goes, and what became of the last.
  std::string prompt() const;

 private:
  std::vector<std::string> say(std::string_view text);

  Talk& talk_;
  std::string name_;
  std::string partner_{};
};

}  // namespace crosstalk
