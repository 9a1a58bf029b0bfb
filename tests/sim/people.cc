#include "tests/sim/people.h"

#include <algorithm>

namespace sim {

namespace {

using namespace std::chrono_literals;

}  // namespace

// --- A session.

void Session::deliver(std::string_view line, const chat::Origin& origin) {
  people_->trace_->note(people_->events_->now(), node, "deliver", number, origin.seq, line.substr(0, 12));
  if (state != State::live)
    return people_->judge_->fail("session " + std::to_string(number) + " is given a chat after its end");
  pending_.push_back({std::string(line), origin});
  people_->write_later(*this);
}

void Session::on_outcome(std::string_view id, std::size_t, chat::Outcome outcome, bool maybe) {
  people_->trace_->note(people_->events_->now(), node, maybe ? "outcome maybe" : "outcome", number,
                        static_cast<std::uint64_t>(outcome), id);
  people_->judge_->on_outcome(number, id, outcome, maybe);
}

void Session::kick(chat::KickReason why) {
  people_->trace_->note(people_->events_->now(), node, "kicked", number, user);
  people_->judge_->on_kicked(number, why);
  people_->leave(*this);
}

// --- All of them.

void People::write_later(Session& session) {
  if (session.writing_) return;
  session.writing_ = true;
  const bool slow = session.pace > 0us && !hurries_;
  const Micros delay =
      slow ? Micros(chance_.below(static_cast<std::uint64_t>(session.pace.count()))) : Micros(chance_.below(2000));
  events_->push_in(delay, What::written, session.node, session.number, session.life);
}

void People::on_written(SessionNumber number) {
  Session& session = *of_number_[number];
  session.writing_ = false;
  if (session.state == Session::State::gone) return;
  std::uint64_t count = session.pace > 0us ? 1 + chance_.below(3) : 1 + chance_.below(64);
  for (; count > 0 && !session.pending_.empty(); --count) {
    const Session::Pending written = std::move(session.pending_.front());
    session.pending_.pop_front();
    trace_->note(events_->now(), session.node, "written", number, written.origin.seq,
                 std::string_view(written.line).substr(0, 12));
    judge_->on_delivered(number, written.line);
    session.router_->on_written(written.origin);
  }
  if (!session.pending_.empty()) return write_later(session);
  if (session.state == Session::State::leaving) session.state = Session::State::gone;
}

void People::log_out(Session& session) {
  trace_->note(events_->now(), session.node, "logout", session.number, session.user);
  judge_->on_ended(session.number);
  session.router_->logout(session.client_id);
  leave(session);
}

// What is queued is flushed, unless the connection is lost before or patience ends.
void People::leave(Session& session) {
  std::erase(live_, &session);
  session.state = session.pending_.empty() ? Session::State::gone : Session::State::leaving;
  if (session.state == Session::State::gone) return;
  const Micros patience = chance_.below(2) == 0 ? Micros(chance_.below(5000)) : Micros(5s);
  events_->push_in(patience, What::reset, session.node, session.number, session.life);
}

// The client's connection is lost.
void People::on_reset(SessionNumber number) {
  Session& session = *of_number_[number];
  if (session.state == Session::State::gone) return;
  trace_->note(events_->now(), session.node, "reset", number, session.user);
  end(session);
}

void People::end(Session& session) {
  const bool was_live = session.state == Session::State::live;
  session.state = Session::State::gone;
  std::erase(live_, &session);
  judge_->on_ended(session.number);
  if (was_live) session.router_->logout(session.client_id);
  for (const Session::Pending& each : std::exchange(session.pending_, {})) session.router_->on_unwritten(each.origin);
}

void People::on_death(std::uint8_t node) {
  for (const auto& session : sessions_) {
    if (session->node != node || session->state == Session::State::gone) continue;
    session->state = Session::State::gone;
    session->pending_.clear();
    judge_->on_ended(session->number);
    bereft_[node].push_back(session->user);
    std::erase(live_, session.get());
  }
}

void People::on_boot(std::uint8_t node, const std::vector<Place>& places) {
  for (const std::uint8_t user : std::exchange(bereft_[node], {})) {
    if (session_of(user) != nullptr || chance_.below(3) == 0) continue;
    plan_login(Micros(chance_.below(500'000)), user, node, places);
  }
}

void People::drain(std::uint8_t node) {
  for (const auto& session : sessions_)
    if (session->node == node && session->state != Session::State::gone) end(*session);
}

// --- Orders.

void People::plan(Micros delay, std::uint8_t node, std::uint32_t life, const Order& order) {
  orders_.push_back(order);
  events_->push_in(delay, What::order, node, orders_.size() - 1, life);
}

void People::carry_out(const Order& order, std::uint8_t node, std::uint32_t life, chat::Router& router,
                       const peer::Mesh& mesh) {
  if (order.verb == Verb::login) return login(order.user, node, life, router, mesh);
  Session& session = *of_number_[order.session];
  if (session.state != Session::State::live) return;
  if (order.verb == Verb::logout) return log_out(session);
  for (int i = 0; i < order.count && session.state == Session::State::live; ++i)
    chat(session, order.recipient, order.with_id);
}

void People::login(std::uint8_t user, std::uint8_t node, std::uint32_t life, chat::Router& router,
                   const peer::Mesh& mesh) {
  sessions_.push_back(std::make_unique<Session>(*this, router, user, node, life));
  Session& session = *sessions_.back();
  session.number = judge_->on_login(user, node);
  of_number_.push_back(&session);
  if (plan_->slow_readers && chance_.below(3) == 0)
    session.pace = Micros(chance_.below(chance_.below(4) == 0 ? 5'000'000 : 200'000));
  trace_->note(events_->now(), node, "login", session.number, user);
  const peer::Stamp known = mesh.directory().newest(router.hash(name(user))).stamp;
  session.client_id = router.login(session, name(user));
  const peer::Stamp stamp = router.users().get(session.client_id)->stamp;
  judge_->on_stamped(session.number, stamp);
  if (stamp <= known) judge_->fail("a login is stamped as older than one that its node knew");
  live_.push_back(&session);
}

void People::chat(Session& from, std::uint8_t recipient, bool with_id) {
  const bool sure = plan_->weather == Weather::links || all_known_;
  const bool there = plan_->weather == Weather::links || session_of(recipient) != nullptr;
  const ChatNumber number = judge_->on_taken(from.number, recipient, with_id, sure && there);
  const std::string line = line_of(number, plan_->big_chats);
  const std::string to = name(recipient);
  trace_->note(events_->now(), from.node, "chat", from.number, number, to);
  chat::Draft draft;
  draft.recipient = to;
  draft.hash = from.router_->hash(to);
  std::string_view rest = line;
  const std::size_t pieces = 1 + chance_.below(6);
  for (std::size_t i = 1; i < pieces && rest.size() > 1; ++i) {
    const std::size_t size = 1 + chance_.below(rest.size() - 1);
    draft.pieces[draft.count++] = rest.substr(0, size);
    rest.remove_prefix(size);
  }
  draft.pieces[draft.count++] = rest;
  if (with_id) {
    const std::string id = id_of(number);
    draft.id_at = static_cast<std::uint32_t>(line.find(id));
    draft.id_length = static_cast<std::uint16_t>(id.size());
  }
  from.router_->chat(from.client_id, draft);
}

// --- By the dice.

Session* People::any_live() { return live_.empty() ? nullptr : live_[chance_.below(live_.size())]; }

void People::move_in(const std::vector<Place>& places) {
  for (std::uint8_t user = 0; user < plan_->users; ++user) {
    const auto node = static_cast<std::uint8_t>(chance_.below(places.size()));
    if (places[node].router == nullptr) continue;
    plan(Micros(chance_.below(100'000)), node, places[node].life, {Verb::login, user, 0, 0, 0, false});
  }
}

void People::stir(const std::vector<Place>& places) {
  if (plan_->move_every > 0us && events_->now() >= next_move_) {
    next_move_ = events_->now() + Micros(chance_.below(2 * static_cast<std::uint64_t>(plan_->move_every.count())));
    stir_places(places);
  }
  stir_chat();
}

void People::stir_places(const std::vector<Place>& places) {
  const auto user = static_cast<std::uint8_t>(chance_.below(plan_->users));
  const Session* const session = session_of(user);
  const std::uint64_t dice = chance_.below(10);
  if (session != nullptr && dice < 2)
    return plan(0us, session->node, session->life, {Verb::logout, 0, session->number, 0, 0, false});
  if (session != nullptr && dice < 4)
    return events_->push_in(0us, What::reset, session->node, session->number, session->life);
  if (dice == 9) return hop(user, places);
  // A login, on the same node as before now and then.
  auto node = static_cast<std::uint8_t>(chance_.below(places.size()));
  if (session != nullptr && chance_.below(4) == 0) node = session->node;
  plan_login(0us, user, node, places);
}

void People::plan_login(Micros delay, std::uint8_t user, std::uint8_t node, const std::vector<Place>& places) {
  if (places[node].router == nullptr) return;
  plan(delay, node, places[node].life, {Verb::login, user, 0, 0, 0, false});
}

// Away and back and elsewhere, faster than the others can hear of it, while they write.
void People::hop(std::uint8_t user, const std::vector<Place>& places) {
  const auto span = static_cast<std::uint64_t>((4 * plan_->latency_min + 5ms).count());
  const auto soon = [this, span] { return Micros(chance_.below(span)); };
  const Session* const session = session_of(user);
  if (session != nullptr && chance_.below(2) == 0)
    events_->push_in(soon(), What::reset, session->node, session->number, session->life);
  for (std::uint64_t logins = 1 + chance_.below(4); logins > 0; --logins) {
    const bool back = session != nullptr && chance_.below(2) == 0;
    plan_login(soon(), user, back ? session->node : static_cast<std::uint8_t>(chance_.below(places.size())), places);
  }
  for (std::uint64_t bursts = chance_.below(8); bursts > 0; --bursts) {
    const Session* const from = any_live();
    if (from == nullptr) return;
    const auto count = static_cast<std::uint8_t>(1 + chance_.below(3));
    plan(soon(), from->node, from->life, {Verb::chat, 0, from->number, user, count, true});
  }
}

void People::stir_chat() {
  const Session* const from = any_live();
  if (from == nullptr) return;
  const auto recipient = static_cast<std::uint8_t>(chance_.below(plan_->users));
  const auto count = static_cast<std::uint8_t>(chance_.below(6) == 0 ? 1 + chance_.below(30) : 1 + chance_.below(3));
  plan(0us, from->node, from->life, {Verb::chat, 0, from->number, recipient, count, chance_.below(8) != 0});
}

void People::call_everybody() {
  all_known_ = true;
  for (const Session* from : live_)
    for (std::uint8_t user = 0; user < plan_->users; ++user)
      plan(Micros(chance_.below(1'000'000)), from->node, from->life, {Verb::chat, 0, from->number, user, 2, true});
}

// --- How things stand.

std::size_t People::live(std::uint8_t user) const {
  return static_cast<std::size_t>(
      std::count_if(live_.begin(), live_.end(), [user](const Session* each) { return each->user == user; }));
}

const Session* People::session_of(std::uint8_t user) const {
  const auto at = std::find_if(live_.begin(), live_.end(), [user](const Session* each) { return each->user == user; });
  return at == live_.end() ? nullptr : *at;
}

bool People::quiet() const {
  return std::none_of(sessions_.begin(), sessions_.end(), [](const auto& each) { return !each->pending_.empty(); });
}

void People::hurry() { hurries_ = true; }

}  // namespace sim
