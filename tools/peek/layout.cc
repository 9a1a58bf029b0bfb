#include "tools/peek/layout.h"

#include <algorithm>
#include <initializer_list>

#include "tools/peek/chart.h"
#include "tools/peek/table.h"

namespace peek {

namespace {

// Narrower ones have one column of panes.
constexpr int two_columns_min = 170;
constexpr int table_width_min = 80;

// Lines below its title that show all of a pane.
int wanted(Pane pane, const View& view, const Picture& picture, int width) {
  switch (pane) {
    case Pane::nodes: return 1 + static_cast<int>(node_rows(view, picture).size()) + particulars_lines(width);
    case Pane::links:
      return chart_heading(picture, chart_rows(view, picture).size(), width) +
             static_cast<int>(chart_rows(view, picture).size()) + 1 + particulars_lines(width);
    case Pane::findings: return static_cast<int>(finding_rows(view, picture).size());
    case Pane::events: return static_cast<int>(event_rows(view, picture).size());
  }
  return 0;
}

// Lines that a pane keeps beside the focused one, of so many for all.
int kept(Pane pane, int wants, int height) {
  switch (pane) {
    case Pane::nodes:
    case Pane::links: return 0;
    case Pane::findings: return std::min(wants, height / 8);
    case Pane::events: return std::min(wants, height / 16);
  }
  return 0;
}

// Shares a column among its panes: first what each keeps, then to the focused one
// what it wants, then to the others in the order given; what is left is the last one's.
void stack(Places& places, std::initializer_list<Pane> order, const View& view, const Picture& picture, Place column) {
  int left = column.height - static_cast<int>(order.size());
  std::array<int, panes> lines{};
  const auto give = [&](Pane pane, int most) {
    const auto n = static_cast<std::size_t>(pane);
    const int more = std::clamp(most - lines[n], 0, std::max(left, 0));
    lines[n] += more;
    left -= more;
  };
  const auto wants = [&](Pane pane) { return wanted(pane, view, picture, column.width); };
  for (const Pane pane : order)
    if (pane != view.focus) give(pane, kept(pane, wants(pane), column.height));
  for (const Pane pane : order)
    if (pane == view.focus) give(pane, wants(pane));
  for (const Pane pane : {Pane::findings, Pane::links, Pane::nodes, Pane::events})
    if (std::find(order.begin(), order.end(), pane) != order.end()) give(pane, wants(pane));
  lines[static_cast<std::size_t>(*(order.end() - 1))] += std::max(left, 0);
  int y = column.y;
  for (const Pane pane : order) {
    const auto n = static_cast<std::size_t>(pane);
    places[n] = {column.x, y, column.width, std::max(std::min(lines[n] + 1, column.y + column.height - y), 0)};
    y += places[n].height;
  }
}

}  // namespace

int particulars_lines(int width) { return width < 150 ? 2 : 1; }

Places lay_out(const View& view, const Picture& picture, int width, int height) {
  Places places{};
  if (width < two_columns_min) {
    stack(places, {Pane::nodes, Pane::links, Pane::findings, Pane::events}, view, picture, {0, 0, width, height});
    return places;
  }
  // The table gives way as far as the matrix needs it: for its figures, where that helps.
  const std::size_t nodes = chart_rows(view, picture).size();
  const int figures = width - chart_width_with_figures(picture, nodes) - 2;
  const int room = figures < table_width_min ? width - chart_width(picture, nodes) - 2 : figures;
  const int table = std::clamp(room, table_width_min, std::min(table_width(picture), width / 2));
  stack(places, {Pane::nodes, Pane::events}, view, picture, {0, 0, table, height});
  stack(places, {Pane::links, Pane::findings}, view, picture, {table + 2, 0, width - table - 2, height});
  return places;
}

}  // namespace peek
