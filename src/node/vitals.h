// What a node knows of itself at this moment, as one value: made for whoever asks
// (health, metrics, the cluster's picture) and judged apart from sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/mesh.h"
#include "src/chat/router.h"
#include "src/client/commons.h"

namespace node {

// Of a link, as its dialler says.
enum class LinkState : std::uint8_t { down, refused, backoff, connecting, syncing, up };

struct Vitals {
  enum class Stage : std::uint8_t { starting, serving, draining };
  enum class Service : std::uint8_t { none, down, up };  // none: not configured

  std::string name;
  std::string cluster;
  peer::Incarnation incarnation{};
  peer::Address peer;  // advertised
  peer::Address http;  // where others ask it
  peer::Address client{};
  std::vector<peer::Setting> settings{};  // those that should be the same on all nodes
  Stage stage = Stage::starting;
  peer::Millis uptime{0};
  peer::Micros loop_lag{0};      // the longest that anything had to wait lately
  std::size_t memory_bytes = 0;  // resident
  peer::Micros cpu_time{0};      // since the process began

  std::size_t connections = 0;  // of clients, logged in or not
  std::size_t users = 0;        // logged in here
  chat::Router::Counters counters{};
  double chats_per_s = 0;  // of this node's senders, lately
  std::size_t barriers = 0;
  std::size_t unsettled_bytes = 0;  // of chats, over all links

  std::vector<peer::Mesh::PeerView> peers;
  std::size_t directory_users = 0;  // of the other nodes
  std::size_t directory_bytes = 0;

  Service redis = Service::none;
  bool set_read = false;  // the set of nodes, at least once
  std::optional<peer::Micros> redis_latency;
  Service mailboxes = Service::none;

  std::size_t mailbox_waiting = 0;  // operations on them, to be sent to Redis

  client::Tally tally{};
  std::uint64_t datagrams_malformed = 0;

  std::size_t http_connections = 0;
  std::map<int, std::uint64_t> http_responses;  // by status
};

// The words of PROTOCOL.md §6.
std::string_view word(peer::Mesh::Health health);
std::string_view word(Vitals::Service service);
std::string_view word(LinkState state);
// Of my link to that peer.
LinkState link_state(const peer::Mesh::PeerView& peer);
inline std::string_view link_word(const peer::Mesh::PeerView& peer) { return word(link_state(peer)); }
// All that link_word() may say.
inline constexpr std::string_view link_words[] = {"up", "syncing", "connecting", "backoff", "refused", "down"};

// A sentence that names what is missing; empty: the node serves and every node that
// should be there is linked with it both ways.
std::string why_not_ready(const Vitals& vitals);

}  // namespace node
