#include "src/node/drain.h"

#include <algorithm>
#include <utility>

namespace node {

namespace {

constexpr peer::Millis step{100};
// A small crowd is no burden to anybody.
constexpr std::size_t at_a_time_min = 20;

}  // namespace

Drain::Drain(io::Loop& loop, client::Door& door, peer::Millis timeout, Events events)
    : loop_(loop),
      door_(door),
      timeout_(timeout),
      events_(std::move(events)),
      pace_(loop, [this] { move_some(); }),
      mailbox_timer_(loop, [this] { leave_to_mailboxes(); }),
      timeout_timer_(loop, [this] { end(false); }) {}

void Drain::begin() {
  if (stage_ != Stage::open) return;
  stage_ = Stage::moving;
  start_moving();
}

bool Drain::take_back() {
  if (stopping()) return false;
  stage_ = Stage::open;
  pace_.stop();
  door_.turn_away(false);
  return true;
}

// Whoever was asked before and is still here is on the way out.
void Drain::stop() {
  if (stopping()) return;
  stage_ = Stage::emptying;
  stopped_at_ = loop_.now();
  timeout_timer_.at(stopped_at_ + timeout_);
  mailbox_timer_.at(stopped_at_ + timeout_ * 4 / 10);
  start_moving();
}

void Drain::start_moving() {
  door_.turn_away(true);
  const auto steps = static_cast<std::size_t>(std::max<peer::Millis::rep>(1, timeout_ / 4 / step));
  at_a_time_ = std::max(at_a_time_min, door_.connections() / steps + 1);
  pace_.every(step);
  move_some();
}

// Where it is to stop, all have to be told of their chats by the same time.
void Drain::move_some() {
  const peer::Time half = timeout_ / 2;
  const peer::Time left = stage_ == Stage::emptying ? std::max(peer::Time(0), stopped_at_ + half - loop_.now()) : half;
  if (!door_.move_off(at_a_time_, std::chrono::duration_cast<peer::Millis>(left))) pace_.stop();
}

// In time for the sessions here to be told so.
void Drain::leave_to_mailboxes() {
  if (stage_ == Stage::emptying && !std::exchange(left_to_mailboxes_, true)) events_.leave_to_mailboxes();
}

void Drain::end_turn() {
  if (stage_ != Stage::emptying || door_.inside() > 0) return;
  leave_to_mailboxes();
  if (events_.settled()) end(true);
}

void Drain::end(bool in_time) {
  if (stage_ != Stage::emptying) return;
  stage_ = Stage::over;
  pace_.stop();
  mailbox_timer_.stop();
  timeout_timer_.stop();
  events_.over(in_time);
}

}  // namespace node
