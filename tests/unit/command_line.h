// Command lines as a test gives them to a tool, and what has to be true of every tool's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/suite.h"
#include "tools/common/command_line.h"
#include "tools/common/completion.h"
#include "tools/common/result.h"

namespace command_line {

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Of one tool, by what reads its command line.
template <class Invocation>
class Reader {
 public:
  using Line = tool::Result<Invocation, tool::Instead>;

  Reader(const char* program, Line (*reader)(int, const char* const*)) : program_(program), reader_(reader) {}

  // What is to be run.
  Invocation run(std::vector<const char*> arguments) const {
    const Line line = read(std::move(arguments));
    ck_assert_msg(bool(line), "%s", line.failure().text.c_str());
    return *line;
  }

  // What was asked for instead.
  std::string printed(std::vector<const char*> arguments) const {
    const Line line = read(std::move(arguments));
    ck_assert(!line && !line.failure().mistake);
    return line.failure().text;
  }

  // In one line, which says that.
  void refuses(const std::vector<const char*>& arguments, const char* says) const {
    const Line line = read(arguments);
    ck_assert_msg(!line && line.failure().mistake, "%s", says);
    const std::string& text = line.failure().text;
    ck_assert_msg(has(text, says), "%s: %s", says, text.c_str());
    ck_assert(text.starts_with(std::string(program_) + ": ") && text.find('\n') == text.size() - 1);
  }

 private:
  Line read(std::vector<const char*> arguments) const {
    arguments.insert(arguments.begin(), program_);
    return reader_(static_cast<int>(arguments.size()), arguments.data());
  }

  const char* program_;
  Line (*reader_)(int, const char* const*);
};

inline void completes(const tool::Grammar& grammar) {
  for (const std::string shell : {"bash", "zsh"}) {
    const std::string script = tool::completion(grammar, shell);
    ck_assert(has(script, grammar.program));
    for (const tool::VerbFlags& verb : grammar.verbs) {
      ck_assert_msg(has(script, verb.verb), "%s", verb.verb.c_str());
      for (const std::string& flag : verb.flags) ck_assert_msg(has(script, flag), "%s", flag.c_str());
    }
  }
  // A quote in a description would end zsh's.
  for (const tool::VerbFlags& verb : grammar.verbs) ck_assert(verb.help.find_first_of("':") == std::string::npos);
}

}  // namespace command_line
