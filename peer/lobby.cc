#include "peer/lobby.h"

#include <tuple>
#include <utility>

namespace peer {

ConnId Lobby::take_in(ConnId id, std::string_view remote, Time now) {
  waiting_.emplace(std::piecewise_construct, std::forward_as_tuple(id),
                   std::forward_as_tuple(*self_, *chance_, std::string(remote), now));
  if (waiting_.size() <= waiting_max) return 0;
  const ConnId oldest = waiting_.begin()->first;
  waiting_.erase(waiting_.begin());
  return oldest;
}

Reception* Lobby::find(ConnId id) {
  const auto at = waiting_.find(id);
  return at == waiting_.end() ? nullptr : &at->second;
}

std::vector<ConnId> Lobby::overdue(Time now) {
  std::vector<ConnId> gone;
  while (wake_at() <= now && !waiting_.empty()) {
    gone.push_back(waiting_.begin()->first);
    waiting_.erase(waiting_.begin());
  }
  return gone;
}

}  // namespace peer
