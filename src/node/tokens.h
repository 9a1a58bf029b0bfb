// The tokens of those who may ask over HTTP, as they lie in their file.
//
// Reads and judges the file once; never writes it, never shows what is in it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "peer/result.h"

namespace node {

inline constexpr std::size_t token_bytes_max = 256;
inline constexpr std::size_t tokens_max = 64;

// One a line; empty lines do not count. The file is kept as the secret's is
// (secret.h). The failure says what was expected and names file and line.
peer::Result<std::vector<std::string>> read_tokens(const std::string& path);

}  // namespace node
