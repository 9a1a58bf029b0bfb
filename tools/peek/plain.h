// One look as plain text: what --once prints.
#pragma once

#include <string>

#include "tools/peek/draw.h"
#include "tools/peek/grid.h"
#include "tools/peek/picture.h"

namespace peek {

// Above so many nodes the matrix is left out, and what is wrong says it all.
inline constexpr std::size_t plain_matrix_max = 12;

// In lines of at most `width` columns; 0 for as many as it takes.
std::string to_plain(const Picture& picture, const Status& status, int width, Marks marks);

}  // namespace peek
