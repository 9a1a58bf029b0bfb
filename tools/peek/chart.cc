#include "tools/peek/chart.h"

#include <algorithm>

#include "tools/common/printable.h"
#include "tools/common/utf8.h"
#include "tools/peek/figures.h"

namespace peek {

namespace {

constexpr int name_width_max = 12;
constexpr int detailed = 8;

int digits(std::size_t number) { return static_cast<int>(std::to_string(number).size()); }

// How everything is spaced.
struct Spacing {
  int number;   // columns of a node's number
  int name;     // and of its name
  int cell;     // of a link: 8 with its figure, 4, 2 or 1
  int heading;  // lines

  int label() const { return number + 1 + name + 1; }
};

Spacing spacing(const Picture& picture, std::size_t size, int width) {
  Spacing spacing{digits(picture.matrix.size()), 1, 1, 1};
  for (const Node& node : picture.cluster.nodes)
    spacing.name = std::max(spacing.name, static_cast<int>(tool::printable(node.name).size()));
  spacing.name = std::min(spacing.name, name_width_max);
  for (const int cell : {detailed, 4, 2}) {
    if (spacing.label() + static_cast<int>(size) * cell > width) continue;
    spacing.cell = cell;
    break;
  }
  if (spacing.cell <= 2) spacing.heading = spacing.number;
  return spacing;
}

Style style_of(const Cell& cell) {
  switch (cell.sight) {
    case Sight::self:
    case Sight::none: return {};
    case Sight::up: return {Colour::good};
    case Sight::syncing:
    case Sight::connecting:
    case Sight::unconfirmed: return {Colour::warn, true};
    case Sight::lost:
    case Sight::only_from:
    case Sight::only_to:
    case Sight::backoff:
    case Sight::refused:
    case Sight::down:
    case Sight::missing: return {cell.expected ? Colour::bad : Colour::warn, true};
  }
  return {};
}

std::string figure(const Cell& cell) {
  if (cell.link == nullptr) return "";
  if (cell.sight == Sight::up && cell.link->rtt_us) return span_us(*cell.link->rtt_us);
  if (cell.sight == Sight::backoff && cell.link->next_try_ms) return span_ms(*cell.link->next_try_ms);
  return "";
}

// The first that is shown, so that `kept` is, near the middle.
std::size_t first_shown(std::size_t size, int room, std::size_t kept) {
  const auto fits = static_cast<std::size_t>(std::max(room, 1));
  if (size <= fits || kept < fits / 2) return 0;
  return std::min(kept - fits / 2, size - fits);
}

// Places are those in the list of nodes that are shown.
class Chart {
 public:
  Chart(const Area& area, const Picture& picture, const std::vector<std::size_t>& nodes, std::optional<Ends> selected)
      : area_(area),
        picture_(picture),
        nodes_(nodes),
        selected_(selected),
        spacing_(spacing(picture, nodes.size(), area.width())) {
    columns_ = std::max((area.width() - spacing_.label()) / spacing_.cell, 0);
    top_ = first_shown(nodes.size(), area.height() - spacing_.heading, selected ? place_of(selected->from) : 0);
    left_ = first_shown(nodes.size(), columns_, selected ? place_of(selected->to) : 0);
  }

  void draw() const {
    if (area_.height() <= spacing_.heading) return;
    for (std::size_t to = left_; to < nodes_.size() && column_of(to) < columns_; ++to)
      draw_heading(x_of(to), nodes_[to]);
    for (std::size_t from = top_; from < nodes_.size() && line_of(from) < area_.height(); ++from) {
      draw_label(line_of(from), nodes_[from]);
      for (std::size_t to = left_; to < nodes_.size() && column_of(to) < columns_; ++to)
        draw_cell(x_of(to), line_of(from), {nodes_[from], nodes_[to]});
    }
  }

 private:
  std::size_t place_of(std::size_t node) const {
    return static_cast<std::size_t>(std::find(nodes_.begin(), nodes_.end(), node) - nodes_.begin());
  }
  int column_of(std::size_t to) const { return static_cast<int>(to - left_); }
  int line_of(std::size_t from) const { return spacing_.heading + static_cast<int>(from - top_); }
  int x_of(std::size_t to) const { return spacing_.label() + column_of(to) * spacing_.cell; }

  Style label_style(std::size_t node, bool selected) const {
    return {picture_.matrix.unreached(node) ? Colour::bad : Colour::calm, selected};
  }

