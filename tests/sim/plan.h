// What a seed means: how many nodes, how they find each other, what the network
// is like, and every fault that will befall them. Drawn before anything runs, so
// that a failing run can be tried again with some of its faults left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peer/chance.h"
#include "tests/sim/events.h"

namespace sim {

// From mild to wild; each one promises less than the one before.
enum class Weather : std::uint8_t {
  links,  // link faults only and everybody stays: each chat arrives once, in order
  moves,  // link faults only, people come, go and move: no outcome is open
  nodes,  // nodes restart, pause, leave and are given up besides
};

// What a run is about: everything, or one of DESIGN.md's worked cases (§6) over and
// over, with a writing to b.
enum class Scene : std::uint8_t {
  any,
  owners_link,  // the owner's link is down
  storing,      // storing while b logs in
  same_id,      // the same id twice
  paused,       // a paused node
  split,        // both sides of a split have b
  back_again,   // not here, and back again
  roaming,      // b moves every 200 ms under a numbered stream
};
inline constexpr std::size_t scenes = 8;

enum class FaultKind : std::uint8_t {
  // Of the way from node a to node b.
  refuse,        // dials are refused
  swallow,       // dials get no answer
  accept_close,  // dials are accepted and closed at once
  cut,           // what a dialled to b is lost, in the middle of a byte stream
  cut_storm,     // again and again, `amount` times
  half_open,     // one side's end is gone without a word; `amount` says which
  stall,         // nothing gets from a to b
  slow,          // `amount` bytes a millisecond
  partition,     // nothing gets through either way
  // Of node a.
  restart,  // its process dies; `amount` 1: its host with it, so nobody is told; 2: comes back elsewhere
  pause,
  leave,   // in good order; comes back as a new process
  vanish,  // dies and never comes back
  // Of Redis.
  redis_away,   // for all; `amount` 1: what it held is lost
  redis_crash,  // for all; of what it held the last `amount` microseconds are lost
  redis_sleep,  // it answers nobody, but does later what it was asked
  redis_cut,    // for node a alone
  redis_flush,
  stranger,  // somebody writes an entry into the set that is no node; `amount` 1: under a's name
};

struct Fault {
  FaultKind kind{};
  std::uint8_t a = nowhere;
  std::uint8_t b = nowhere;
  Time at{0};
  Micros lasts{0};
  std::uint64_t amount = 0;
};
std::string to_string(const Fault&);

struct Plan {
  std::uint64_t seed = 0;
  Weather weather{};
  Scene scene = Scene::any;
  std::uint8_t nodes = 2;
  bool discovers = false;
  std::uint8_t users = 4;
  Micros latency_min{0};     // one way
  Micros latency_spread{0};  // on top, drawn for each segment
  Micros turn_max{0};        // between an event and the flush after it
  Micros timers_late{0};     // at most
  bool slow_readers = false;
  bool big_chats = false;
  bool clocks_differ = false;
  std::size_t crowd = 0;         // bystanders on each node
  Micros chat_every{0};          // a burst of them, on the average
  Micros move_every{0};          // a login, logout, move or lost session; 0: never
  std::size_t window_bytes = 0;  // of a link; 0: as shipped
  // Mailboxes.
  bool mailboxes = false;
  std::size_t mail_max = 0;
  std::size_t mail_page = 64;
  std::size_t mail_page_bytes = 0;
  Micros mail_ttl{0};
  // Sessions and clients.
  unsigned confirming = 0;          // of a hundred sessions
  std::size_t window_chats = 0;     // of those, unconfirmed
  std::size_t queue_bytes_max = 0;  // that wait for a slow reader
  Micros ack_timeout{0};
  unsigned nameless = 12;  // of a hundred chats bear no id of the client's
  bool resends = false;    // clients send again what had no outcome,
  bool repeats = false;    // … and now and then what had one
  Time storm_ends{0};
  std::vector<Fault> faults;

  // Is there anything that makes mailboxes slow, forgetful or out of reach?
  bool redis_faults() const;
};

// To be drawn last; `draw_scene` those that make the plan's scene.
void draw_faults(Plan&, peer::Chance&, std::uint64_t count);
void draw_scene(Plan&, peer::Chance&);

// `minutes` of storm; 0: as the seed will have it.
Plan draw_plan(std::uint64_t seed, double minutes);
std::string describe(const Plan&);

}  // namespace sim
