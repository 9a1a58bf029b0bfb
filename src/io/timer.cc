#include "src/io/timer.h"

#include <uv.h>

#include <algorithm>
#include <utility>

namespace io {

namespace {

// libuv counts whole milliseconds of the same clock; rounding up keeps a timer
// from firing before its time on ours.
std::uint64_t whole_ms(peer::Micros span) {
  return static_cast<std::uint64_t>(std::chrono::ceil<peer::Millis>(std::max(span, peer::Micros(0))).count());
}

}  // namespace

// Outlives its Timer until libuv has closed the handle, and the call with it: a
// timer may be destroyed by its own call.
struct Timer::Node {
  uv_timer_t handle{};
  Loop& loop;
  std::function<void()> call;
  unsigned changes = 0;  // armed, moved, stopped or destroyed so many times
  bool in_call = false;

  Node(Loop& on, std::function<void()> to_call) : loop(on), call(std::move(to_call)) {
    uv_timer_init(loop.raw(), &handle);
    handle.data = this;
  }

  static void on_timer(uv_timer_t* timer) noexcept {
    Node& node = *static_cast<Node*>(timer->data);
    const unsigned before = node.changes;
    node.loop.begin_turn();
    // Who was told of a pause just now may have done away with this timer.
    if (node.changes != before) return;
    node.in_call = true;
    node.call();
    node.in_call = false;
  }

  static void on_close(uv_handle_t* closed) noexcept { delete static_cast<Node*>(closed->data); }
};

Timer::Timer(Loop& loop, std::function<void()> call) : node_(new Node(loop, std::move(call))) {}

Timer::~Timer() {
  ++node_->changes;
  uv_close(reinterpret_cast<uv_handle_t*>(&node_->handle), Node::on_close);
}

void Timer::at(peer::Time when) {
  if (when == peer::never) return stop();
  ++node_->changes;
  const std::uint64_t due = when > node_->loop.now() ? whole_ms(when) : 0;
  const std::uint64_t now = uv_now(node_->loop.raw());
  // libuv runs what is due until nothing is: a call that arms its own timer for
  // the past would never let the loop poll again.
  const std::uint64_t least = node_->in_call ? 1 : 0;
  uv_timer_start(&node_->handle, Node::on_timer, due > now + least ? due - now : least, 0);
}

void Timer::every(peer::Millis period) {
  const std::uint64_t ms = std::max<std::uint64_t>(whole_ms(period), 1);
  ++node_->changes;
  uv_timer_start(&node_->handle, Node::on_timer, ms, ms);
}

void Timer::stop() {
  ++node_->changes;
  uv_timer_stop(&node_->handle);
}

}  // namespace io
