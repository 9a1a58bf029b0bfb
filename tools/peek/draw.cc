#include "tools/peek/draw.h"

#include <algorithm>
#include <array>

#include "tools/common/printable.h"
#include "tools/peek/chart.h"
#include "tools/peek/figures.h"
#include "tools/peek/layout.h"
#include "tools/peek/table.h"

namespace peek {

namespace {

constexpr std::array<std::string_view, 21> help_lines = {
    "Tab, Shift-Tab   next pane, previous one      q   quit",
    "arrows, h j k l  select, scroll               r   look again at once",
    "PgUp PgDn        by pages                     s   sort nodes by the next key",
    "Home End, g G    first, last                  S   turn the order around",
    "Enter            to what a finding is about   /   filter, Escape ends it",
    "                                              b   links of bad nodes only",
    "",
    "LINKS   The row's node dials the column's; each link is judged by both ends.",
    "  .  up: both say so                    s  syncing: telling who is there",
    "  ~  up, but messages get lost          c  connecting",
    "  ?  up; the far end has not said so    b  backoff, with time to the next try",
    "  >  one way: only the dialler says up  R  refused",
    "  <  one way: only the far end has it   D  down",
    "  !  missing: expected, nobody told     \\  the node itself",
    "",
    "NODES   * has been asked. LINKS counts those up of those expected, in both",
    "  directions. LAG is the event loop's. AGE is how old it is what is known of",
    "  the node. unreached: in the set, and nobody has a link with it. unlisted:",
    "  linked, and not in the set. - is not known.",
    "",
    "Any key goes back.",
};

constexpr Style alarm{Colour::bad, true};

// As old as a picture gets while all goes well.
constexpr std::uint64_t recent_ms = 2500;

void draw_title(const Area& area, const View& view, Pane pane, const std::string& text, bool bad) {
  const bool focused = view.focus == pane;
  const Style style{bad ? Colour::bad : Colour::calm, focused, focused};
  for (int x = 0; x < area.width(); ++x) area.put(x, 0, area.marks().rule(), {Colour::calm, focused});
  if (focused) area.put(0, 0, area.marks().focus(), {Colour::calm, true});
  area.put(2, 0, " " + text + " ", style, area.width() - 3);
}

std::string filtered(const View& view, std::size_t shown, std::size_t all) {
  if (view.filter.empty()) return std::to_string(all);
  return std::to_string(shown) + " of " + std::to_string(all) + " with \"" + view.filter + "\"";
}

// The first row shown so that the selected one is in sight, near the middle.
std::size_t top_of(std::size_t rows, int room, std::size_t selected) {
  const auto fits = static_cast<std::size_t>(std::max(room, 1));
  if (rows <= fits || selected < fits / 2) return 0;
  return std::min(selected - fits / 2, rows - fits);
}

void draw_nodes(const Area& area, const View& view, const Picture& picture) {
  const std::vector<std::size_t> rows = node_rows(view, picture);
  draw_title(area, view, Pane::nodes,
             "Nodes " + filtered(view, rows.size(), picture.cluster.nodes.size()) + ", by " +
                 std::string(word(view.sort)) + (view.reversed ? ", reversed" : ""),
             false);
  const Area body = area.part(0, 1, area.width(), area.height() - 1);
  const bool focused = view.focus == Pane::nodes;
  const std::size_t selected = selected_node(view, picture);
  const int whole = static_cast<int>(rows.size()) + 1;
  const int wanted = rows.empty() ? 0 : particulars_lines(area.width());
  const int lines = focused ? wanted : std::clamp(body.height() - whole, 0, wanted);
  const int room = std::max(body.height() - lines, 0);
  const auto row = static_cast<std::size_t>(std::find(rows.begin(), rows.end(), selected) - rows.begin());
  draw_table(body.part(0, 0, body.width(), room), picture, rows, top_of(rows.size(), room - 1, focused ? row : 0),
             focused ? std::optional(selected) : std::nullopt);
  if (lines > 0) body.wrap(std::min(room, whole), particulars(picture, selected), lines);
}

void draw_links(const Area& area, const View& view, const Picture& picture) {
  const Matrix::Count count = picture.matrix.count();
  const std::vector<std::size_t> rows = chart_rows(view, picture);
  const std::string only = view.bad_only ? ", only the nodes with bad ones" : "";
  draw_title(
      area, view, Pane::links,
      "Links " + std::to_string(count.up) + " up of " + std::to_string(count.expected) + ", rows dial columns" + only,
      count.up < count.expected);
  const Area body = area.part(0, 1, area.width(), area.height() - 1);
  const bool focused = view.focus == Pane::links;
  const Ends selected = selected_link(view, picture);
  const int whole = chart_heading(picture, rows.size(), area.width()) + static_cast<int>(rows.size());
  const int wanted = 1 + particulars_lines(area.width());
  const int below = focused ? wanted : std::clamp(body.height() - whole, 0, wanted);
  const int room = std::max(body.height() - below, 0);
  draw_chart(body.part(0, 0, body.width(), room), picture, rows, focused ? std::optional(selected) : std::nullopt);
  const int y = std::min(room, whole);
  if (below > 0) body.put(0, y, marks_in_use(picture, area.marks(), body.width()), {Colour::calm});
  if (below > 1) body.wrap(y + 1, particulars(picture, selected), below - 1);
}

void draw_findings(const Area& area, const View& view, const Picture& picture) {
  const std::vector<std::size_t> rows = finding_rows(view, picture);
  const auto wrong =
      std::count_if(picture.found.begin(), picture.found.end(), [](const Finding& f) { return f.wrong; });
  const std::size_t odd = picture.found.size() - static_cast<std::size_t>(wrong);
  std::string title = "Nothing is wrong";
  if (wrong > 0) title = "Wrong " + std::to_string(wrong) + ", noticed " + std::to_string(odd);
  if (wrong == 0 && odd > 0) title = "Noticed " + std::to_string(odd);
  if (!view.filter.empty()) title += ", " + std::to_string(rows.size()) + " with \"" + view.filter + "\"";
  draw_title(area, view, Pane::findings, title, wrong > 0);
  const Area body = area.part(0, 1, area.width(), area.height() - 1);
  const bool focused = view.focus == Pane::findings;
  const std::size_t selected = rows.empty() ? 0 : std::min(view.finding, rows.size() - 1);
  const std::size_t top = top_of(rows.size(), body.height(), focused ? selected : 0);
  for (std::size_t n = top; n < rows.size() && static_cast<int>(n - top) < body.height(); ++n) {
    const Finding& finding = picture.found[rows[n]];
    const int y = static_cast<int>(n - top);
    const Style style{finding.wrong ? Colour::bad : Colour::warn};
    body.put(0, y, finding.wrong ? "! " : "- ", style);
    body.put(2, y, finding.text, style, body.width() - 2);
    if (focused && n == selected) body.paint(y, {style.colour, false, true});
  }
}

void draw_events(const Area& area, const View& view, const Picture& picture) {
  const std::vector<std::size_t> rows = event_rows(view, picture);
  draw_title(area, view, Pane::events,
             "Events at " + tool::printable(picture.cluster.node) + " " +
                 filtered(view, rows.size(), picture.cluster.events.size()) + ", newest first",
             false);
  const Area body = area.part(0, 1, area.width(), area.height() - 1);
  const bool focused = view.focus == Pane::events;
  const std::size_t selected = rows.empty() ? 0 : std::min(view.event, rows.size() - 1);
  const std::size_t top = top_of(rows.size(), body.height(), focused ? selected : 0);
  for (std::size_t n = top; n < rows.size() && static_cast<int>(n - top) < body.height(); ++n) {
    const Event& event = picture.cluster.events[rows[n]];
    const int y = static_cast<int>(n - top);
    body.put(0, y, event.at ? time_of_day(*event.at) : "--:--:--", {Colour::calm});
    body.put(10, y, in_words(event), {}, body.width() - 10);
    if (focused && n == selected) body.paint(y, {Colour::plain, false, true});
  }
}

void draw_heading(const Area& area, const Picture* picture, const Status& status) {
  if (picture == nullptr) {
    area.put(0, 0, status.trouble.empty() ? "looking at " + status.place + " ..." : status.place + " does not answer",
             {Colour::plain, true});
  } else {
    const bool wrong =
        std::any_of(picture->found.begin(), picture->found.end(), [](const Finding& f) { return f.wrong; });
    const int x = area.put(0, 0, wrong ? " NOT WHOLE " : " whole ", {wrong ? Colour::bad : Colour::good, true, true});
    area.put(x + 1, 0, summary(*picture), {Colour::plain, true}, area.width() - x - 1);
    area.put(0, 1, witness(*picture, status), {}, area.width());
  }
  if (status.trouble.empty())
    area.wrap(2, status.remark, 2, {Colour::warn, true});
  else
    area.wrap(picture == nullptr ? 1 : 2, status.trouble + "; trying on", 2, alarm);
}

void draw_keys(const Area& area, const View& view) {
  if (view.typing) {
    const int x = area.put(0, 0, "filter: " + view.filter, {Colour::plain, true});
    area.put(x, 0, U' ', {Colour::plain, false, true});
    area.put(x + 3, 0, "Enter keeps it, Escape ends it", {Colour::calm});
    return;
  }
  area.put(0, 0, "Tab pane   arrows select   s sort   / filter   b bad links   ? help   q quit", {Colour::calm});
}

void draw_help(const Area& area) {
  int y = 0;
  area.put(0, y++, "cluster-peek " CROSSTALK_VERSION, {Colour::plain, true});
  ++y;
  for (const std::string_view line : help_lines) area.put(0, y++, line);
}

void draw_pane(const Area& area, const View& view, const Picture& picture, Pane pane) {
  switch (pane) {
    case Pane::nodes: draw_nodes(area, view, picture); return;
    case Pane::links: draw_links(area, view, picture); return;
    case Pane::findings: draw_findings(area, view, picture); return;
    case Pane::events: draw_events(area, view, picture); return;
  }
}

int heading_lines(const Status& status) { return status.trouble.empty() && status.remark.empty() ? 2 : 4; }

}  // namespace

std::string summary(const Picture& picture) {
  const Cluster& cluster = picture.cluster;
  std::uint64_t sessions = 0;
  double chats = 0;
  std::size_t expected = 0;
  std::size_t seen = 0;
  for (std::size_t n = 0; n < cluster.nodes.size(); ++n) {
    sessions += cluster.nodes[n].sessions.value_or(0);
    chats += cluster.nodes[n].chats_per_s.value_or(0);
    if (!cluster.nodes[n].listed) continue;
    ++expected;
    if (!picture.matrix.unreached(n)) ++seen;
  }
  std::string text = tool::printable(cluster.name) + "  " + std::to_string(seen) + " of " + std::to_string(expected) +
                     " nodes  " + count(sessions) + " sessions  " + rate(chats) + " chats/s  Redis " +
                     (cluster.redis.empty() ? "-" : tool::printable(cluster.redis));
  if (cluster.redis_latency_us) text += " " + span_us(*cluster.redis_latency_us);
  return text;
}

std::string witness(const Picture& picture, const Status& status) {
  return "says " + tool::printable(picture.cluster.node) + " at " + status.asked + ", " +
         (status.age_ms < recent_ms ? "just now" : span_ms(status.age_ms) + " ago");
}

int page_of(const View& view, const Picture* picture, int width, int height) {
  if (picture == nullptr) return 1;
  return std::max(
      lay_out(view, *picture, width, height - heading_lines({}) - 1)[static_cast<std::size_t>(view.focus)].height - 2,
      1);
}

Grid draw(const View& view, const Picture* picture, const Status& status, int width, int height, Marks marks) {
  Grid grid(width, height);
  const Area all(grid, marks, 0, 0, width, height);
  if (view.help) {
    draw_help(all);
    return grid;
  }
  const int heading = heading_lines(status);
  draw_heading(all.part(0, 0, width, heading), picture, status);
  draw_keys(all.part(0, height - 1, width, 1), view);
  if (picture == nullptr) return grid;
  const Area middle = all.part(0, heading, width, height - heading - 1);
  const Places places = lay_out(view, *picture, middle.width(), middle.height());
  for (std::size_t n = 0; n < places.size(); ++n)
    draw_pane(middle.part(places[n].x, places[n].y, places[n].width, places[n].height), view, *picture,
              static_cast<Pane>(n));
  return grid;
}

}  // namespace peek
