#include "src/chat/trail.h"

#include <algorithm>
#include <limits>

namespace chat {

static_assert((Trail::entries_max & (Trail::entries_max - 1)) == 0, "the count of entries goes round evenly");

Trail::Name::Name(std::string_view id) : length(static_cast<std::uint32_t>(id.size())) {
  const std::size_t half = ends.size() / 2;
  const std::string_view front = id.substr(0, id.size() <= ends.size() ? ends.size() : half);
  const std::string_view back = id.substr(id.size() <= ends.size() ? id.size() : id.size() - half);
  std::copy(back.begin(), back.end(), std::copy(front.begin(), front.end(), ends.begin()));
}

Trail::Entry Trail::note(std::string_view id, const Step& step) {
  if (++newest_ == 0) ++newest_;
  if (ring_.size() < entries_max) ring_.emplace_back();
  ring_[newest_ % entries_max] = {Name(id), 1, step.at_ms, {{{0, step.what, step.outcome, step.place}}}};
  return newest_;
}

bool Trail::add(Entry entry, const Step& step) {
  if (entry == 0 || newest_ - entry >= entries_max) return false;
  Record& record = ring_[entry % entries_max];
  const std::int64_t later_ms = std::max(step.at_ms - record.at_ms, std::int64_t{0});
  if (record.steps == steps_max || later_ms > std::numeric_limits<std::uint32_t>::max()) return false;
  record.step[record.steps++] = {static_cast<std::uint32_t>(later_ms), step.what, step.outcome, step.place};
  return true;
}

std::vector<Trail::Step> Trail::of(std::string_view id) const {
  const Name name(id);
  std::vector<Step> steps;
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    const Record& record = ring_[(newest_ + 1 + i) % ring_.size()];  // the oldest, or none yet, first
    if (!(record.name == name)) continue;
    for (std::size_t n = 0; n < record.steps; ++n) {
      const Brief& brief = record.step[n];
      steps.push_back({record.at_ms + brief.later_ms, brief.what, brief.outcome, brief.place});
    }
  }
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.at_ms < b.at_ms; });
  if (steps.size() > found_max) steps.erase(steps.begin(), steps.end() - static_cast<std::ptrdiff_t>(found_max));
  return steps;
}

}  // namespace chat