  // A name where it fits, else the number, in wide cells across and in narrow ones down.
  void draw_heading(int x, std::size_t to) const {
    const Style style = label_style(to, selected_ && selected_->to == to);
    const std::string number = std::to_string(to + 1);
    if (spacing_.cell > 2) {
      const std::string name = tool::printable(picture_.cluster.nodes[to].name);
      area_.put(x, 0, static_cast<int>(name.size()) < spacing_.cell ? name : number, style);
      return;
    }
    const int above = spacing_.heading - static_cast<int>(number.size());
    for (std::size_t n = 0; n < number.size(); ++n)
      area_.put(x, above + static_cast<int>(n), static_cast<char32_t>(number[n]), style);
  }

  void draw_label(int y, std::size_t from) const {
    const Style style = label_style(from, selected_ && selected_->from == from);
    area_.put_right(spacing_.number, y, std::to_string(from + 1), style, spacing_.number);
    area_.put(spacing_.number + 1, y, tool::printable(picture_.cluster.nodes[from].name), style, spacing_.name);
  }

  void draw_cell(int x, int y, Ends ends) const {
    const Cell& cell = picture_.matrix.at(ends.from, ends.to);
    Style style = style_of(cell);
    style.reverse = selected_ && selected_->from == ends.from && selected_->to == ends.to;
    area_.put(x, y, mark(cell.sight, area_.marks()), style);
    if (spacing_.cell == detailed) area_.put(x + 2, y, figure(cell), {}, detailed - 3);
  }

  const Area& area_;
  const Picture& picture_;
  const std::vector<std::size_t>& nodes_;
  std::optional<Ends> selected_;
  Spacing spacing_;
  int columns_ = 0;
  std::size_t top_ = 0;
  std::size_t left_ = 0;
};

}  // namespace

char32_t mark(Sight sight, const Marks& marks) {
  if (sight == Sight::up) return marks.up();
  if (sight == Sight::self) return marks.self();
  return static_cast<char32_t>(legend(sight).mark);
}

int chart_heading(const Picture& picture, std::size_t nodes, int width) {
  return spacing(picture, nodes, width).heading;
}

int chart_width(const Picture& picture, std::size_t nodes) {
  return spacing(picture, nodes, 0).label() + static_cast<int>(nodes);
}

int chart_width_with_figures(const Picture& picture, std::size_t nodes) {
  return spacing(picture, nodes, 0).label() + static_cast<int>(nodes) * detailed;
}

void draw_chart(const Area& area, const Picture& picture, const std::vector<std::size_t>& nodes,
                std::optional<Ends> selected) {
  Chart(area, picture, nodes, selected).draw();
}

std::string marks_in_use(const Picture& picture, const Marks& marks, int width) {
  std::u32string counted;
  std::u32string plain;
  for (std::size_t n = 0; n < sights; ++n) {
    const auto sight = static_cast<Sight>(n);
    const std::size_t number = picture.matrix.count(sight);
    if (number == 0 || sight == Sight::self || sight == Sight::none) continue;
    const std::string words = std::string(legend(sight).words);
    const std::u32string meaning = (plain.empty() ? U"" : U"  ") + std::u32string(1, mark(sight, marks)) + U" " +
                                   tool::printable_points(words, tool::Charset::ascii);
    plain += meaning;
    counted += meaning + U" " + tool::printable_points(std::to_string(number), tool::Charset::ascii);
  }
  return tool::to_utf8(counted.size() <= static_cast<std::size_t>(width) ? counted : plain);
}

std::string particulars(const Picture& picture, Ends ends) {
  const Cell& cell = picture.matrix.at(ends.from, ends.to);
  std::string text = in_words(picture.cluster, ends.from, ends.to, cell);
  if (cell.link == nullptr) return text;
  const Link& link = *cell.link;
  if (link.rtt_us) text += "; round trip " + span_us(*link.rtt_us);
  if (link.waiting_bytes) text += "; " + bytes(*link.waiting_bytes) + " waiting";
  if (link.reconnects)
    text += "; " + std::to_string(*link.reconnects) + (*link.reconnects == 1 ? " reconnect" : " reconnects");
  if (link.accepted && !picture.matrix.unreached(ends.to) && cell.sight != Sight::only_from &&
      cell.sight != Sight::only_to)
    text += *link.accepted ? "; accepted" : "; not accepted";
  if (link.canary == Canary::ok) text += "; messages pass";
  return text;
}

}  // namespace peek
