// The picture of the cluster: its nodes and the links between them, put together from
// what each node tells; and its JSON, the answer of GET /v1/cluster.
//
// A value. What is not known is left out, never guessed, and what is old is not known.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/node/events.h"
#include "src/node/hearsay.h"
#include "src/node/status.h"
#include "src/node/vitals.h"

namespace node {

struct NodeSight {
  std::string name;
  peer::Mesh::Health health{};
  bool listed = false;  // it should be there
  std::optional<peer::Incarnation> incarnation{};
  std::optional<peer::Address> peer{};
  std::optional<std::uint64_t> users{};  // where `load` is not known
  std::optional<Identity> identity{};
  std::optional<Load> load{};
  std::optional<peer::Millis> age{};  // of its last word; the node asked has none
};

// One direction between two nodes.
struct LinkSight {
  std::string from;
  std::string to;
  LinkState state{};                       // as `from` says or, where that is not known, by `accepted`
  std::optional<LinkWord> word{};          // all that `from` says
  std::optional<peer::Millis> next_try{};  // from now on
  std::optional<bool> accepted{};          // `to` says that it is there
};

struct Cluster {
  std::string node;  // that tells it
  std::string cluster;
  bool whole = false;              // every node that should be there has links with all others, and they deliver
  std::vector<NodeSight> nodes{};  // by name
  std::vector<LinkSight> links{};  // by from, then to
  Vitals::Service redis = Vitals::Service::none;
  std::optional<peer::Micros> redis_latency{};
  std::deque<Event> events{};
};

Cluster cluster_of(const Vitals& vitals, const Hearsay& hearsay, peer::Time now);

// From its own end and from the other's, as far as both are known.
bool delivers(const LinkSight& link);

std::string to_json(const Cluster& cluster);

}  // namespace node
