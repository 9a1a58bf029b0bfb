// Virtual time: what will happen, in order. Of two things at the same time the
// one that was planned first happens first, so a run is the same every time.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "peer/time.h"

namespace sim {

using peer::Micros;
using peer::Time;

inline constexpr std::uint8_t nowhere = 0xff;

enum class What : std::uint8_t {
  // The network's; x is a connection (Network says how it is packed).
  connect,
  accept,
  opened,
  failed,
  arrival,
  room,
  // A node's.
  boot,
  tick,
  flush,
  wake,
  gone,
  // A node's talk with Redis.
  poll,
  view,
  renew,
  judged,
  // Of mailboxes; x is a connection to Redis.
  mail_arrive,
  mail_try,
  mail_watch,
  mail_reset,
  mail_answer,
  mail_refused,
  mail_wake,
  // People's; x is a session or an order of theirs.
  order,
  written,  // the kernel takes some
  read,     // its client does
  confirm,  // what its client has confirmed arrives
  reset,    // its connection is lost
  part,     // it was kicked, and everything is flushed
  silent,   // has its client confirmed anything lately?
  // The storm's.
  fault,
  heal,
  traffic,
  look,   // is everything as it should be meanwhile?
  check,  // … and in the calm?
  save,
};

struct Event {
  Time at{0};
  std::uint64_t order = 0;
  std::uint64_t x = 0;
  std::uint32_t life = 0;  // of the node, where that matters
  What what{};
  std::uint8_t node = nowhere;  // whose process handles it; it waits while that is paused
};

class Events {
 public:
  void push(Time at, What what, std::uint8_t node, std::uint64_t x, std::uint32_t life = 0) {
    queue_.push({at < now_ ? now_ : at, ++pushed_, x, life, what, node});
  }
  void push_in(Micros delay, What what, std::uint8_t node, std::uint64_t x, std::uint32_t life = 0) {
    push(now_ + delay, what, node, x, life);
  }
  bool empty() const { return queue_.empty(); }
  Event pop() {
    const Event event = queue_.top();
    queue_.pop();
    now_ = event.at;
    return event;
  }
  Time now() const { return now_; }
  std::uint64_t count() const { return pushed_; }

 private:
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  };
  std::priority_queue<Event, std::vector<Event>, Later> queue_;
  std::uint64_t pushed_ = 0;
  Time now_{0};
};

}  // namespace sim
