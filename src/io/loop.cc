#include "src/io/loop.h"

#include <poll.h>
#include <uv.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <utility>

namespace io {

namespace {

constexpr std::size_t read_bytes = 65536;
constexpr std::size_t readable_beyond = 64;

// An idle loop turns this often, so a longer silence of its own means a pause.
constexpr std::uint64_t tick_ms = 500;
constexpr peer::Millis pause_min{2000};

// Flushes that bring about flushes: so many times in one turn, the rest in the next.
constexpr int rounds_max = 8;

constexpr peer::Micros readings_take_max{50};

constexpr peer::Micros lookup_patience = std::chrono::seconds(1);

peer::Micros read_clock(clockid_t id) noexcept {
  timespec at{};
  clock_gettime(id, &at);
  return std::chrono::seconds(at.tv_sec) + peer::Micros(at.tv_nsec / 1000);
}

peer::Millis in_millis(peer::Micros span) { return std::chrono::duration_cast<peer::Millis>(span); }

template <class Handle>
uv_handle_t* handle_of(Handle& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

}  // namespace

struct Loop::State {
  uv_loop_t loop{};
  // A turn ends both before and after the poll: timers run before it, and what
  // they have to say must not wait until the poll returns.
  uv_prepare_t before_poll{};
  uv_check_t after_poll{};
  uv_idle_t awake{};  // active while something waits for the next turn
  uv_timer_t tick{};

  bool in_turn = false;
  bool own_handles_closed = false;
  bool closed = false;
  bool lookups_left = false;
  // One clock is read in a turn: the boot-time clock goes on while the machine
  // sleeps. The other two differ from it by what only a sleep or somebody who sets
  // the time changes, and are read at every tick and after every pause.
  peer::Micros boot = read_clock(CLOCK_BOOTTIME);  // at the last callback
  peer::Micros slept{0};                           // since boot
  peer::Micros epoch{0};                           // of the boot
  peer::Time now{};
  std::int64_t wall_ms = 0;
  peer::Micros longest_turn{0};

  Flushable* dirty = nullptr;
  Flushable* flushing = nullptr;
  Flushable* next_turn = nullptr;
  Flushable* due = nullptr;  // had their share of the last turn
  std::function<void()> turn_end;
  std::function<void(peer::Millis)> paused;
  std::function<void(bool)> short_of_descriptors;
  int shortages = 0;

  peer::Buffer write_buffer;
  char read_buffer[read_bytes + readable_beyond] = {};

  static State* of(const void* handle) { return static_cast<State*>(static_cast<const uv_handle_t*>(handle)->data); }

  // Once more where something came between the readings.
  void compare_clocks() noexcept {
    for (int tries = 0; tries < 3; ++tries) {
      boot = read_clock(CLOCK_BOOTTIME);
      slept = boot - read_clock(CLOCK_MONOTONIC);
      epoch = read_clock(CLOCK_REALTIME) - boot;
      if (read_clock(CLOCK_BOOTTIME) - boot < readings_take_max) break;
    }
  }

  // Looks for a pause at every callback, not only at the first of a turn: one
  // may hit in the middle, and what is read after it is old just the same.
  void begin_turn() noexcept {
    const peer::Micros before = std::exchange(boot, read_clock(CLOCK_BOOTTIME));
    const peer::Micros gap = boot - before;
    const bool after_pause = gap > pause_min;
    if (after_pause) compare_clocks();
    if (!in_turn || after_pause) {
      now = std::max(now, boot - slept);
      wall_ms = in_millis(boot + epoch).count();
    }
    in_turn = true;
    if (after_pause && paused) paused(in_millis(gap));
  }

  static void link(Flushable*& list, Flushable& who) {
    who.next_ = list;
    if (list) list->at_ = &who.next_;
    who.at_ = &list;
    list = &who;
  }

  static void unlink(Flushable& who) {
    *who.at_ = who.next_;
    if (who.next_) who.next_->at_ = who.at_;
    who.next_ = nullptr;
    who.at_ = nullptr;
  }

  static void move_list(Flushable*& from, Flushable*& to) {
    while (from) {
      Flushable& who = *from;
      unlink(who);
      link(to, who);
    }
  }

  // Whoever dies meanwhile takes itself out of the list.
  void flush_all() noexcept {
    std::swap(flushing, dirty);
    if (flushing) flushing->at_ = &flushing;
    while (flushing) {
      Flushable& who = *flushing;
      unlink(who);
      who.flush();
    }
  }

  // `polled`: whoever has something to say has been heard. Before that nobody gets
  // a second share.
  void end_turn(bool polled) noexcept {
    if (polled) move_list(next_turn, due);
    if (!in_turn && !dirty && !due) return;
    if (!in_turn) begin_turn();
    for (int round = 0; round < rounds_max; ++round) {
      flush_all();
      if (turn_end) turn_end();
      move_list(due, dirty);
      if (!dirty) break;
    }
    if (dirty || next_turn) {
      uv_idle_start(&awake, [](uv_idle_t*) noexcept {});
    } else {
      uv_idle_stop(&awake);
    }
    longest_turn = std::max(longest_turn, read_clock(CLOCK_BOOTTIME) - slept - now);
    in_turn = false;
  }

