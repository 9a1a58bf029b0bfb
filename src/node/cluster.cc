#include "src/node/cluster.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "src/node/json.h"

namespace node {

namespace {

NodeSight self_of(const Vitals& vitals) {
  NodeSight self{vitals.name, peer::Mesh::Health::alive, vitals.incarnation, vitals.peer, vitals.http};
  self.version = CROSSTALK_VERSION;
  self.uptime_s = static_cast<std::uint64_t>(vitals.uptime.count()) / 1000;
  self.sessions = vitals.users;  // one a user
  self.users = vitals.users;
  self.rooms = 0;
  self.chats_per_s = vitals.chats_per_s;
  return self;
}

NodeSight sight_of(const peer::Mesh::PeerView& peer) {
  NodeSight sight{peer.name, peer.health};
  if (peer.incarnation != peer::Incarnation::none) sight.incarnation = peer.incarnation;
  sight.peer = peer.address;
  if (peer.synced || peer.accepts) sight.users = peer.users;
  return sight;
}

LinkSight link_to(const Vitals& vitals, const peer::Mesh::PeerView& peer) {
  LinkSight link{vitals.name, peer.name, link_word(peer)};
  if (peer.state == peer::OutLink::State::up) link.rtt = peer.rtt;
  link.waiting_bytes = peer.waiting_bytes;
  link.reconnects = peer.reconnects;
  if (!peer.synced) link.why = peer.why;
  return link;
}

// How it is at its other end only that knows; here it is seen to be there or not.
LinkSight link_from(const Vitals& vitals, const peer::Mesh::PeerView& peer) {
  return {peer.name, vitals.name, peer.accepts ? "up" : "down"};
}

void put(cJSON* into, const char* key, std::string_view text) {
  cJSON_AddStringToObject(into, key, std::string(text).c_str());
}
void put(cJSON* into, const char* key, const std::optional<peer::Address>& address) {
  if (address) put(into, key, to_string(*address));
}
void put(cJSON* into, const char* key, const std::optional<std::uint64_t>& number) {
  if (number) cJSON_AddNumberToObject(into, key, static_cast<double>(*number));
}
void put(cJSON* into, const char* key, const std::optional<peer::Micros>& span) {
  if (span) cJSON_AddNumberToObject(into, key, static_cast<double>(span->count()));
}

void put_node(cJSON* list, const NodeSight& sight) {
  cJSON* const node = cJSON_CreateObject();
  cJSON_AddItemToArray(list, node);
  put(node, "name", sight.name);
  put(node, "state", word(sight.health));
  if (sight.incarnation) put(node, "incarnation", to_string(*sight.incarnation));
  put(node, "peer", sight.peer);
  put(node, "http", sight.http);
  if (!sight.version.empty()) put(node, "version", sight.version);
  put(node, "uptime_s", sight.uptime_s);
  put(node, "sessions", sight.sessions);
  put(node, "users", sight.users);
  put(node, "rooms", sight.rooms);
  if (sight.chats_per_s) cJSON_AddNumberToObject(node, "chats_per_s", *sight.chats_per_s);
}

void put_link(cJSON* list, const LinkSight& sight) {
  cJSON* const link = cJSON_CreateObject();
  cJSON_AddItemToArray(list, link);
  put(link, "from", sight.from);
  put(link, "to", sight.to);
  put(link, "state", sight.state);
  put(link, "rtt_us", sight.rtt);
  put(link, "waiting_bytes", sight.waiting_bytes);
  put(link, "reconnects", sight.reconnects);
  if (!sight.why.empty()) put(link, "why", sight.why);
}

}  // namespace

Cluster cluster_of(const Vitals& vitals) {
  Cluster cluster{vitals.name, vitals.cluster};
  cluster.whole = true;
  cluster.nodes.push_back(self_of(vitals));
  for (const peer::Mesh::PeerView& peer : vitals.peers) {
    cluster.nodes.push_back(sight_of(peer));
    cluster.links.push_back(link_to(vitals, peer));
    cluster.links.push_back(link_from(vitals, peer));
    if (peer.listed && !(peer.synced && peer.accepts)) cluster.whole = false;
  }
  std::sort(cluster.nodes.begin(), cluster.nodes.end(),
            [](const NodeSight& a, const NodeSight& b) { return a.name < b.name; });
  std::sort(cluster.links.begin(), cluster.links.end(),
            [](const LinkSight& a, const LinkSight& b) { return std::tie(a.from, a.to) < std::tie(b.from, b.to); });
  cluster.redis = vitals.redis;
  cluster.redis_latency = vitals.redis_latency;
  return cluster;
}

std::string to_json(const Cluster& cluster) {
  const Json json(cJSON_CreateObject());
  put(json.get(), "node", cluster.node);
  put(json.get(), "cluster", cluster.cluster);
  cJSON_AddBoolToObject(json.get(), "whole", cluster.whole ? 1 : 0);
  cJSON* const nodes = cJSON_AddArrayToObject(json.get(), "nodes");
  for (const NodeSight& sight : cluster.nodes) put_node(nodes, sight);
  cJSON* const links = cJSON_AddArrayToObject(json.get(), "links");
  for (const LinkSight& sight : cluster.links) put_link(links, sight);
  cJSON* const redis = cJSON_AddObjectToObject(json.get(), "redis");
  put(redis, "state", word(cluster.redis));
  put(redis, "latency_us", cluster.redis_latency);
  const JsonText text(cJSON_PrintUnformatted(json.get()));
  return std::string(text.get()) + "\n";
}

}  // namespace node
