// What a node knows of itself, and the times it keeps: given to every link.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peer/backoff.h"
#include "peer/hello.h"
#include "peer/ids.h"
#include "peer/time.h"

namespace peer {

// Another node, by its place in the mesh's table: stable for the life of the
// process, one for every name ever met.
using PeerId = std::uint16_t;
inline constexpr PeerId no_peer = 0xffff;

// One TCP connection, dialled or accepted. Never used twice.
using ConnId = std::uint64_t;

// The timings of DESIGN.md are the defaults; the simulator may scale them.
struct Timing {
  Millis dial_timeout{2000};  // from the dial to the welcome
  Millis ping_every{1000};
  Millis suspect_after{3000};  // of silence
  Millis lost_after{5000};     // of silence
  // With Redis: lease and link must be missing for so long on a sound Redis session, so
  // that a flush or a restart, after which every node renews within 3 s, kills nobody.
  Millis lease_grace{2500};
  // A member of the set that never had a lease is dialled for so long.
  Millis stranger_grace{10'000};
  // Gone from the set without a word, and no link: as long as a renewal takes and more.
  Millis unlisted_grace{4000};
  // My link to it has been down: its users are cut off from here (mesh.hold_ms).
  Millis hold{2000};
  // What can go nowhere else waits for a link that is down.
  Millis wait_max{30'000};
  // Canaries (canary.h): sent so often, back within.
  Millis canary_every{5000};
  Millis canary_patience{5000};
  // Of chats that have reached their recipient and whose sender waits for no word of it: so
  // long may their outcomes wait for others, that a peer is not woken for each.
  Millis outcomes_wait{5};
  // Without Redis: when all links to it have been down.
  Millis dead_after{15'000};
  Backoff::Settings backoff{};
};

struct Self {
  std::string name;
  std::string cluster;
  Address advertised;
  std::string secret;             // empty: none
  std::vector<Setting> settings;  // must be the same on all nodes
  Incarnation incarnation{};      // changes when the others have given this one up,
  Incarnation previous{};         // which is then kept here
  Timing timing;
  std::size_t window_bytes = std::size_t{64} << 20U;  // of chats, a link

  Hello hello(const Nonce& nonce, std::string_view meant = {}) const {
    Hello hello;
    hello.node = name;
    hello.incarnation = incarnation;
    hello.previous = previous;
    hello.cluster = cluster;
    hello.advertised = advertised;
    hello.meant = meant;
    hello.settings = settings;
    hello.nonce = nonce;
    return hello;
  }
};

// How one chat on a link ended, as its owner's node tells it.
enum class WireOutcome : std::uint8_t {
  pending = 0,    // never on the wire
  written = 1,    // with the kernel, for a live connection
  not_here = 2,   // no session of that user, and nothing of it was written
  done = 3,       // of frames that are no chats, and of chats that went another way
  delivered = 4,  // its client has confirmed it
  unread = 5,     // its session ended before its client confirmed it; it may have been seen
};

}  // namespace peer
