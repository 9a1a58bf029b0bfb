// For whom this node has stored a chat lately, and which nodes know of it: who
// logs in there, or was about to, has to look into the mailbox once more, and
// before any chat that is sent there directly.
//
// A value that remembers; owned by the router, which does the waking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "peer/self.h"
#include "peer/time.h"

namespace chat {

class Wakes {
 public:
  // A login that this node has not heard of yet, when it stored, it hears of in
  // this time (DESIGN.md §6).
  static constexpr peer::Millis kept{30'000};
  // Users at a time. Who is beyond it is found by the next login or wake.
  static constexpr std::size_t all_max = 100'000;

  bool empty() const { return recent_.empty(); }

  // Something was stored.
  void note(std::uint64_t user, std::string_view name, peer::Time now);

  // True where that node has not been told since the last note; from now on it
  // has.
  bool due(std::uint64_t user, peer::PeerId at);
  bool known(std::uint64_t user) const { return recent_.contains(user); }

  // Forgets what is too old, but not what `keep(user)` asks to keep.
  template <class Keep>
  void sweep(peer::Time now, Keep&& keep) {
    for (auto at = recent_.begin(); at != recent_.end();)
      at = now - at->second.at < kept || keep(at->first) ? std::next(at) : recent_.erase(at);
  }

  template <class Each>
  void each(Each&& each) const {
    for (const auto& [user, recent] : recent_) each(user, recent.name);
  }

 private:
  struct Recent {
    std::string name;
    peer::Time at{0};
    peer::PeerId told = peer::no_peer;
  };
  std::unordered_map<std::uint64_t, Recent> recent_;
};

}  // namespace chat
