// The whole screen as a Grid: a heading, four panes, a line of keys; or the help.
//
// Pure: the same view, picture and size give the same screen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/peek/grid.h"
#include "tools/peek/picture.h"
#include "tools/peek/view.h"

namespace peek {

// How the looking goes.
struct Status {
  std::string place{};       // what is looked at
  std::string asked{};       // the address that answered
  std::string trouble{};     // why there was no answer since
  std::string remark{};      // what went wrong on the way to the answer
  std::uint64_t age_ms = 0;  // of the picture
};

// Rows that the focused pane shows, for keys that go by pages.
int page_of(const View& view, const Picture* picture, int width, int height);

Grid draw(const View& view, const Picture* picture, const Status& status, int width, int height, Marks marks);

// Two lines: what there is, and who says so.
std::string summary(const Picture& picture);
std::string witness(const Picture& picture, const Status& status);

}  // namespace peek
