// The distribution of latencies as a picture: how long (upwards) against what share of
// all messages took no longer (to the right, a nine more at each step). SVG, to be looked
// at in any browser, light or dark.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/exit.h"
#include "tools/bench/flags.h"
#include "tools/bench/histogram.h"

namespace bench {

struct Curve {
  std::string label{};
  Histogram spans{};
};

// Those without a message are left out. Pure.
std::string to_svg(std::string_view title, const std::vector<Curve>& curves);

// Into the file of --plot, where there is one.
Ending draw(const Histogram& spans, const Invocation& invocation);

// What --json printed, merged by label, in the order of the labels' first lines.
Result<std::vector<Curve>> read_curves(std::string_view json_lines, const std::string& name);

}  // namespace bench
