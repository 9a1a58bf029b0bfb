// The screen on a terminal: paints Grids with ncurses, and turns keys into presses.
//
// The one place of ncurses. However it is left, the terminal is as it was before.
#pragma once

#include "tools/common/result.h"
#include "tools/peek/grid.h"
#include "tools/peek/source.h"

namespace peek {

// Looks and shows until the operator quits, or the process is to end; the failure is
// a sentence, of a terminal that cannot show it. Takes SIGINT and SIGTERM for itself.
tool::Result<int> show(Source source, Marks marks, bool coloured);

}  // namespace peek
