// The cluster as one node tells it: the answer of GET /v1/cluster, as a value.
//
// Reads what nobody vouches for: whatever is absent, of another kind or out of
// range is not known, and how much is taken has bounds. Names and sentences are
// kept as they came: printable() stands between them and a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/common/result.h"

namespace peek {

// More nodes than a full mesh bears.
inline constexpr std::size_t nodes_max = 512;
inline constexpr std::size_t events_max = 100;
inline constexpr std::size_t settings_max = 64;

using Number = std::optional<std::uint64_t>;

enum class Life : std::uint8_t { unknown, alive, suspect, dead };

struct Node {
  std::string name{};
  Life life = Life::unknown;
  bool listed = true;  // it is expected; so is one of whom nobody says whether it is
  bool draining = false;
  std::string incarnation{};
  std::string peer{};
  std::string http{};
  std::string client{};
  std::string version{};
  std::string redis{};
  Number uptime_s{};
  Number sessions{};
  Number users{};
  Number rooms{};
  Number loop_lag_us{};
  Number memory_bytes{};
  Number age_ms{};  // of what is known of it; absent for the node asked
  std::optional<double> chats_per_s{};
  std::vector<std::pair<std::string, std::string>> settings{};
};

// The dialler's opinion.
enum class Dialled : std::uint8_t { unknown, up, syncing, connecting, backoff, refused, down };
enum class Canary : std::uint8_t { unknown, ok, lost };

// One direction between two nodes; `from` dials `to`, numbers in Cluster::nodes.
struct Link {
  std::size_t from = 0;
  std::size_t to = 0;
  Dialled dialled = Dialled::unknown;
  std::optional<bool> accepted{};  // the opinion of `to`
  Canary canary = Canary::unknown;
  Number rtt_us{};
  Number waiting_bytes{};
  Number reconnects{};
  Number next_try_ms{};
  std::string why{};
  std::string canary_why{};
};

struct Event {
  Number at{};  // ms since the epoch
  std::string node{};
  std::string what{};
  std::string peer{};
  std::string why{};
};

struct Cluster {
  std::string node{};  // that was asked
  std::string name{};
  bool whole = false;
  std::vector<Node> nodes{};    // by name, n2 before n10
  std::vector<Link> links{};    // at most one for each two ends
  std::vector<Event> events{};  // oldest first
  std::string redis{};
  Number redis_latency_us{};

  // The number of the node of that name; nodes.size() where there is none.
  std::size_t find(std::string_view name) const;
};

tool::Result<Cluster> parse_cluster(std::string_view json);

// A member of the set, which the node asked need not know.
struct Member {
  std::string name{};
  std::string peer{};

  bool operator==(const Member&) const = default;
};

// The set is right about who is expected.
void expect(Cluster& cluster, const std::vector<Member>& set);
// The same in the JSON that was read; empty where it is none.
std::string expect_in_json(std::string_view json, const std::vector<Member>& set);

// Numbers in names count as numbers.
bool before(std::string_view a, std::string_view b);

}  // namespace peek
