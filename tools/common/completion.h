// What makes a shell complete a command of ours: a script for it to read. Pure.
#pragma once

#include <string>
#include <vector>

namespace tool {

// A verb with its flags; under an empty name, those of all verbs.
struct VerbFlags {
  std::string verb;
  std::string help;
  std::vector<std::string> flags;
};

struct Grammar {
  std::string program;
  std::vector<VerbFlags> verbs;         // the empty one first
  std::vector<std::string> file_flags;  // those whose value is the name of a file
  std::string file_verb{};              // the one whose arguments are
};

// For "bash" or "zsh".
std::string completion(const Grammar& grammar, const std::string& shell);
std::string bash_completion(const Grammar& grammar);
std::string zsh_completion(const Grammar& grammar);

}  // namespace tool
