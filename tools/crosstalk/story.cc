#include "tools/crosstalk/story.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "tools/common/json.h"
#include "tools/crosstalk/render.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

using tool::text_of;

struct Step {
  double at = 0;  // ms since the epoch
  std::string node;
  std::string what;
  std::string to;
  std::string from;
  std::string by;
  std::string outcome;
  std::string people;  // from whom to whom
};

Step read_step(const cJSON* object) {
  Step step;
  // Beyond this it is no time.
  constexpr double last = 253402300799999;
  if (const double at = tool::number_of(object, "at").value_or(0); std::fabs(at) <= last) step.at = at;
  step.node = shown(text_of(object, "node"));
  step.what = shown(text_of(object, "what"));
  step.to = shown(text_of(object, "to"));
  step.from = shown(text_of(object, "from"));
  step.by = shown(text_of(object, "by"));
  step.outcome = shown(text_of(object, "outcome"));
  const std::string sender = text_of(object, "sender");
  const std::string recipient = text_of(object, "recipient");
  if (!sender.empty()) step.people = "from " + shown(sender);
  if (!recipient.empty()) step.people += (step.people.empty() ? "to " : " to ") + shown(recipient);
  return step;
}

// "+12 ms", "-1 ms" (clocks differ), "+3.2 s".
std::string since(double ms) {
  std::array<char, 40> text{};
  if (std::fabs(ms) < 10'000)
    std::snprintf(text.data(), text.size(), "%+.*f ms", ms == std::floor(ms) ? 0 : 1, ms);
  else
    std::snprintf(text.data(), text.size(), "%+.1f s", ms / 1000);
  return text.data();
}

std::string to_the_right(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

std::string what_of(const Step& step) {
  std::string text = step.what;
  if (!step.to.empty()) text += " to " + step.to;
  if (!step.from.empty()) text += " from " + step.from;
  if (!step.by.empty()) text += " by " + step.by;
  if (!step.outcome.empty()) text += ": " + step.outcome;
  return text;
}

}  // namespace

std::optional<std::vector<std::string>> story_for_people(std::string_view json) {
  const tool::Json root = tool::parse_json(json);
  const cJSON* const list = tool::item_of(root.get(), "steps");
  if (!cJSON_IsArray(list)) return std::nullopt;
  std::vector<Step> steps;
  const cJSON* object = nullptr;
  cJSON_ArrayForEach(object, list) steps.push_back(read_step(object));
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.at < b.at; });

  // An id names a chat for each sender and recipient: there may be several.
  std::string people;
  for (const Step& step : steps)
    if (people.empty()) people = step.people;
  std::size_t node_width = 0;
  for (const Step& step : steps) node_width = std::max(node_width, step.node.size());
  std::vector<std::string> lines{shown(text_of(root.get(), "id")) + (people.empty() ? "" : " ") + people};
  for (const Step& step : steps) {
    const bool first = &step == &steps.front();
    const std::string when = first ? local_time(static_cast<std::int64_t>(step.at)) : since(step.at - steps.front().at);
    std::string line = to_the_right(when, 25) + "  " + step.node;
    line += std::string(node_width - step.node.size() + 2, ' ') + what_of(step);
    if (!step.people.empty() && step.people != people) line += " (" + step.people + ")";
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace crosstalk
