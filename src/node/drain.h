// Moves people off this node, at a pace, so that they do not come to the others all at
// once; and where the node is to stop, sees it empty.
//
//   open ⇄ moving --stop--> emptying --nobody and nothing is left, or its time--> over
//   open --stop--> emptying
//
// Sessions are asked to leave within the first quarter of drain.timeout_ms, at 20 a tenth
// of a second at least. What they have sent has until half of that time to be settled;
// a little before, what stopping leaves unread goes to the mailboxes. Owned by the node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "peer/time.h"
#include "src/client/door.h"
#include "src/io/loop.h"
#include "src/io/timer.h"

namespace node {

class Drain {
 public:
  // What the node does for it, and is told; the last one once.
  struct Events {
    std::function<bool()> settled;  // no chat of anybody here is on its way
    std::function<void()> leave_to_mailboxes;
    std::function<void(bool in_time)> over;
  };
  Drain(io::Loop& loop, client::Door& door, peer::Millis timeout, Events events);
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  // Of the next one.
  void change(peer::Millis timeout) { timeout_ = timeout; }

  // Nobody is let in any more, and whoever is here is asked to leave.
  void begin();
  // Whoever comes is let in again, and who is left may stay. False: it is to stop.
  bool take_back();
  // Empties the node for good.
  void stop();

  // At the end of every turn.
  void end_turn();

  bool draining() const { return stage_ != Stage::open; }
  bool stopping() const { return stage_ == Stage::emptying || stage_ == Stage::over; }

 private:
  enum class Stage : std::uint8_t { open, moving, emptying, over };

  void start_moving();
  void move_some();
  void leave_to_mailboxes();
  void end(bool in_time);

  io::Loop& loop_;
  client::Door& door_;
  peer::Millis timeout_;
  const Events events_;
  Stage stage_ = Stage::open;
  bool left_to_mailboxes_ = false;
  std::size_t at_a_time_ = 0;
  peer::Time stopped_at_{0};
  io::Timer pace_;
  io::Timer mailbox_timer_;
  io::Timer timeout_timer_;
};

}  // namespace node
