// The secret that the nodes of one mesh share, as it lies in its file.
//
// Reads and judges the file once; never writes it, never shows what is in it.
#pragma once

#include <cstddef>
#include <string>

#include "peer/result.h"

namespace node {

inline constexpr std::size_t secret_bytes_min = 16;
// More is no safer and surely the wrong file.
inline constexpr std::size_t secret_bytes_max = 4096;

// What stands in a file that others may not read: a regular one that belongs to
// this process's user or to root and is readable by its owner alone. Of a longer
// one more than `bytes_max`, but not all.
peer::Result<std::string> read_private(const std::string& path, std::size_t bytes_max);

// What stands in the file, without the newline at its end. The file must
// be private. The failure says what was expected and names the file.
peer::Result<std::string> read_secret(const std::string& path);

}  // namespace node
