// Where the panes are: one below the other, the focused one with as much room as
// it wants; on a wide screen in two columns.
#pragma once

#include <array>

#include "tools/peek/picture.h"
#include "tools/peek/view.h"

namespace peek {

struct Place {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;  // with the title
};
using Places = std::array<Place, panes>;  // by Pane

Places lay_out(const View& view, const Picture& picture, int width, int height);

// Lines that a selected node's or link's particulars get.
int particulars_lines(int width);

}  // namespace peek
