#include "tools/peek/plain.h"

#include <algorithm>

#include "tools/peek/chart.h"
#include "tools/peek/table.h"
#include "tools/peek/view.h"

namespace peek {

namespace {

// Where nothing limits a line.
constexpr int columns_max = 1000;

std::string table(const Picture& picture, int width, Marks marks) {
  const std::vector<std::size_t> rows = node_rows({}, picture);
  Grid grid(width == 0 ? table_width(picture) : width, static_cast<int>(rows.size()) + 1);
  draw_table(Area(grid, marks, 0, 0, grid.width(), grid.height()), picture, rows, 0, std::nullopt);
  return grid.text();
}

// Without a limit, wide enough for figures.
std::string matrix(const Picture& picture, int width, Marks marks) {
  const std::vector<std::size_t> nodes = chart_rows({}, picture);
  const int columns = width == 0 ? chart_width_with_figures(picture, nodes.size()) : width;
  Grid grid(columns, chart_heading(picture, nodes.size(), columns) + static_cast<int>(nodes.size()));
  draw_chart(Area(grid, marks, 0, 0, grid.width(), grid.height()), picture, nodes, std::nullopt);
  return grid.text();
}

}  // namespace

std::string to_plain(const Picture& picture, const Status& status, int width, Marks marks) {
  const Matrix::Count links = picture.matrix.count();
  const bool wrong = std::any_of(picture.found.begin(), picture.found.end(), [](const Finding& f) { return f.wrong; });
  std::string text = (wrong ? "NOT WHOLE  " : "whole  ") + summary(picture) + "\n" + witness(picture, status) + "\n";
  if (!status.remark.empty()) text += status.remark + "\n";
  text += "\n" + table(picture, width, marks);
  text += "\nLinks: " + std::to_string(links.up) + " up of " + std::to_string(links.expected);
  if (picture.matrix.size() <= plain_matrix_max)
    text += ", rows dial columns\n" + matrix(picture, width, marks);
  else
    text += "\n";
  if (const std::string marks_text = marks_in_use(picture, marks, width == 0 ? columns_max : width);
      !marks_text.empty())
    text += marks_text + "\n";
  if (!picture.found.empty()) text += "\n";
  for (const Finding& finding : picture.found) text += (finding.wrong ? "! " : "- ") + finding.text + "\n";
  return text;
}

}  // namespace peek
