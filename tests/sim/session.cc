#include "tests/sim/session.h"

#include <utility>

#include "tests/sim/people.h"

namespace sim {

namespace {

using namespace std::chrono_literals;

}  // namespace

// --- chat::Client

void Session::on_ready(std::size_t waiting) {
  people_->trace(*this, "ready", waiting);
  if (state != State::entering) return people_->fail(*this, "is told that it is ready, out of time");
  state = State::live;
  put_on_wire({News::Kind::ready});
}

void Session::deliver(const chat::Delivery& delivery, const chat::Origin& origin) {
  people_->trace(*this,
                 delivery.stored        ? "deliver stored"
                 : delivery.redelivered ? "deliver again"
                                        : "deliver",
                 origin.seq, delivery.line);
  if (state != State::live) return people_->fail(*this, "is given a chat before it is ready or after its end");
  people_->on_given(delivery.line);
  moved_at = people_->now();
  queue_.push_back({std::string(delivery.line), origin, {delivery.stored, delivery.redelivered}});
  queued_bytes_ += delivery.line.size();
  write_later();
}

void Session::on_outcome(std::string_view id, std::size_t size, chat::Outcome outcome, bool maybe) {
  people_->trace(*this, maybe ? "outcome maybe" : "outcome", static_cast<std::uint64_t>(outcome), id);
  people_->on_outcome(*this, id, size, outcome, maybe);
  const bool good =
      outcome == chat::Outcome::delivered || outcome == chat::Outcome::written || outcome == chat::Outcome::stored;
  if (!id.empty()) put_on_wire({News::Kind::outcome, number_of(id), good, maybe});
}

void Session::kick(chat::KickReason why) {
  people_->trace(*this, "kicked", user);
  people_->on_kicked(*this, why);
  leave(false);
}

// --- The kernel.

void Session::write_later() {
  if (writing_ || queue_.empty() || (manner.confirms && out_.size() >= manner.window)) return;
  writing_ = true;
  people_->after(people_->write_delay(*this), What::written, *this);
}

void Session::hand_one() {
  const Waiting given = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= given.line.size();
  people_->trace(*this, "written", given.origin.seq, given.line);
  const ChatNumber chat = people_->on_handed(*this, given.line, given.marks);
  put_on_wire({News::Kind::chat, chat});
  if (!manner.confirms) return router_->on_written(given.origin);
  out_.push_back({given.origin, people_->now()});
  if (!std::exchange(watched_, true)) people_->after(people_->watch_every(), What::silent, *this);
}

void Session::on_written() {
  writing_ = false;
  if (state == State::gone) return;
  if (people_->too_slow(queued_bytes_) && at_server()) return cut_slow();
  for (std::uint64_t count = people_->write_count(*this);
       count > 0 && !queue_.empty() && !(manner.confirms && out_.size() >= manner.window); --count)
    hand_one();
  if (!queue_.empty()) return write_later();
  if (state == State::leaving && !manner.confirms) finish(false);
}

// --- Confirming.

void Session::on_confirmed() {
  if (state != State::live) return;
  while (confirmed_ < read_ && !out_.empty()) {
    const chat::Origin origin = out_.front().origin;
    out_.pop_front();
    ++confirmed_;
    moved_at = people_->now();
    people_->trace(*this, "confirmed", origin.seq);
    router_->on_delivered(origin);
  }
  write_later();
}

void Session::on_silent() {
  watched_ = false;
  if (!at_server() || out_.empty()) return;
  if (people_->now() - out_.front().given >= people_->ack_timeout()) return cut_slow();
  watched_ = true;
  people_->after(people_->watch_every(), What::silent, *this);
}

// --- The end.

void Session::cut_slow() {
  people_->trace(*this, "slow consumer", user);
  router_->logout(client_id);
  people_->on_ended(*this);
  leave(true);
}

void Session::log_out() {
  people_->trace(*this, "logout", user);
  router_->logout(client_id);
  people_->on_ended(*this);
  leave(false);
}

// What is queued is flushed, unless the connection is lost before or patience ends.
void Session::leave(bool again) {
  people_->strike(*this);
  state = State::leaving;
  if (again) people_->come_back(*this);
  if (manner.confirms) return people_->after(people_->part_delay(), What::part, *this);
  if (queue_.empty()) return finish(false);
  people_->after(people_->patience(), What::reset, *this);
}

// Who leaves is not listened to any more: nothing will be confirmed.
void Session::on_part() {
  if (state != State::leaving) return;
  while (!queue_.empty() && out_.size() < manner.window) hand_one();
  give_back();
  finish(false);
}

void Session::give_back() {
  const std::deque<Out> unread = std::exchange(out_, {});
  const std::deque<Waiting> unwritten = std::exchange(queue_, {});
  queued_bytes_ = 0;
  state = State::gone;
  for (const Out& each : unread) router_->on_unread(each.origin);
  for (const Waiting& each : unwritten) router_->on_unwritten(each.origin);
}

void Session::on_reset() {
  if (state == State::gone) return;
  people_->trace(*this, "reset", user);
  if (at_server()) {
    router_->logout(client_id);
    people_->on_ended(*this);
    people_->strike(*this);
  }
  give_back();
  finish(true);
}

// The client reads what is on the wire, as far as it gets through.
void Session::finish(bool lost) {
  state = State::gone;
  if (client_over_) return;
  if (lost) people_->tear(*this, wire_);
  put_on_wire({News::Kind::end});
}

void Session::on_death(bool silently) {
  queue_.clear();
  out_.clear();
  state = State::gone;
  if (client_over_) return;
  if (silently || people_->tears()) people_->tear(*this, wire_);
  put_on_wire({News::Kind::end});
}

// --- The client.

void Session::put_on_wire(const News& news) {
  if (client_over_) {
    if (news.kind == News::Kind::chat) people_->on_swallowed(*this, news.chat);
    return;
  }
  wire_.push_back(news);
  read_later();
}

void Session::read_later() {
  if (reading_ || wire_.empty()) return;
  reading_ = true;
  people_->after_anywhere(people_->read_delay(), What::read, *this);
}

void Session::on_read() {
  reading_ = false;
  const bool reads_all = people_->reads_all();
  for (bool first = true; !wire_.empty() && !client_over_ && (first || reads_all); first = false) {
    const News news = wire_.front();
    wire_.pop_front();
    if (news.kind == News::Kind::end) client_over_ = true;
    if (news.kind == News::Kind::chat) ++read_, moved_at = people_->now();
    people_->on_news(*this, news);
  }
  if (manner.confirms && confirmed_ < read_ && state == State::live && (!manner.mute || people_->hurries()))
    people_->after(people_->confirm_delay(*this), What::confirm, *this);
  read_later();
}

void Session::hang_up() {
  if (client_over_) return;
  client_over_ = true;
  for (const News& news : std::exchange(wire_, {}))
    if (news.kind == News::Kind::chat) people_->on_swallowed(*this, news.chat);
}

}  // namespace sim
