#include "tools/peek/table.h"

#include <algorithm>
#include <array>

#include "tools/common/printable.h"
#include "tools/peek/figures.h"

namespace peek {

namespace {

constexpr int name_width_min = 6;
constexpr int name_width_max = 24;
constexpr std::string_view unknown = "-";

std::string state_of(const Picture& picture, std::size_t n) {
  const Node& node = picture.cluster.nodes[n];
  if (picture.matrix.unreached(n)) return "unreached";
  switch (node.life) {
    case Life::unknown: return node.draining ? "draining" : std::string(unknown);
    case Life::alive: return node.draining ? "draining" : node.listed ? "alive" : "unlisted";
    case Life::suspect: return "suspect";
    case Life::dead: return "dead";
  }
  return "";
}

Colour colour_of(const Picture& picture, std::size_t n) {
  const Node& node = picture.cluster.nodes[n];
  if (picture.matrix.unreached(n) || node.life == Life::dead) return Colour::bad;
  return node.life != Life::alive || node.draining || !node.listed ? Colour::warn : Colour::good;
}

template <class Format>
std::string shown(const Number& number, Format format) {
  return number ? format(*number) : std::string(unknown);
}

struct Column {
  std::string_view title;
  int width;
  int rank;  // those of the highest go first where there is no room
  bool right;
  std::string (*text)(const Picture&, std::size_t);
};

constexpr std::size_t name_column = 1;

const std::array<Column, 16> columns = {{
    {"#", 3, 0, true, [](const Picture&, std::size_t n) { return std::to_string(n + 1); }},
    {"NODE", name_width_min, 0, false,
     [](const Picture& p, std::size_t n) {
       return tool::printable(p.cluster.nodes[n].name) + (p.cluster.nodes[n].name == p.cluster.node ? "*" : "");
     }},
    {"STATE", 9, 0, false, state_of},
    {"LINKS", 7, 1, true,
     [](const Picture& p, std::size_t n) {
       return std::to_string(p.matrix.count(n).up) + "/" + std::to_string(p.matrix.count(n).expected);
     }},
    {"SESSIONS", 8, 1, true, [](const Picture& p, std::size_t n) { return shown(p.cluster.nodes[n].sessions, count); }},
    {"CHATS/S", 7, 1, true,
     [](const Picture& p, std::size_t n) {
       return p.cluster.nodes[n].chats_per_s ? rate(*p.cluster.nodes[n].chats_per_s) : std::string(unknown);
     }},
    {"LAG", 6, 2, true, [](const Picture& p, std::size_t n) { return shown(p.cluster.nodes[n].loop_lag_us, span_us); }},
    {"MEMORY", 6, 2, true,
     [](const Picture& p, std::size_t n) { return shown(p.cluster.nodes[n].memory_bytes, bytes); }},
    {"UPTIME", 7, 2, true, [](const Picture& p, std::size_t n) { return shown(p.cluster.nodes[n].uptime_s, span_s); }},
    {"REDIS", 5, 4, false,
     [](const Picture& p, std::size_t n) {
       return p.cluster.nodes[n].redis.empty() ? std::string(unknown) : tool::printable(p.cluster.nodes[n].redis);
     }},
    {"AGE", 6, 5, true, [](const Picture& p, std::size_t n) { return shown(p.cluster.nodes[n].age_ms, span_ms); }},
    {"VERSION", 8, 3, false,
     [](const Picture& p, std::size_t n) {
       return p.cluster.nodes[n].version.empty() ? std::string(unknown) : tool::printable(p.cluster.nodes[n].version);
     }},
    {"INCARNATION", 16, 6, false,
     [](const Picture& p, std::size_t n) { return tool::printable(p.cluster.nodes[n].incarnation); }},
    {"USERS", 7, 8, true, [](const Picture& p, std::size_t n) { return shown(p.cluster.nodes[n].users, count); }},
    {"ROOMS", 6, 9, true, [](const Picture& p, std::size_t n) { return shown(p.cluster.nodes[n].rooms, count); }},
    {"PEER", 21, 7, false, [](const Picture& p, std::size_t n) { return tool::printable(p.cluster.nodes[n].peer); }},
}};

int name_width(const Picture& picture) {
  int width = name_width_min;
  for (const Node& node : picture.cluster.nodes)
    width = std::max(width,
                     static_cast<int>(tool::printable(node.name).size()) + (node.name == picture.cluster.node ? 1 : 0));
  return std::min(width, name_width_max);
}

int width_of(std::size_t column, int names) { return column == name_column ? names : columns[column].width; }

// Those that fit, in their order.
std::vector<std::size_t> fitting(int room, int names) {
  std::vector<std::size_t> chosen;
  for (int rank = 0, used = -1; rank < 10; ++rank) {
    for (std::size_t n = 0; n < columns.size(); ++n) {
      if (columns[n].rank != rank) continue;
      used += width_of(n, names) + 1;
      if (used <= room || rank == 0) chosen.push_back(n);
    }
    if (used > room) break;
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

void draw_cell(const Area& area, int x, int y, const Column& column, int width, const std::string& text, Style style) {
  if (column.right)
    area.put_right(x + width, y, text, style, width);
  else
    area.put(x, y, text, style, width);
}

}  // namespace

int table_width(const Picture& picture) {
  int width = -1;
  for (std::size_t n = 0; n < columns.size(); ++n) width += width_of(n, name_width(picture)) + 1;
  return width;
}

void draw_table(const Area& area, const Picture& picture, const std::vector<std::size_t>& rows, std::size_t top,
                std::optional<std::size_t> selected) {
  const int names = name_width(picture);
  const std::vector<std::size_t> chosen = fitting(area.width(), names);
  int x = 0;
  for (const std::size_t n : chosen) {
    const Column& column = columns[n];
    const int width = width_of(n, names);
    draw_cell(area, x, 0, column, width, std::string(column.title), {Colour::calm, true});
    for (int y = 1; y < area.height() && top + static_cast<std::size_t>(y) <= rows.size(); ++y) {
      const std::size_t node = rows[top + static_cast<std::size_t>(y) - 1];
      const Matrix::Count links = picture.matrix.count(node);
      Style style;
      if (column.title == "STATE") style.colour = colour_of(picture, node);
      if (column.title == "LINKS") style.colour = links.up < links.expected ? Colour::bad : Colour::good;
      draw_cell(area, x, y, column, width, column.text(picture, node), style);
    }
    x += width + 1;
  }
  for (int y = 1; y < area.height() && top + static_cast<std::size_t>(y) <= rows.size(); ++y)
    if (selected == rows[top + static_cast<std::size_t>(y) - 1]) area.paint(y, {Colour::plain, false, true});
}

std::string particulars(const Picture& picture, std::size_t n) {
  const Node& node = picture.cluster.nodes[n];
  std::string text = tool::printable(node.name) + " " + state_of(picture, n);
  const auto add = [&text](std::string_view what, const std::string& value) {
    if (!value.empty()) text += ", " + std::string(what) + " " + tool::printable(value);
  };
  const auto add_number = [&](std::string_view what, const Number& number, auto format) {
    if (number) add(what, format(*number));
  };
  add("incarnation", node.incarnation);
  add("peers", node.peer);
  add("HTTP", node.http);
  add("clients", node.client);
  add("Redis", node.redis);
  add_number("users", node.users, count);
  add_number("rooms", node.rooms, count);
  if (node.age_ms) text += ", heard of " + span_ms(*node.age_ms) + " ago";
  return text;
}

}  // namespace peek
