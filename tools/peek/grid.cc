#include "tools/peek/grid.h"

#include <algorithm>
#include <cstddef>

#include "tools/common/utf8.h"

namespace peek {

namespace {

int length(std::u32string_view text) { return static_cast<int>(text.size()); }

}  // namespace

Grid::Grid(int width, int height)
    : width_(std::max(width, 0)),
      height_(std::max(height, 0)),
      cells_(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_)) {}

std::string Grid::line(int y) const {
  std::u32string points;
  for (int x = 0; x < width_; ++x) points += at(x, y).point;
  points.resize(points.find_last_not_of(U' ') + 1);
  return tool::to_utf8(points);
}

std::string Grid::text() const {
  std::string text;
  for (int y = 0; y < height_; ++y) text += line(y) + "\n";
  return text;
}

Area::Area(Grid& grid, Marks marks, int x, int y, int width, int height)
    : grid_(grid),
      marks_(marks),
      x_(std::max(x, 0)),
      y_(std::max(y, 0)),
      width_(std::clamp(width, 0, std::max(0, grid.width() - x_))),
      height_(std::clamp(height, 0, std::max(0, grid.height() - y_))) {}

Area Area::part(int x, int y, int width, int height) const {
  // Where there is no room, nothing is drawn.
  if (x < 0 || y < 0) return {grid_, marks_, 0, 0, 0, 0};
  return {grid_, marks_, x_ + x, y_ + y, std::min(width, width_ - x), std::min(height, height_ - y)};
}

void Area::put(int x, int y, char32_t point, Style style) const {
  if (x >= 0 && y >= 0 && x < width_ && y < height_) grid_.at(x_ + x, y_ + y) = {point, style};
}

int Area::put(int x, int y, std::u32string_view text, Style style, int width) const {
  const int room = width < 0 ? width_ - x : std::min(width, width_ - x);
  const bool cut = length(text) > room;
  const int shown = cut ? std::max(0, room - length(marks_.cut())) : length(text);
  for (int n = 0; n < shown; ++n) put(x + n, y, text[static_cast<std::size_t>(n)], style);
  if (!cut) return x + shown;
  for (int n = 0; n < length(marks_.cut()) && shown + n < room; ++n)
    put(x + shown + n, y, marks_.cut()[static_cast<std::size_t>(n)], style);
  return x + std::max(room, 0);
}

int Area::put(int x, int y, std::string_view text, Style style, int width) const {
  const tool::Charset charset = marks_.utf8 ? tool::Charset::utf8 : tool::Charset::ascii;
  return put(x, y, tool::printable_points(text, charset), style, width);
}

void Area::put_right(int end, int y, std::string_view text, Style style, int width) const {
  const int size = std::min(static_cast<int>(text.size()), width);
  put(end - size, y, text, style, size);
}

int Area::wrap(int y, std::string_view text, int lines_max, Style style) const {
  int line = 0;
  while (!text.empty() && line < lines_max) {
    std::size_t size = text.size();
    if (line + 1 < lines_max && size > static_cast<std::size_t>(width_)) {
      size = text.rfind(' ', static_cast<std::size_t>(width_));
      if (size == std::string_view::npos || size == 0) size = static_cast<std::size_t>(std::max(width_, 1));
    }
    put(0, y + line, text.substr(0, size), style);
    text.remove_prefix(size);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    ++line;
  }
  return line;
}

void Area::paint(int y, Style style) const {
  if (y < 0 || y >= height_) return;
  for (int x = 0; x < width_; ++x) grid_.at(x_ + x, y_ + y).style = style;
}

}  // namespace peek
