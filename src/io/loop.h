// The one event loop of a process, and its turn: poll, handle, write once.
//
// A turn begins with the first callback that reaches an owner and ends before
// the loop may sleep again: there every connection that has something to say is
// flushed. The loop also notices when the process was paused: the boot-time
// clock jumped between two callbacks, so everything read from here on is old.
//
// Owned by the node, outlives everything else of io. Single-threaded. uv.h is
// not needed to use it.
#pragma once

#include <cassert>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "peer/buffer.h"
#include "peer/time.h"

struct uv_loop_s;

namespace io {

// Something with bytes to write at the end of the turn.
class Flushable {
 public:
  Flushable() = default;
  Flushable(const Flushable&) = delete;
  Flushable& operator=(const Flushable&) = delete;
  virtual void flush() noexcept = 0;

 protected:
  ~Flushable() { assert(!at_); }

 private:
  friend class Loop;
  // The loop's list of those to be flushed runs through its members: naming
  // and forgetting one costs no memory and no search.
  Flushable* next_ = nullptr;
  Flushable** at_ = nullptr;  // what points here; null while clean
};

class Loop {
 public:
  Loop();
  ~Loop();  // asserts that close() was called
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop() or until nothing is left to wait for.
  void run();
  void stop();
  // One more turn after it was stopped: whatever has come by now, and no waiting.
  void run_on();

  // Runs the closing callbacks that are due, then uv_loop_close. False where a
  // handle was left open: a leak, named on standard error, and the process must
  // exit with a failure. A name look-up that hangs in the pool can't be called
  // back; after a second it is left behind (and exit() would wait for it, since
  // libuv joins its pool there; _exit() does not).
  bool close();

  // Monotonic, read once a turn (and at every call outside of one).
  peer::Time now() const;
  // Milliseconds since the epoch, likewise.
  std::int64_t wall_ms() const;

  // The longest turn since it was asked the last time: so long did something wait that
  // came in the meantime.
  peer::Micros take_longest_turn();

  // `who` is flushed once at the end of this turn, however often it is named.
  // It must call forget() before it dies.
  void mark_dirty(Flushable& who);
  // `who` has had its share of this turn: even if named again it is flushed at
  // the end of the next one, after whatever came by then and after those who were
  // not flushed yet, and the loop does not sleep before.
  void mark_dirty_next_turn(Flushable& who);
  void forget(Flushable& who);

  // Called after the flush of each turn, for what the flush itself brought
  // about; what it marks dirty is flushed again in the same turn.
  void on_turn_end(std::function<void()> call);

  // Called first after a pause of over two seconds, before any byte is
  // delivered, with the length of the pause. A turn that takes so long looks
  // the same to everybody else and counts as well.
  void on_pause(std::function<void(peer::Millis)> call);

  // Called when the first of the process's listeners has to let connections wait
  // for want of file descriptors (true), and when all have let in whoever waited
  // (false).
  void on_shortage(std::function<void(bool)> call);

  uv_loop_s* raw();

  // For io only. The shared read buffer, 64 KiB and readable 64 bytes beyond
  // (simdjson reads past the end of what it parses).
  std::span<char> read_buffer();
  // The shared buffer a flush fills; empty between two uses. Who can't write
  // all of it takes it away by swap.
  peer::Buffer& write_buffer();
  // A listener is short of descriptors, or no longer. Once each, in turns.
  void shortage(bool begins);
  // Called first in every callback from libuv: the start of a turn, perhaps
  // the end of a pause. Who is told of that may destroy anything: look again
  // before going on.
  void begin_turn();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace io
