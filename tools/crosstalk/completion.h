// What makes a shell complete this command: a script for it to read. Pure.
#pragma once

#include <string>
#include <vector>

#include "tools/crosstalk/flags.h"

namespace crosstalk {

std::string bash_completion(const std::vector<VerbFlags>& verbs);
std::string zsh_completion(const std::vector<VerbFlags>& verbs);

}  // namespace crosstalk
