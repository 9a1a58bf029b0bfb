#include "src/chat/trail.h"

#include <algorithm>

namespace chat {

Trail::Name::Name(std::string_view id) : length(id.size()) {
  const std::size_t half = ends.size() / 2;
  const std::string_view front = id.substr(0, id.size() <= ends.size() ? ends.size() : half);
  const std::string_view back = id.substr(id.size() <= ends.size() ? id.size() : id.size() - half);
  std::copy(back.begin(), back.end(), std::copy(front.begin(), front.end(), ends.begin()));
}

void Trail::note(std::string_view id, const Step& step) {
  if (ring_.size() < steps_max) return ring_.push_back({Name(id), step});
  ring_[next_] = {Name(id), step};
  next_ = (next_ + 1) % steps_max;
}

std::vector<Trail::Step> Trail::of(std::string_view id) const {
  const Name name(id);
  std::vector<Step> steps;
  for (std::size_t i = ring_.size(); i-- > 0 && steps.size() < found_max;)
    if (const Entry& entry = ring_[(next_ + i) % ring_.size()]; entry.name == name) steps.push_back(entry.step);
  std::reverse(steps.begin(), steps.end());
  return steps;
}

}  // namespace chat
