#include "tools/peek/view.h"

#include <algorithm>
#include <cctype>
#include <numeric>

#include "tools/common/printable.h"

namespace peek {

namespace {

constexpr std::size_t filter_bytes_max = 64;

bool has(const std::string& text, const std::string& part) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

std::size_t stepped(std::size_t at, long step, std::size_t size) {
  if (size == 0) return 0;
  const long wanted = static_cast<long>(std::min(at, size - 1)) + step;
  return static_cast<std::size_t>(std::clamp(wanted, 0L, static_cast<long>(size) - 1));
}

// Rows that a key goes down; a whole list's length stands for its end.
long rows_of(Key key, int page) {
  constexpr long all = 1'000'000;
  switch (key) {
    case Key::up: return -1;
    case Key::down: return 1;
    case Key::page_up: return -std::max(page - 1, 1);
    case Key::page_down: return std::max(page - 1, 1);
    case Key::home: return -all;
    case Key::end: return all;
    case Key::character:
    case Key::left:
    case Key::right:
    case Key::tab:
    case Key::back_tab:
    case Key::enter:
    case Key::escape:
    case Key::erase: return 0;
  }
  return 0;
}

long columns_of(Key key) { return key == Key::left ? -1 : key == Key::right ? 1 : 0; }

int gravity(const Picture& picture, std::size_t n) {
  const Node& node = picture.cluster.nodes[n];
  if (picture.matrix.unreached(n)) return 0;
  return node.life == Life::dead ? 1 : node.life == Life::suspect ? 2 : node.draining ? 3 : 4;
}

// Smaller comes first: for loads, the larger.
double weight(Sort sort, const Picture& picture, std::size_t n) {
  const Node& node = picture.cluster.nodes[n];
  const auto most = [](const Number& number) { return number ? -static_cast<double>(*number) : 1.0; };
  switch (sort) {
    case Sort::name: return 0;
    case Sort::state: return gravity(picture, n);
    case Sort::links: {
      const Matrix::Count count = picture.matrix.count(n);
      return static_cast<double>(count.up) - static_cast<double>(count.expected);
    }
    case Sort::sessions: return most(node.sessions);
    case Sort::chats: return node.chats_per_s ? -*node.chats_per_s : 1.0;
    case Sort::lag: return most(node.loop_lag_us);
    case Sort::memory: return most(node.memory_bytes);
    case Sort::uptime: return node.uptime_s ? static_cast<double>(*node.uptime_s) : 1e18;
  }
  return 0;
}

}  // namespace

std::string_view word(Sort sort) {
  switch (sort) {
    case Sort::name: return "name";
    case Sort::state: return "state";
    case Sort::links: return "links down";
    case Sort::sessions: return "sessions";
    case Sort::chats: return "chats/s";
    case Sort::lag: return "lag";
    case Sort::memory: return "memory";
    case Sort::uptime: return "uptime";
  }
  return "";
}

std::vector<std::size_t> node_rows(const View& view, const Picture& picture) {
  std::vector<std::size_t> rows;
  for (std::size_t n = 0; n < picture.cluster.nodes.size(); ++n)
    if (has(picture.cluster.nodes[n].name, view.filter)) rows.push_back(n);
  std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
    return weight(view.sort, picture, a) < weight(view.sort, picture, b);
  });
  if (view.reversed) std::reverse(rows.begin(), rows.end());
  return rows;
}

// A node that nobody reaches makes no other one bad.
std::vector<std::size_t> chart_rows(const View& view, const Picture& picture) {
  const Matrix& matrix = picture.matrix;
  std::vector<bool> bad(matrix.size(), false);
  for (std::size_t from = 0; view.bad_only && from < matrix.size(); ++from) {
    if (matrix.unreached(from)) bad[from] = true;
    for (std::size_t to = 0; to < matrix.size(); ++to)
      if (matrix.at(from, to).bad() && !matrix.unreached(from) && !matrix.unreached(to)) bad[from] = bad[to] = true;
  }
  const bool all = std::find(bad.begin(), bad.end(), true) == bad.end();
  std::vector<std::size_t> rows;
  for (std::size_t n = 0; n < matrix.size(); ++n)
    if (all || bad[n]) rows.push_back(n);
  return rows;
}

std::vector<std::size_t> finding_rows(const View& view, const Picture& picture) {
  std::vector<std::size_t> rows;
  for (std::size_t n = 0; n < picture.found.size(); ++n)
    if (has(picture.found[n].text, view.filter)) rows.push_back(n);
  return rows;
}

std::vector<std::size_t> event_rows(const View& view, const Picture& picture) {
  std::vector<std::size_t> rows;
  for (std::size_t n = picture.cluster.events.size(); n-- > 0;)
    if (has(in_words(picture.cluster.events[n]), view.filter)) rows.push_back(n);
  return rows;
}