  // Whether a handle is open that nobody is closing.
  bool leaking() {
    bool found = false;
    uv_walk(
        &loop,
        [](uv_handle_t* handle, void* out) noexcept {
          if (!uv_is_closing(handle)) *static_cast<bool*>(out) = true;
        },
        &found);
    return found;
  }

  void close_own_handles() {
    if (std::exchange(own_handles_closed, true)) return;
    uv_close(handle_of(before_poll), nullptr);
    uv_close(handle_of(after_poll), nullptr);
    uv_close(handle_of(awake), nullptr);
    uv_close(handle_of(tick), nullptr);
  }
};

Loop::Loop() : state_(std::make_unique<State>()) {
  // A write to a connection that was reset is an error to us, not a signal;
  // libuv writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  State& state = *state_;
  state.compare_clocks();
  const int error = uv_loop_init(&state.loop);
  assert(error == 0);
  (void)error;
  uv_prepare_init(&state.loop, &state.before_poll);
  uv_check_init(&state.loop, &state.after_poll);
  uv_idle_init(&state.loop, &state.awake);
  uv_timer_init(&state.loop, &state.tick);
  state.before_poll.data = state.after_poll.data = state.awake.data = state.tick.data = &state;
  uv_prepare_start(&state.before_poll, [](uv_prepare_t* handle) noexcept { State::of(handle)->end_turn(false); });
  uv_check_start(&state.after_poll, [](uv_check_t* handle) noexcept { State::of(handle)->end_turn(true); });
  uv_timer_start(
      &state.tick,
      [](uv_timer_t* handle) noexcept {
        State::of(handle)->begin_turn();
        State::of(handle)->compare_clocks();
      },
      tick_ms, tick_ms);
  uv_unref(handle_of(state.before_poll));
  uv_unref(handle_of(state.after_poll));
  uv_unref(handle_of(state.tick));
}

Loop::~Loop() {
  assert(state_->closed);
  if (state_->lookups_left) static_cast<void>(state_.release());  // a thread of the pool still writes to it
}

void Loop::run() {
  state_->compare_clocks();  // what came before was not silence of ours
  uv_run(&state_->loop, UV_RUN_DEFAULT);
}

void Loop::stop() { uv_stop(&state_->loop); }

void Loop::run_on() { uv_run(&state_->loop, UV_RUN_NOWAIT); }

bool Loop::close() {
  State& state = *state_;
  assert(!state.closed);
  state.close_own_handles();
  const peer::Micros deadline = read_clock(CLOCK_MONOTONIC) + lookup_patience;
  while (uv_run(&state.loop, UV_RUN_NOWAIT) != 0 && !state.leaking() && read_clock(CLOCK_MONOTONIC) < deadline) {
    pollfd ready{uv_backend_fd(&state.loop), POLLIN, 0};
    ::poll(&ready, 1, 10);
  }
  if (uv_loop_close(&state.loop) != 0) {
    if (state.leaking()) {
      uv_print_all_handles(&state.loop, stderr);
      return false;
    }
    state.lookups_left = true;
  }
  state.closed = true;
  return true;
}

peer::Time Loop::now() const { return state_->in_turn ? state_->now : read_clock(CLOCK_MONOTONIC); }

std::int64_t Loop::wall_ms() const {
  return state_->in_turn ? state_->wall_ms : in_millis(read_clock(CLOCK_REALTIME)).count();
}

peer::Micros Loop::take_longest_turn() { return std::exchange(state_->longest_turn, peer::Micros(0)); }

void Loop::mark_dirty(Flushable& who) {
  if (!who.at_) State::link(state_->dirty, who);
}

void Loop::mark_dirty_next_turn(Flushable& who) {
  forget(who);
  State::link(state_->next_turn, who);
}

void Loop::forget(Flushable& who) {
  if (who.at_) State::unlink(who);
}

void Loop::on_turn_end(std::function<void()> call) { state_->turn_end = std::move(call); }

void Loop::on_pause(std::function<void(peer::Millis)> call) { state_->paused = std::move(call); }

void Loop::on_shortage(std::function<void(bool)> call) { state_->short_of_descriptors = std::move(call); }

void Loop::shortage(bool begins) {
  const int before = std::exchange(state_->shortages, state_->shortages + (begins ? 1 : -1));
  assert(state_->shortages >= 0);
  if (before + state_->shortages == 1 && state_->short_of_descriptors) state_->short_of_descriptors(begins);
}

uv_loop_s* Loop::raw() { return &state_->loop; }

std::span<char> Loop::read_buffer() { return {state_->read_buffer, read_bytes}; }

peer::Buffer& Loop::write_buffer() {
  peer::Buffer& buffer = state_->write_buffer;
  buffer.clear();
  return buffer;
}

void Loop::begin_turn() { state_->begin_turn(); }

}  // namespace io
