#include "src/client/door.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "src/io/stream.h"

namespace client {

namespace {

constexpr peer::Millis tick_every{100};
// Guests who are heard in one turn: as logins they take some 300 us.
constexpr unsigned guests_per_turn = 32;
// Of those who have had their share: half a millisecond of chats.
constexpr unsigned sated_per_turn = 8;

// Precise enough for what may take a whole ack_timeout.
peer::Millis watch_every(peer::Millis ack_timeout) {
  return std::clamp(ack_timeout / 4, peer::Millis(10), peer::Millis(1000));
}

}  // namespace

// A session and its socket, in one piece of memory.
class Door::Connection final : public io::Stream::Owner, public Port {
 public:
  Connection(Door& door, std::uint32_t slot) : door_(door), session_(door.commons_, *this), slot_(slot) {}

  void open(io::Listener::Ticket& ticket, Admission& admission) {
    stream_ = ticket.take(*this);
    if (admission.asks_for_ip()) ip_ = stream_->remote().host;
    const std::optional<Code> refused = admission.enter(ip_);
    session_.greet();
    if (refused)
      session_.turn_away(*refused);
    else
      inside_ = true;
  }
  // The connection is about to be freed.
  void leave(Admission& admission) {
    if (std::exchange(inside_, false)) admission.leave(ip_);
  }
  Session& session() { return session_; }

  // io::Stream::Owner
  void on_bytes(std::string_view bytes) noexcept override {
    door_.read_clock();
    session_.on_bytes(bytes);
  }
  bool on_end() noexcept override {
    door_.read_clock();
    session_.on_end();
    return true;
  }
  void on_closed(std::string_view) noexcept override {
    session_.lose();
    door_.lost_.push_back(slot_);
  }
  void fill(peer::Buffer& out) noexcept override {
    door_.read_clock();
    session_.fill(out);
  }
  void on_written(std::size_t n) noexcept override {
    door_.read_clock();
    session_.on_written(n);
  }

  // Port
  void want_write() override { stream_->want_write(); }
  void want_review() override {
    if (!std::exchange(reviewed_, true)) door_.reviewed_.push_back(slot_);
  }
  void reviewed() {
    reviewed_ = false;
    session_.review();
  }
  void want_turn(peer::Time when) override { door_.later_.join(slot_, session_.is_guest(), when); }
  void want_ticks() override { door_.ticks_.join(slot_); }
  void want_watch() override { door_.watch_.join(slot_); }
  void pause_reading() override { stream_->pause_reading(); }
  void resume_reading() override { stream_->resume_reading(); }
  void finish(peer::Millis patience) override { stream_->finish(patience); }

 private:
  Door& door_;
  std::unique_ptr<io::Stream> stream_;
  Session session_;
  std::string ip_;  // where it matters
  std::uint32_t slot_;
  bool inside_ = false;    // was let in
  bool reviewed_ = false;  // is named in door_.reviewed_
};

peer::Result<std::unique_ptr<Door>> Door::open(io::Loop& loop, const io::Listener::Place& place,
                                               SessionSettings settings, Admission::Limits limits,
                                               peer::Incarnation incarnation, chat::Desk& desk, peer::Chance& chance) {
  std::unique_ptr<Door> door(new Door(loop, std::move(settings), limits, incarnation, desk, chance));
  auto listener =
      io::Listener::open(loop, place, [at = door.get()](io::Listener::Ticket& ticket) { at->accept(ticket); });
  if (!listener) return peer::Failure{listener.why()};
  door->listener_ = std::move(*listener);
  door->address_ = door->listener_->address();
  return door;
}

Door::Door(io::Loop& loop, SessionSettings settings, Admission::Limits limits, peer::Incarnation incarnation,
           chat::Desk& desk, peer::Chance& chance)
    : loop_(loop),
      commons_(std::move(settings), incarnation, desk, chance),
      admission_(limits),
      later_(*this),
      ticks_(loop, tick_every, [this] { go_round(ticks_, &Session::tick); }),
      watch_(loop, watch_every(commons_.settings.ack_timeout), [this] { go_round(watch_, &Session::watch); }) {}

// The sessions' last words to the desk may reach other sessions: all are there
// until every one has said them.
Door::~Door() {
  read_clock();
  for (const auto& connection : connections_)
    if (connection) connection->session().lose();
  loop_.forget(later_);
}

void Door::read_clock() { commons_.clock = {loop_.now(), loop_.wall_ms()}; }

void Door::accept(io::Listener::Ticket& ticket) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(connections_.size()));
    connections_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  connections_[slot] = std::make_unique<Connection>(*this, slot);
  connections_[slot]->open(ticket, admission_);
}

