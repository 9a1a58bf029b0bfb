// The token with which a tool asks: from the file that it is told, or from
// $CROSSTALK_TOKEN.
//
// It is never shown, and never taken from the command line, which others can read.
#pragma once

#include <string>

#include "tools/common/result.h"

namespace tool {

// The first line of the file that is not empty; without a file's name the
// variable; empty where neither is. The failure names the file.
Result<std::string> find_token(const std::string& file);

}  // namespace tool
