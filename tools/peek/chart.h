// The matrix of links, drawn: a row for each node that dials, a column for each
// that is dialled.
//
// As wide as there is room for: with round trips, or one character a link and what
// does not fit scrolled to.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tools/peek/grid.h"
#include "tools/peek/picture.h"
#include "tools/peek/view.h"

namespace peek {

// Of so many nodes: lines above the rows in that width; columns that it takes with
// one character a link, and with figures.
int chart_heading(const Picture& picture, std::size_t nodes, int width);
int chart_width(const Picture& picture, std::size_t nodes);
int chart_width_with_figures(const Picture& picture, std::size_t nodes);

// The links among these nodes. `selected` is one of them, and is kept in sight.
void draw_chart(const Area& area, const Picture& picture, const std::vector<std::size_t>& nodes,
                std::optional<Ends> selected);

// What the marks mean, of those that are there; and how many, where that fits.
std::string marks_in_use(const Picture& picture, const Marks& marks, int width);

// Both ends' opinion and all figures of one link; fit for a terminal.
std::string particulars(const Picture& picture, Ends ends);

char32_t mark(Sight sight, const Marks& marks);

}  // namespace peek
