// What the operator looks at: which pane, which rows in which order, what is
// selected. Keys change it, nothing else does.
//
// A value. What is selected is kept by name, as rows come and go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/peek/picture.h"

namespace peek {

enum class Pane : std::uint8_t { nodes, links, findings, events };
inline constexpr int panes = 4;

enum class Sort : std::uint8_t { name, state, links, sessions, chats, lag, memory, uptime };
inline constexpr int sorts = 8;
std::string_view word(Sort sort);

// What is no character.
enum class Key : std::uint8_t {
  character,
  up,
  down,
  left,
  right,
  page_up,
  page_down,
  home,
  end,
  tab,
  back_tab,
  enter,
  escape,
  erase
};

struct Press {
  Key key = Key::character;
  char character = 0;
};

enum class Wish : std::uint8_t { none, quit, look };

struct View {
  Pane focus = Pane::links;
  Sort sort = Sort::name;
  bool reversed = false;
  bool bad_only = false;  // in the matrix, nodes with bad links
  bool help = false;
  bool typing = false;   // the filter
  std::string filter{};  // nodes, findings and events that have it
  std::string node{};    // selected in the table
  std::string from{};    // and in the matrix
  std::string to{};
  std::size_t finding = 0;  // row
  std::size_t event = 0;

  // `page` is how many rows the focused pane shows. The picture may be absent.
  Wish press(Press press, const Picture* picture, int page);

 private:
  Wish type(Press press);
  Wish command(char character);
  void move(Press press, const Picture& picture, int page);
};

// What the view shows of it, in its order: numbers in Cluster::nodes, in
// Picture::found, in Cluster::events (newest first).
std::vector<std::size_t> node_rows(const View& view, const Picture& picture);
std::vector<std::size_t> chart_rows(const View& view, const Picture& picture);  // and columns
std::vector<std::size_t> finding_rows(const View& view, const Picture& picture);
std::vector<std::size_t> event_rows(const View& view, const Picture& picture);

// The node and the link whose particulars are shown: what was selected, and until
// then the first row, the first link that is bad.
std::size_t selected_node(const View& view, const Picture& picture);
struct Ends {
  std::size_t from = 0;
  std::size_t to = 0;
};
Ends selected_link(const View& view, const Picture& picture);

// The words of one event, without its time; fit for a terminal.
std::string in_words(const Event& event);

}  // namespace peek
