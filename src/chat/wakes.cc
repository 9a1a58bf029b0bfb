#include "src/chat/wakes.h"

#include <utility>

namespace chat {

void Wakes::note(std::uint64_t user, std::string_view name, peer::Time now) {
  if (recent_.size() >= all_max && !recent_.contains(user)) return;
  Recent& recent = recent_[user];
  recent.name = name;
  recent.at = now;
  recent.told = peer::no_peer;
}

bool Wakes::due(std::uint64_t user, peer::PeerId at) {
  const auto recent = recent_.find(user);
  return recent != recent_.end() && std::exchange(recent->second.told, at) != at;
}

}  // namespace chat
