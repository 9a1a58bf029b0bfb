// Redis, as far as discovery goes: the set of nodes and their leases.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "peer/membership.h"
#include "tests/sim/events.h"

namespace sim {

class Registry {
 public:
  static constexpr Micros lease_lasts = std::chrono::seconds(10);

  // It would answer that node now.
  bool reachable(std::uint8_t node) const { return away_ == 0 && asleep_ == 0 && cut_[node] == 0; }
  // Its host would.
  bool path(std::uint8_t node) const { return cut_[node] == 0; }
  // Of all nodes.
  bool sound() const {
    return away_ == 0 && asleep_ == 0 && std::all_of(cut_.begin(), cut_.end(), [](int cut) { return cut == 0; });
  }

  // True where the node was not in the set.
  bool renew(const peer::Member& member, peer::Incarnation incarnation, Time now) {
    leases_[member.name] = {{incarnation, member.address}, now + lease_lasts};
    return members_.insert(member).second;
  }
  bool has(const peer::Member& member) const { return members_.contains(member); }

  std::vector<peer::Listed> view(Time now) const {
    std::vector<peer::Listed> listed;
    for (const peer::Member& member : members_) {
      peer::Listed each{member, {}};
      if (const Held* held = lease(member.name, now)) each.lease = held->lease;
      listed.push_back(std::move(each));
    }
    return listed;
  }

  // Compare and delete: only an entry that no lease supports.
  void take_out(const peer::Member& member, Time now) {
    const Held* const held = lease(member.name, now);
    if (held == nullptr || held->lease.peer != member.address) members_.erase(member);
  }
  void leave(const peer::Member& member) {
    members_.erase(member);
    leases_.erase(member.name);
  }
  void write(const peer::Member& member) { members_.insert(member); }
  void flush() {
    members_.clear();
    leases_.clear();
  }

  void set_away(int by) { away_ += by; }
  void set_asleep(int by) { asleep_ += by; }
  void set_cut(std::uint8_t node, int by) { cut_[node] += by; }
  std::size_t size() const { return members_.size(); }

 private:
  struct Held {
    peer::Lease lease;
    Time expires{0};
  };
  const Held* lease(const std::string& name, Time now) const {
    const auto at = leases_.find(name);
    return at != leases_.end() && at->second.expires > now ? &at->second : nullptr;
  }

  std::set<peer::Member> members_;
  std::map<std::string, Held> leases_;
  int away_ = 0;    // its process is gone
  int asleep_ = 0;  // it answers nobody, and does later what it was asked
  std::array<int, 8> cut_{};
};

}  // namespace sim
