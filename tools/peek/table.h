// The table of nodes: a row each, as many columns as there is room for.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tools/peek/grid.h"
#include "tools/peek/picture.h"

namespace peek {

// What a table of all columns needs.
int table_width(const Picture& picture);

// Rows from `top` on below a line of headings; `selected` is a number of a node.
void draw_table(const Area& area, const Picture& picture, const std::vector<std::size_t>& rows, std::size_t top,
                std::optional<std::size_t> selected);

// All that is known of one node, in a sentence or two; fit for a terminal.
std::string particulars(const Picture& picture, std::size_t node);

}  // namespace peek
