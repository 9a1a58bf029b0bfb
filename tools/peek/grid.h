// A screen as a value: cells with a character and a style. What is drawn beyond an
// edge is cut.
//
// Knows no terminal. The characters are of one column each: printable_points()
// makes such.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/common/printable.h"

namespace peek {

enum class Colour : unsigned char { plain, good, warn, bad, calm };

struct Style {
  Colour colour = Colour::plain;
  bool bold = false;
  bool reverse = false;

  bool operator==(const Style&) const = default;
};

// The characters that the locale has.
struct Marks {
  explicit Marks(tool::Charset charset) : utf8(charset == tool::Charset::utf8) {}

  bool utf8;
  char32_t rule() const { return utf8 ? U'\u2500' : U'-'; }
  char32_t focus() const { return utf8 ? U'\u25b8' : U'>'; }
  char32_t up() const { return utf8 ? U'\u00b7' : U'.'; }
  char32_t self() const { return utf8 ? U'\u2572' : U'\\'; }
  std::u32string_view cut() const { return utf8 ? U"\u2026" : U"~"; }
};

class Grid {
 public:
  struct Cell {
    char32_t point = U' ';
    Style style{};

    bool operator==(const Cell&) const = default;
  };

  Grid(int width, int height);

  int width() const { return width_; }
  int height() const { return height_; }
  const Cell& at(int x, int y) const { return cells_[index(x, y)]; }
  Cell& at(int x, int y) { return cells_[index(x, y)]; }

  // As plain lines in UTF-8, without the spaces at their ends.
  std::string line(int y) const;
  std::string text() const;

 private:
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x);
  }

  int width_;
  int height_;
  std::vector<Cell> cells_;
};

// A rectangle of a Grid to draw in, with coordinates of its own.
class Area {
 public:
  Area(Grid& grid, Marks marks, int x, int y, int width, int height);
  Area part(int x, int y, int width, int height) const;

  int width() const { return width_; }
  int height() const { return height_; }
  const Marks& marks() const { return marks_; }

  // Cut at the edge, or at `width` with a mark that it was cut. Gives the column behind it.
  int put(int x, int y, std::u32string_view text, Style style = {}, int width = -1) const;
  int put(int x, int y, std::string_view text, Style style = {}, int width = -1) const;
  void put(int x, int y, char32_t point, Style style = {}) const;
  // So that it ends before column `end`.
  void put_right(int end, int y, std::string_view text, Style style, int width) const;
  // Broken at spaces; gives the number of lines it took.
  int wrap(int y, std::string_view text, int lines_max, Style style = {}) const;
  // Gives a whole line a style and leaves its characters.
  void paint(int y, Style style) const;

 private:
  Grid& grid_;
  Marks marks_;
  int x_;
  int y_;
  int width_;
  int height_;
};

}  // namespace peek
