// The screen on a terminal: paints Grids with ncurses, and turns keys into presses.
//
// The one place of ncurses. However it is left, the terminal is as it was before.
#pragma once

#include <optional>
#include <string>

#include "tools/common/result.h"
#include "tools/peek/grid.h"
#include "tools/peek/view.h"
#include "tools/peek/watch.h"

namespace peek {

// Shows what the watch sees until the operator quits; the failure is a sentence, of
// a terminal that cannot show it.
tool::Result<int> show(Watch& watch, const std::string& place, Marks marks, bool coloured);

}  // namespace peek
