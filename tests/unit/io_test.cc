// The loop and its turns, timers, signals.
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "src/io/signals.h"
#include "tests/unit/running.h"
#include "tests/unit/suite.h"
#include "tests/unit/taker.h"

namespace {

using peer::Millis;

void sleep_ms(long ms) {
  timespec span{ms / 1000, ms % 1000 * 1'000'000};
  while (nanosleep(&span, &span) != 0) continue;
}

struct Dirty final : io::Flushable {
  explicit Dirty(io::Loop& on) : loop(on) {}
  ~Dirty() { loop.forget(*this); }
  void flush() noexcept override {
    ++flushes;
    if (when_flushed) when_flushed();
  }
  io::Loop& loop;
  int flushes = 0;
  std::function<void()> when_flushed;
};

// The loop.

START_TEST(an_empty_loop_runs_to_its_end_and_closes) {
  Running running;
  running.loop.run();
}
END_TEST

START_TEST(who_is_named_often_is_flushed_once_a_turn) {
  Running running;
  Dirty one(running.loop), other(running.loop);
  io::Timer timer(running.loop, [&] {
    for (int i = 0; i < 5; ++i) running.loop.mark_dirty(one);
    running.loop.mark_dirty(other);
  });
  timer.at(running.loop.now());
  running.until("both are flushed", [&] { return one.flushes + other.flushes > 0; });
  ck_assert_int_eq(one.flushes, 1);
  ck_assert_int_eq(other.flushes, 1);
  running.loop.mark_dirty(one);  // outside of any turn
  running.until("flushed anew", [&] { return one.flushes == 2; });
}
END_TEST

START_TEST(what_a_flush_or_the_end_of_a_turn_brings_about_is_flushed_in_the_same_turn) {
  Running running;
  Dirty first(running.loop), second(running.loop), third(running.loop);
  first.when_flushed = [&] { running.loop.mark_dirty(second); };
  std::vector<int> flushes;  // of second and third, at each end of a round
  running.each_turn = [&] {
    flushes.push_back(second.flushes + third.flushes);
    if (first.flushes == 1 && third.flushes == 0) running.loop.mark_dirty(third);
  };
  running.loop.mark_dirty(first);
  running.until("all are flushed", [&] { return third.flushes > 0; });
  ck_assert(flushes == std::vector<int>({0, 2}));
}
END_TEST

// Timers run before the poll: what they have to say must not wait for it.
START_TEST(what_a_timer_brings_about_is_flushed_before_the_loop_sleeps) {
  Running running;
  Dirty one(running.loop);
  std::chrono::steady_clock::time_point named, flushed;
  one.when_flushed = [&] { flushed = std::chrono::steady_clock::now(); };
  io::Timer timer(running.loop, [&] {
    running.loop.mark_dirty(one);
    named = std::chrono::steady_clock::now();
  });
  timer.at(running.loop.now());
  running.until("it is flushed", [&] { return one.flushes == 1; });
  ck_assert(flushed - named < Millis(300));  // the tick of an idle loop comes after 500 ms
}
END_TEST

START_TEST(a_flushable_may_forget_itself_and_others_while_flushing) {
  Running running;
  auto one = std::make_unique<Dirty>(running.loop);
  auto other = std::make_unique<Dirty>(running.loop);
  int flushed = 0;
  one->when_flushed = [&] { ++flushed, other.reset(); };
  other->when_flushed = [&] { ++flushed, one.reset(); };
  running.loop.mark_dirty(*one);
  running.loop.mark_dirty(*other);
  running.until("one of them is flushed", [&] { return flushed > 0; });
  running.until_later(Millis(5));
  ck_assert_int_eq(flushed, 1);
  ck_assert(!one != !other);
}
END_TEST

START_TEST(who_is_always_dirty_stops_nobody_and_keeps_the_loop_awake) {
  Running running;
  Dirty restless(running.loop), patient(running.loop);
  restless.when_flushed = [&] { running.loop.mark_dirty(restless); };
  patient.when_flushed = [&] { running.loop.mark_dirty_next_turn(patient); };
  running.loop.mark_dirty(restless);
  running.loop.mark_dirty(patient);
  int turns = 0;
  running.each_turn = [&] { ++turns; };
  running.until("both had a thousand flushes", [&] { return restless.flushes > 1000 && patient.flushes > 1000; });
  ck_assert_int_le(patient.flushes, turns);
}
END_TEST

START_TEST(the_clock_stands_still_within_a_turn) {
  Running running;
  peer::Time before{}, after{};
  io::Timer timer(running.loop, [&] {
    before = running.loop.now();
    sleep_ms(3);
    after = running.loop.now();
  });
  timer.at(running.loop.now());
  running.until("the timer has run", [&] { return after.count() != 0; });
  ck_assert(before == after);
  ck_assert(running.loop.now() >= after + Millis(3));
  ck_assert_int_gt(running.loop.wall_ms(), 1'600'000'000'000);
}
END_TEST

START_TEST(an_idle_loop_turns_at_least_twice_a_second) {
  Running running;
  int turns = 0;
  running.each_turn = [&] { ++turns; };
  running.until_later(Millis(1300));
  ck_assert_int_ge(turns, 2);
  ck_assert_int_le(turns, 6);
}
END_TEST

START_TEST(close_tells_of_what_was_left_open) {
  Running running;
  auto left = std::make_unique<io::Timer>(running.loop, [] {});
  ck_assert(freopen("/dev/null", "w", stderr));
  ck_assert(!running.loop.close());
  left.reset();  // closes now
}
END_TEST

// Another process stops this one for over two seconds, and writes to it while
// it stands.
START_TEST(a_pause_is_told_of_before_a_byte_is_delivered) {
  Running running;
  Taker taker;
  const auto listener =
      listen_on(running.loop, [&](io::Listener::Ticket& ticket) { taker.stream = ticket.take(taker); });
  const int fd = connect_to(listener->address().port);
  std::vector<std::string> story;
  running.loop.on_pause([&](Millis length) {
    story.push_back("pause");
    ck_assert_int_ge(length.count(), 2000);
    ck_assert_int_le(length.count(), 20'000);
  });
  taker.when_heard = [&] { story.push_back("bytes"); };
  running.until("the connection is there", [&] { return taker.stream != nullptr; });

  io::Timer stop_us(running.loop, [fd, paused = getpid()] {
    if (fork() != 0) return;
    kill(paused, SIGSTOP);
    sleep_ms(2300);
    static_cast<void>(!write(fd, "late", 4));
    kill(paused, SIGCONT);
    _exit(0);
  });
  stop_us.at(running.loop.now());
  running.until("the late bytes are here", [&] { return taker.heard == "late"; });
  ck_assert_uint_eq(story.size(), 2);
  ck_assert_str_eq(story[0].c_str(), "pause");
  ck_assert_str_eq(story[1].c_str(), "bytes");
  close(fd);
}
END_TEST

START_TEST(what_a_pause_does_away_with_is_not_called) {
  Running running;
  std::unique_ptr<io::Timer> timer;
  bool paused = false, called = false;
  running.loop.on_pause([&](Millis) { paused = true, timer.reset(); });
  io::Timer stall(running.loop, [&] {
    timer = std::make_unique<io::Timer>(running.loop, [&] { called = true; });
    timer->at(running.loop.now());
    sleep_ms(2100);  // a turn that takes so long is a pause to everybody else
  });
  stall.at(running.loop.now());
  running.until("the pause is told of", [&] { return paused; });
  running.until_later(Millis(5));
  ck_assert(!called);
}
END_TEST

// Timers.

START_TEST(timers_fire_in_order_and_never_early) {
  Running running;
  std::vector<int> fired;
  const peer::Time start = running.loop.now();
  std::vector<std::unique_ptr<io::Timer>> timers;
  for (const int ms : {30, 10, 20, 0}) {
    timers.push_back(std::make_unique<io::Timer>(running.loop, [&, ms] {
      ck_assert(running.loop.now() >= start + Millis(ms));
      fired.push_back(ms);
    }));
    timers.back()->at(start + Millis(ms));
  }
  running.until("all have fired", [&] { return fired.size() == 4; });
  ck_assert(fired == std::vector<int>({0, 10, 20, 30}));
}
END_TEST

START_TEST(a_timer_can_be_moved_and_stopped) {
  Running running;
  int moved = 0, stopped = 0, never = 0;
  io::Timer to_move(running.loop, [&] { ++moved; });
  io::Timer to_stop(running.loop, [&] { ++stopped; });
  io::Timer without_end(running.loop, [&] { ++never; });
  to_move.at(running.loop.now() + std::chrono::hours(1));
  to_move.at(running.loop.now() + Millis(5));
  to_stop.at(running.loop.now() + Millis(1));
  to_stop.stop();
  without_end.at(running.loop.now());
  without_end.at(peer::never);
  running.until("the moved one fires", [&] { return moved == 1; });
  running.until_later(Millis(10));
  ck_assert_int_eq(moved, 1);
  ck_assert_int_eq(stopped, 0);
  ck_assert_int_eq(never, 0);
}
END_TEST

START_TEST(a_repeating_timer_repeats_until_it_destroys_itself) {
  Running running;
  int times = 0;
  std::unique_ptr<io::Timer> timer;
  timer = std::make_unique<io::Timer>(running.loop, [&] {
    if (++times == 5) timer.reset();
  });
  timer->every(Millis(2));
  running.until("it is gone", [&] { return !timer; });
  running.until_later(Millis(10));
  ck_assert_int_eq(times, 5);
}
END_TEST

START_TEST(a_timer_that_arms_itself_for_the_past_starves_nobody) {
  Running running;
  int times = 0;
  io::Timer timer(running.loop, [&] { ++times, timer.at(running.loop.now() - Millis(1)); });
  timer.at(running.loop.now());
  Taker taker;
  const auto listener =
      listen_on(running.loop, [&](io::Listener::Ticket& ticket) { taker.stream = ticket.take(taker); });
  const int fd = connect_to(listener->address().port);
  running.until("a connection gets through", [&] { return taker.stream != nullptr && times > 3; });
  close(fd);
}
END_TEST

// Signals.

START_TEST(a_signal_is_an_event_until_it_is_let_go) {
  Running running;
  int times = 0;
  auto signal = std::make_unique<io::Signal>(running.loop, SIGUSR1, [&] { ++times; });
  io::Signal stays(running.loop, SIGUSR2, [&] { times += 100; });
  raise(SIGUSR1);
  running.until("it is told of", [&] { return times == 1; });
  raise(SIGUSR2);
  running.until("so is the other", [&] { return times == 101; });
  std::unique_ptr<io::Signal> itself;
  itself = std::make_unique<io::Signal>(running.loop, SIGUSR1, [&] { itself.reset(); });
  raise(SIGUSR1);
  running.until("one lets itself go", [&] { return !itself; });
  ck_assert_int_eq(times, 102);
}
END_TEST

START_TEST(writing_to_a_reset_connection_is_no_signal) {
  Running running;
  int pair[2];
  ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  close(pair[1]);
  ck_assert_int_eq(write(pair[0], "x", 1), -1);
  close(pair[0]);
}
END_TEST

}  // namespace

SUITE(what_a_timer_brings_about_is_flushed_before_the_loop_sleeps, an_empty_loop_runs_to_its_end_and_closes,
      who_is_named_often_is_flushed_once_a_turn,
      what_a_flush_or_the_end_of_a_turn_brings_about_is_flushed_in_the_same_turn,
      a_flushable_may_forget_itself_and_others_while_flushing,
      who_is_always_dirty_stops_nobody_and_keeps_the_loop_awake, the_clock_stands_still_within_a_turn,
      an_idle_loop_turns_at_least_twice_a_second, close_tells_of_what_was_left_open,
      a_pause_is_told_of_before_a_byte_is_delivered, what_a_pause_does_away_with_is_not_called,
      timers_fire_in_order_and_never_early, a_timer_can_be_moved_and_stopped,
      a_repeating_timer_repeats_until_it_destroys_itself, a_timer_that_arms_itself_for_the_past_starves_nobody,
      a_signal_is_an_event_until_it_is_let_go, writing_to_a_reset_connection_is_no_signal)
