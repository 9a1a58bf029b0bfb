// The accepted connections that have not proven who they are.
//
// So many wait here and no more; with one more the oldest goes. A peer needs two
// round trips, so it is through before a crowd of strangers can push it out.
// Pure; owned by the mesh, which closes what is answered here.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "peer/reception.h"
#include "peer/self.h"

namespace peer {

class Lobby {
 public:
  static constexpr std::size_t waiting_max = 64;

  Lobby(const Self& self, Chance& chance) : self_(&self), chance_(&chance) {}

  // Ids rise with time. The answer is the one that had to go; 0: nobody.
  ConnId take_in(ConnId id, std::string_view remote, Time now);

  // Null where it does not wait here. Good until it leaves.
  Reception* find(ConnId id);

  // It was let in, was refused, or is gone. False: it did not wait here.
  bool leave(ConnId id) { return waiting_.erase(id) > 0; }

  // Those whose time is over; they have left.
  std::vector<ConnId> overdue(Time now);
  Time wake_at() const { return waiting_.empty() ? never : waiting_.begin()->second.deadline(); }

 private:
  const Self* self_;
  Chance* chance_;
  std::map<ConnId, Reception> waiting_;  // the oldest first, so by deadline too
};

}  // namespace peer
