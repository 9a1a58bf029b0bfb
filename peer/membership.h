// Who should be there, judged from the set of nodes and the leases in Redis.
//
// The mesh asks it after every look at Redis; what it answers is acted on
// elsewhere. Three rules (PROTOCOL.md §4, DESIGN.md §5):
//   - a lease that bears another address makes an entry of that name stale;
//   - a node is dead when its lease is gone and its link is down, both for a
//     while, as seen over a Redis session of mine that has been sound meanwhile:
//     never for want of a lease alone, nor for a link that drops for a moment,
//     nor because Redis was away;
//   - an entry that never had a lease is a stranger: dialled for a while, then
//     taken out unless it proved to be a node.
//
// Pure; owned by the mesh.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/ids.h"
#include "peer/self.h"
#include "peer/time.h"

namespace peer {

// What stands in a node's lease.
struct Lease {
  Incarnation incarnation{};
  Address peer;
};

// One member of the set, as just read, with the lease of its name if there is one.
struct Listed {
  Member member;
  std::optional<Lease> lease;
};

class Membership {
 public:
  explicit Membership(const Self& self) : self_(&self) {}

  struct Verdict {
    std::vector<Listed> present;        // to be linked with
    std::vector<Member> take_out;       // of the set, if it still says so (compare and delete)
    std::vector<std::string> given_up;  // declared dead
  };
  // `linked(name)`: is any link with that node alive? `known`: the nodes in the
  // mesh's table that are not given up.
  Verdict review(const std::vector<Listed>& view, const std::vector<std::string>& known,
                 const std::function<bool(std::string_view)>& linked, Time now);

  // My Redis session is gone: nothing that was seen to be missing counts.
  void session_lost() { watched_.clear(); }

 private:
  struct Watched {
    bool had_lease = false;
    Time missing_since = never;   // listed, but with neither lease nor link
    Time unlisted_since = never;  // in the table, but neither listed nor linked
  };
  void review_unlisted(const std::vector<Listed>& view, const std::vector<std::string>& known,
                       const std::function<bool(std::string_view)>& linked, Time now, Verdict& verdict);

  const Self* self_;
  std::map<std::string, Watched, std::less<>> watched_;
};

}  // namespace peer
