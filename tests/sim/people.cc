#include "tests/sim/people.h"

#include <algorithm>

namespace sim {

namespace {

using namespace std::chrono_literals;

// A client that never gets an outcome gives up one day.
constexpr std::uint8_t sendings_max = 5;
// Redis may be silent for a second before it counts as down.
constexpr Micros ready_within = 2s;

}  // namespace

// --- For sessions.

void People::fail(const Session& session, std::string_view what) {
  judge_->fail("session " + std::to_string(session.number) + " " + std::string(what));
}

Micros People::write_delay(const Session& session) {
  const bool slow = session.manner.pace > 0us && !hurries_;
  return Micros(chance_.below(slow ? static_cast<std::uint64_t>(session.manner.pace.count()) : 2000));
}

std::uint64_t People::write_count(const Session& session) {
  return session.manner.pace > 0us && !hurries_ ? 1 + chance_.below(3) : 1 + chance_.below(64);
}

Micros People::confirm_delay(const Session& session) {
  return Micros(chance_.below(hurries_ ? 2000 : static_cast<std::uint64_t>(session.manner.confirms_in.count()) + 1));
}

void People::tear(const Session& session, std::deque<News>& wire) {
  std::size_t kept = chance_.below(wire.size() + 1);
  while (wire.size() > kept) {
    if (wire.back().kind == News::Kind::chat) judge_->on_swallowed(session.number, wire.back().chat);
    wire.pop_back();
  }
}

void People::come_back(const Session& session) {
  if (chance_.below(3) != 0) coming_back_.push_back(session.user);
}

void People::handle(const Event& event) {
  Session& session = *of_number_[event.x];
  switch (event.what) {
    case What::written: return session.on_written();
    case What::read: return session.on_read();
    case What::confirm: return session.on_confirmed();
    case What::reset: return session.on_reset();
    case What::part: return session.on_part();
    case What::silent: return session.on_silent();
    default: return;
  }
}

// --- Clients.

void People::on_news(Session& session, const News& news) {
  switch (news.kind) {
    case News::Kind::ready: return send_again(session.user);
    case News::Kind::chat:
      trace(session, "seen", news.chat);
      return judge_->on_seen(events_->now(), session.number, news.chat);
    case News::Kind::outcome: return on_answer(session, news);
    case News::Kind::end: return send_again(session.user);
  }
}

void People::on_answer(Session& session, const News& news) {
  auto& open = open_[session.user];
  const auto letter = open.find(news.chat);
  if (letter == open.end() || letter->second.session != session.number) return;
  const bool gives_up = news.good || letter->second.sendings >= sendings_max || chance_.below(news.maybe ? 2 : 4) != 0;
  if (gives_up || !plan_->resends) {
    open.erase(letter);
    return;
  }
  plan(Micros(chance_.below(2'000'000)), session.node, session.life,
       {Verb::again, 0, session.number, 0, 0, true, news.chat});
}

// What had no outcome when its session ended, in the order of its first sending.
void People::send_again(std::uint8_t user) {
  const auto at = std::find_if(live_.rbegin(), live_.rend(), [user](const Session* each) {
    return each->user == user && each->ready() && !each->over();
  });
  if (at == live_.rend()) return;
  const Session& session = **at;
  std::erase_if(open_[user], [](const auto& open) { return open.second.sendings >= sendings_max; });
  for (auto& [chat, letter] : open_[user])
    if (of_number_[letter.session]->over())
      plan(0us, session.node, session.life, {Verb::again, 0, session.number, 0, 0, true, chat});
}

// The client is gone; its server hears of it soon, or much later.
void People::drop(Session& session) {
  const std::uint64_t dice = chance_.below(8);
  const Micros notices = dice == 0 ? Micros(chance_.below(static_cast<std::uint64_t>((plan_->ack_timeout * 2).count())))
                         : dice <= 2 ? Micros(chance_.below(200'000))
                                     : 0us;
  trace(session, "hang up", static_cast<std::uint64_t>(notices.count()));
  session.hang_up();
  after(notices, What::reset, session);
}

void People::on_death(std::uint8_t node, bool silently) {
  for (const auto& session : sessions_) {
    if (session->node != node || session->state == Session::State::gone) continue;
    if (session->at_server()) bereft_[node].push_back(session->user);
    judge_->on_ended(session->number);
    strike(*session);
    session->on_death(silently);
  }
}

void People::on_boot(std::uint8_t node, const std::vector<Place>& places) {
  for (const std::uint8_t user : std::exchange(bereft_[node], {})) {
    if (session_of(user) != nullptr || chance_.below(3) == 0) continue;
    plan_login(Micros(chance_.below(500'000)), user, node, places);
  }
}

void People::bring_back(const std::vector<Place>& places) {
  for (const std::uint8_t user : std::exchange(coming_back_, {}))
    plan_login(Micros(chance_.below(1'000'000)), user, static_cast<std::uint8_t>(chance_.below(places.size())), places);
}

void People::drain(std::uint8_t node) {
  for (const auto& session : sessions_) {
    if (session->node != node || session->state == Session::State::gone) continue;
    if (session->at_server() && chance_.below(2) == 0) coming_back_.push_back(session->user);
    session->on_reset();
  }
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
  if (!session.ready() || session.over()) return;
  switch (order.verb) {
    case Verb::login: return;
    case Verb::logout: return session.log_out();
    case Verb::again: return again(session, order.chat);
    case Verb::chat:
      for (int i = 0; i < order.count && session.ready(); ++i) chat(session, order.recipient, order.with_id);
  }
}

Session::Manner People::manner() {
  Session::Manner manner;
  const bool odd = plan_->weather != Weather::links;
  manner.confirms = chance_.below(100) < plan_->confirming;
  manner.window = plan_->window_chats;
  if (plan_->slow_readers && chance_.below(3) == 0)
    manner.pace = Micros(chance_.below(chance_.below(4) == 0 ? 5'000'000 : 200'000));
  manner.confirms_in = Micros(chance_.below(chance_.below(4) == 0 ? 500'000 : 5000));
  if (odd && chance_.below(8) == 0) manner.confirms_in = plan_->ack_timeout * 2;
  manner.mute = odd && chance_.below(12) == 0;
  return manner;
}

void People::login(std::uint8_t user, std::uint8_t node, std::uint32_t life, chat::Router& router,
                   const peer::Mesh& mesh) {
  const Session::Manner how = manner();
  sessions_.push_back(std::make_unique<Session>(*this, router, user, node, life, how));
  Session& session = *sessions_.back();
  session.began = events_->now();
  session.number = judge_->on_login(events_->now(), user, node, how.confirms);
  of_number_.push_back(&session);
  trace_->note(events_->now(), node, how.confirms ? "login ack" : "login", session.number, user);
  const peer::Stamp known = mesh.directory().newest(router.hash(user_name(user))).stamp;
  live_.push_back(&session);
  session.client_id = router.login(session, user_name(user));
  const peer::Stamp stamp = router.users().get(session.client_id)->stamp;
  judge_->on_stamped(session.number, stamp);
  if (stamp <= known) judge_->fail("a login is stamped as older than one that its node knew");
}

void People::chat(Session& from, std::uint8_t recipient, bool with_id) {
  const ChatNumber number = judge_->new_chat(from.user, recipient, with_id);
  if (with_id && plan_->resends) open_[from.user][number] = {recipient, 0, from.number};
  hand_in(from, number, with_id, false);
  if (with_id && plan_->repeats && chance_.below(4) == 0)
    plan(Micros(chance_.below(chance_.below(2) == 0 ? 1000 : 3'000'000)), from.node, from.life,
         {Verb::again, 0, from.number, 0, 0, true, number});
}

// A client that has had an outcome meanwhile may say it again all the same.
void People::again(Session& from, ChatNumber number) {
  auto& open = open_[from.user];
  const auto letter = open.find(number);
  if (letter == open.end() && !plan_->repeats) return;
  if (letter != open.end()) letter->second.session = from.number;
  hand_in(from, number, true, true);
}

void People::hand_in(Session& from, ChatNumber number, bool with_id, bool retry) {
  const std::uint8_t recipient = judge_->recipient_of(number);
  const bool kept = !plan_->discovers || (plan_->mailboxes && !plan_->redis_faults());
  // Of what has no id nobody could tell that a bound was met.
  const bool sure = (plan_->weather == Weather::links && kept && with_id) || all_known_;
  const bool there = plan_->weather == Weather::links || session_of(recipient) != nullptr;
  judge_->on_sent(events_->now(), from.number, number, sure && there && !retry);
  if (const auto letter = open_[from.user].find(number); letter != open_[from.user].end()) ++letter->second.sendings;
  const std::string line = line_of(number, from.user, recipient, plan_->big_chats);
  const std::string to = user_name(recipient);
  trace_->note(events_->now(), from.node, retry ? "chat again" : "chat", from.number, number, to);
  chat::Draft draft;
  draft.recipient = to;
  draft.hash = from.router().hash(to);
  draft.sender_length = static_cast<std::uint8_t>(user_name(from.user).size() + 2);
  draft.retry = retry;
  std::string_view rest = line;
  const std::size_t pieces = 1 + chance_.below(6);
  for (std::size_t i = 1; i < pieces && rest.size() > 1; ++i) {
    const std::size_t size = 1 + chance_.below(rest.size() - 1);
    draft.lay({rest.substr(0, size)});
    rest.remove_prefix(size);
  }
  draft.lay({rest});
  if (with_id) {
    const std::string id = id_of(number);
    draft.id_at = static_cast<std::uint32_t>(line.find(id));
    draft.id_length = static_cast<std::uint16_t>(id.size());
  }
  from.router().chat(from.client_id, draft);
}

void People::hurry() {
  hurries_ = true;
  for (const Session* session : live_)
    if (session->manner.confirms) after(0us, What::confirm, *session);
}

// --- How things stand.

void People::look_for_unready(const std::function<Time(std::uint8_t)>& awake_since) {
  const Time since = events_->now() - (plan_->crowd > 0 ? 2 * ready_within : ready_within);
  for (const Session* session : live_)
    if (!session->ready() && session->began <= since && awake_since(session->node) <= since)
      return fail(*session, "is not told that it is ready");
}

std::size_t People::live(std::uint8_t user) const {
  return static_cast<std::size_t>(
      std::count_if(live_.begin(), live_.end(), [user](const Session* each) { return each->user == user; }));
}

const Session* People::session_of(std::uint8_t user) const {
  const auto at = std::find_if(live_.begin(), live_.end(), [user](const Session* each) { return each->user == user; });
  return at == live_.end() ? nullptr : *at;
}

bool People::leaving(std::uint8_t user) const {
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [user](const auto& each) { return each->user == user && each->state == Session::State::leaving; });
}

bool People::busy(std::uint8_t user) const {
  return std::any_of(sessions_.begin(), sessions_.end(), [user](const auto& each) {
    return each->user == user && each->state != Session::State::gone && !each->quiet();
  });
}

std::string People::unrest() const {
  for (const auto& session : sessions_)
    if (!session->quiet()) return "session " + std::to_string(session->number) + " has unfinished business";
  for (const Session* session : live_)
    if (!session->ready() || session->over())
      return "session " + std::to_string(session->number) + " is not told that it is ready";
  return {};
}

}  // namespace sim
