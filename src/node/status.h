// What a node tells the others of itself: as a value, and as the body of the news
// that bears it.
//
//   sections of u8 kind, u16 size, body; each at most once
//
// A section of an unknown kind, and what follows the known fields of a section or of an
// entry, is a later version's and passed over. Bounded: an entry has 255 bytes at most, a
// body links_max of them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/canary.h"
#include "peer/hello.h"
#include "peer/ids.h"
#include "peer/mesh.h"
#include "src/node/vitals.h"

namespace node {

// What seldom changes.
struct Identity {
  std::string version;
  peer::Address peer;  // advertised
  peer::Address client;
  peer::Address http;
  std::vector<peer::Setting> settings;  // those that should be the same everywhere
  bool operator==(const Identity&) const = default;
};

struct Load {
  Vitals::Stage stage{};
  Vitals::Service redis{};
  std::optional<peer::Micros> redis_latency{};
  std::uint64_t uptime_s = 0;
  std::uint64_t sessions = 0;
  std::uint64_t users = 0;
  std::uint64_t rooms = 0;
  double chats_per_s = 0;
  peer::Micros loop_lag{0};
  std::uint64_t memory_bytes = 0;
  bool operator==(const Load&) const = default;
};

// What it says of the links between itself and one other node.
struct LinkWord {
  std::string peer;
  bool listed = false;  // it should be there
  peer::Mesh::Health health{};
  bool accepted = false;  // the peer's own link to it is up
  // Of its own link:
  LinkState state{};
  std::optional<peer::Micros> rtt{};
  std::uint64_t waiting_bytes = 0;
  std::uint64_t reconnects = 0;
  std::optional<peer::Millis> next_try{};
  std::string why{};  // at most why_bytes_max of it are told
  peer::Canary::Verdict canary{};
  bool operator==(const LinkWord&) const = default;
};

struct LinkTable {
  bool all = false;  // what stands in no part of it is no more; the parts that follow have this not
  std::vector<LinkWord> links{};
  bool operator==(const LinkTable&) const = default;
};

struct Status {
  static constexpr std::size_t links_max = 200;
  static constexpr std::size_t settings_max = 32;
  static constexpr std::size_t why_bytes_max = 120;

  std::optional<Identity> identity{};
  std::optional<Load> load{};
  std::optional<LinkTable> table{};
  bool operator==(const Status&) const = default;
};

std::string encode(const Status& status);
// Nothing: it makes no sense.
std::optional<Status> decode(std::string_view body);

// Whoever says this of a peer hears what that tells: by one of both links.
inline bool hears(const LinkWord& link) {
  return link.accepted || link.state == LinkState::up || link.state == LinkState::syncing;
}

// What a node tells, from what it knows of itself.
Identity identity_of(const Vitals& vitals);
Load load_of(const Vitals& vitals);
std::vector<LinkWord> links_of(const Vitals& vitals);

}  // namespace node
