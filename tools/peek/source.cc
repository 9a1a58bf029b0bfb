#include "tools/peek/source.h"

#include <algorithm>

#include "tools/common/printable.h"

namespace peek {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Those that refused it are told; of many, the first.
std::string nobody(const NodeSet& set, std::size_t asked, const std::string& first_why) {
  const std::string nodes = std::to_string(set.members.size()) + (set.members.size() == 1 ? " node" : " nodes");
  if (set.doors.empty()) return "no lease of the " + nodes + " in the set says where it answers HTTP";
  return "none of the " + std::to_string(asked) + " asked, of " + nodes + " in the set, answers; " + first_why;
}

}  // namespace

std::string Source::place() const { return redis_ ? "Redis at " + to_string(redis_->address) : to_string(http_); }

Source::Look Source::ask(const tool::Address& at, milliseconds timeout) const {
  auto answer = tool::ask({at, token_}, "GET", "/v1/cluster", "", timeout);
  if (!answer) return tool::Failure{to_string(at) + ": " + answer.why()};
  tool::Result<Cluster> cluster = parse_cluster(answer->body);
  if (!cluster) return tool::Failure{to_string(at) + ": " + cluster.why()};
  if (redis_ && cluster->name != cluster_)
    return tool::Failure{to_string(at) + ": a node of cluster \"" + tool::printable(cluster->name) +
                         "\" answers there"};
  return Sighting{std::move(*cluster), std::move(answer->body), set_.members, at, Clock::now()};
}

Source::Look Source::look(milliseconds patience) { return redis_ ? look_around(patience) : ask(http_, patience); }

Source::Look Source::look_around(milliseconds patience) {
  const Clock::time_point deadline = Clock::now() + 4 * patience;
  tool::Result<NodeSet> set = read_set(*redis_, cluster_, patience);
  std::string remark = set ? "" : set.why();
  if (!set && set_.members.empty()) return tool::Failure{set.why()};
  if (set) set_ = std::move(*set);
  if (set_.members.empty()) return tool::Failure{"no node in the set of cluster \"" + cluster_ + "\""};
  // The one that has answered last first; else in order.
  std::stable_partition(set_.doors.begin(), set_.doors.end(), [this](const Door& door) { return door.http == http_; });
  std::string first_why;
  std::size_t asked = 0;
  for (const Door& door : set_.doors) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    if (left <= milliseconds(0)) break;
    Look look = ask(door.http, std::min(left, patience));
    if (look) {
      http_ = door.http;
      expect(look->cluster, set_.members);
      look->remark = remark.empty() ? first_why : remark;
      return look;
    }
    if (asked++ == 0) first_why = door.node + " at " + look.why();
  }
  return tool::Failure{nobody(set_, asked, first_why)};
}

}  // namespace peek
