// The picture of the cluster: its nodes and the links between them, as far as they
// are known; and its JSON, the answer of GET /v1/cluster.
//
// A value that is put together from what each node tells. What is not known is left
// out, never guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/node/vitals.h"

namespace node {

struct NodeSight {
  std::string name;
  peer::Mesh::Health health{};
  std::optional<peer::Incarnation> incarnation{};
  std::optional<peer::Address> peer{};
  std::optional<peer::Address> http{};
  std::string version{};  // empty: not known
  std::optional<std::uint64_t> uptime_s{};
  std::optional<std::uint64_t> sessions{};
  std::optional<std::uint64_t> users{};
  std::optional<std::uint64_t> rooms{};
  std::optional<double> chats_per_s{};
};

// One direction between two nodes.
struct LinkSight {
  std::string from;
  std::string to;
  std::string_view state;
  std::optional<peer::Micros> rtt{};
  std::optional<std::uint64_t> waiting_bytes{};
  std::optional<std::uint64_t> reconnects{};
  std::string why{};  // it is not up
};

struct Cluster {
  std::string node;  // that tells it
  std::string cluster;
  bool whole = false;
  std::vector<NodeSight> nodes{};  // by name
  std::vector<LinkSight> links{};  // by from, then to
  Vitals::Service redis = Vitals::Service::none;
  std::optional<peer::Micros> redis_latency{};
};

// What one node knows by itself: who is there, and the links that end in it.
Cluster cluster_of(const Vitals& vitals);

std::string to_json(const Cluster& cluster);

}  // namespace node