Door::Later::Later(Door& door) : door_(door), timer_(door.loop_, [this] { wake(); }) {}

void Door::Later::join(std::uint32_t slot, bool guest, peer::Time when) {
  if (when <= door_.commons_.clock.now) {
    guest ? guests_.push_back(slot) : inside_.push_back(slot);
    return door_.loop_.mark_dirty_next_turn(*this);
  }
  resting_.push_back({when, slot});
  std::push_heap(resting_.begin(), resting_.end(), std::greater<>());
  if (resting_.front().slot == slot) timer_.at(when);
}

void Door::Later::leave_out_the_dead() {
  const auto is_dead = [this](std::uint32_t slot) { return !door_.connections_[slot]; };
  std::erase_if(inside_, is_dead);
  std::erase_if(guests_, is_dead);
  if (std::erase_if(resting_, [&](const Rest& rest) { return is_dead(rest.slot); }) > 0)
    std::make_heap(resting_.begin(), resting_.end(), std::greater<>());
}

void Door::Later::wake() {
  door_.read_clock();
  while (!resting_.empty() && resting_.front().until <= door_.commons_.clock.now) {
    const std::uint32_t slot = resting_.front().slot;
    std::pop_heap(resting_.begin(), resting_.end(), std::greater<>());
    resting_.pop_back();
    join(slot, door_.connections_[slot]->session().is_guest(), door_.commons_.clock.now);
  }
  if (!resting_.empty()) timer_.at(resting_.front().until);
}

// Many of them join again.
void Door::Later::go_on(std::deque<std::uint32_t>& slots, std::size_t most) {
  for (std::size_t n = std::min(slots.size(), most); n > 0; --n) {
    const std::uint32_t slot = slots.front();
    slots.pop_front();
    door_.connections_[slot]->session().go_on();
  }
  if (!slots.empty()) door_.loop_.mark_dirty_next_turn(*this);
}

void Door::Later::flush() noexcept {
  door_.read_clock();
  go_on(inside_, sated_per_turn);
  door_.commons_.guests_left = guests_per_turn;
  go_on(guests_, guests_per_turn);
}

void Door::Round::join(std::uint32_t slot) {
  if (slots.empty()) timer.every(period);
  slots.push_back(slot);
}

// Others may join meanwhile.
void Door::go_round(Round& round, bool (Session::*call)()) {
  read_clock();
  for (const std::uint32_t slot : std::exchange(round.slots, {}))
    if ((connections_[slot]->session().*call)()) round.slots.push_back(slot);
  if (round.slots.empty()) round.timer.stop();
}

void Door::end_turn() {
  // Who comes now comes after those who wait.
  if (!later_.has_guests()) commons_.guests_left = guests_per_turn;
  if (!reviewed_.empty()) read_clock();
  // Reviewing and freeing may bring more of both, which are of the next round.
  for (const std::uint32_t slot : std::exchange(reviewed_, {}))
    if (connections_[slot]) connections_[slot]->reviewed();
  const std::vector<std::uint32_t> lost = std::exchange(lost_, {});
  for (const std::uint32_t slot : lost) {
    connections_[slot]->leave(admission_);
    connections_[slot].reset();
    free_.push_back(slot);
  }
  if (lost.empty()) return;
  later_.leave_out_the_dead();
  for (Round* round : {&ticks_, &watch_})
    std::erase_if(round->slots, [this](std::uint32_t slot) { return !connections_[slot]; });
}

// Who is being watched goes on at the old period.
void Door::change(SessionSettings settings, Admission::Limits limits) {
  commons_.settings = std::move(settings);
  watch_.period = watch_every(commons_.settings.ack_timeout);
  admission_.change(limits);
}

void Door::turn_away(bool away) {
  admission_.close(away);
  to_ask_ = 0;
}

// Who comes meanwhile into a slot that was passed is turned away in any case.
bool Door::move_off(std::size_t most, peer::Millis patience) {
  read_clock();
  for (std::size_t asked = 0; asked < most && to_ask_ < connections_.size(); ++to_ask_) {
    if (!connections_[to_ask_]) continue;
    connections_[to_ask_]->session().drain(patience);
    ++asked;
  }
  return to_ask_ < connections_.size();
}

}  // namespace client