std::size_t selected_node(const View& view, const Picture& picture) {
  const std::vector<std::size_t> rows = node_rows(view, picture);
  const std::size_t node = picture.cluster.find(view.node);
  if (rows.empty()) return picture.cluster.nodes.size();
  return std::find(rows.begin(), rows.end(), node) == rows.end() ? rows.front() : node;
}

Ends selected_link(const View& view, const Picture& picture) {
  const std::vector<std::size_t> rows = chart_rows(view, picture);
  const auto shown = [&rows](std::size_t node) { return std::find(rows.begin(), rows.end(), node) != rows.end(); };
  const Ends ends{picture.cluster.find(view.from), picture.cluster.find(view.to)};
  if (shown(ends.from) && shown(ends.to)) return ends;
  for (const std::size_t from : rows)
    for (const std::size_t to : rows)
      if (picture.matrix.at(from, to).bad()) return {from, to};
  return {rows.front(), rows.size() > 1 ? rows[1] : rows.front()};
}

std::string in_words(const Event& event) {
  std::string what = event.what;
  std::replace(what.begin(), what.end(), '_', ' ');
  std::string text = tool::printable(event.node) + "  " + tool::printable(what);
  if (!event.peer.empty()) text += "  " + tool::printable(event.peer);
  if (!event.why.empty()) text += ": " + tool::printable(event.why);
  return text;
}

Wish View::type(Press press) {
  if (press.key == Key::enter || press.key == Key::escape) typing = false;
  if (press.key == Key::escape) filter.clear();
  if (press.key == Key::erase && !filter.empty()) filter.pop_back();
  if (press.key == Key::character && press.character > ' ' && filter.size() < filter_bytes_max)
    filter += press.character;
  return Wish::none;
}

Wish View::command(char character) {
  switch (character) {
    case 'q': return Wish::quit;
    case 'r': return Wish::look;
    case '?': help = true; break;
    case '/': typing = true; break;
    case 'b': bad_only = !bad_only; break;
    case 's': sort = static_cast<Sort>((static_cast<int>(sort) + 1) % sorts); break;
    case 'S': reversed = !reversed; break;
    default: break;
  }
  return Wish::none;
}

Wish View::press(Press press, const Picture* picture, int page) {
  if (typing) return type(press);
  if (help) {
    help = false;
    return press.character == 'q' ? Wish::quit : Wish::none;
  }
  // As in vi.
  if (press.key == Key::character) {
    constexpr std::pair<char, Key> moves[] = {{'h', Key::left},  {'j', Key::down}, {'k', Key::up},
                                              {'l', Key::right}, {'g', Key::home}, {'G', Key::end}};
    for (const auto& [letter, key] : moves)
      if (press.character == letter) press = {key};
  }
  switch (press.key) {
    case Key::character: return command(press.character);
    case Key::tab: focus = static_cast<Pane>((static_cast<int>(focus) + 1) % panes); break;
    case Key::back_tab: focus = static_cast<Pane>((static_cast<int>(focus) + panes - 1) % panes); break;
    case Key::escape: filter.clear(); break;
    case Key::erase: break;
    case Key::up:
    case Key::down:
    case Key::left:
    case Key::right:
    case Key::page_up:
    case Key::page_down:
    case Key::home:
    case Key::end:
    case Key::enter:
      if (picture != nullptr) move(press, *picture, page);
      break;
  }
  return Wish::none;
}

void View::move(Press press, const Picture& picture, int page) {
  const std::vector<Node>& nodes = picture.cluster.nodes;
  const long rows = rows_of(press.key, page);
  switch (focus) {
    case Pane::nodes: {
      const std::vector<std::size_t> shown = node_rows(*this, picture);
      if (shown.empty()) return;
      const auto at = std::find(shown.begin(), shown.end(), picture.cluster.find(node));
      const std::size_t row = at == shown.end() ? 0 : static_cast<std::size_t>(at - shown.begin());
      node = nodes[shown[stepped(row, rows, shown.size())]].name;
      return;
    }
    case Pane::links: {
      const std::vector<std::size_t> shown = chart_rows(*this, picture);
      const Ends at = selected_link(*this, picture);
      const auto moved = [&shown](std::size_t end, long step) {
        const auto place = std::find(shown.begin(), shown.end(), end) - shown.begin();
        return shown[stepped(static_cast<std::size_t>(place), step, shown.size())];
      };
      from = nodes[moved(at.from, rows)].name;
      to = nodes[moved(at.to, columns_of(press.key))].name;
      return;
    }
    case Pane::findings: {
      const std::vector<std::size_t> shown = finding_rows(*this, picture);
      finding = stepped(finding, rows, shown.size());
      if (press.key != Key::enter || shown.empty() || !picture.found[shown[finding]].from) return;
      // To where it is to be seen.
      const Finding& about = picture.found[shown[finding]];
      from = node = nodes[*about.from].name;
      to = nodes[about.to].name;
      focus = from == to ? Pane::nodes : Pane::links;
      return;
    }
    case Pane::events: event = stepped(event, rows, event_rows(*this, picture).size()); return;
  }
}

}  // namespace peek
