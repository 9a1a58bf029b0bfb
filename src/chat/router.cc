#include "src/chat/router.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace chat {

namespace {

// Chats that wait behind others of their recipient; then `busy`.
constexpr std::size_t lane_waiting_max = 64;
// Chats from here to here that are not with the kernel yet; each recipient's
// queue has its own, smaller bound (sessions.queue_bytes).
constexpr std::size_t here_bytes_max = std::size_t{256} << 20U;
// Chats on their way to mailboxes.
constexpr std::size_t mail_bytes_max = std::size_t{64} << 20U;

constexpr peer::Millis wakes_sweep_every{1000};
// After a pause, until what was waiting has been read.
constexpr peer::Millis doubts{2000};

peer::DecodedChat decode(std::string_view body) {
  peer::DecodedChat decoded = peer::decode_chat(body);
  assert(decoded.ok);
  return decoded;
}

// The id that a line bears whose sender gave none: the server's has no quote in it and
// stands before the time, which is the last field.
std::string_view server_id(std::string_view line) {
  constexpr std::string_view behind = "\",\"ts\":1700000000000}\n";
  if (line.size() < behind.size()) return {};
  const std::size_t end = line.size() - behind.size();
  const void* const quote = ::memrchr(line.data(), '"', end);
  if (quote == nullptr) return {};
  const auto at = static_cast<std::size_t>(static_cast<const char*>(quote) - line.data());
  return line.substr(at, end + 1 - at);
}

std::string_view id_of(std::string_view line, const peer::Ticket& ticket) {
  return ticket.id_length > 0 ? line.substr(ticket.id_at, ticket.id_length) : server_id(line);
}

std::string join(std::span<const std::string_view> pieces, std::size_t bytes) {
  std::string whole;
  whole.reserve(bytes);
  for (const std::string_view piece : pieces) whole += piece;
  return whole;
}

// A second time for the same login it stands there twice.
void note(std::vector<peer::Mesh::Login>& refused, const peer::Mesh::Login& login) {
  std::erase_if(refused, [&](const auto& each) { return each.at == login.at && each.stamp < login.stamp; });
  refused.push_back(login);
}

bool refuses(const std::vector<peer::Mesh::Login>& refused, const peer::Mesh::Login& login) {
  return std::any_of(refused.begin(), refused.end(),
                     [&](const auto& each) { return each.at == login.at && each.stamp >= login.stamp; });
}

// Of those that have refused, who was asked again and has refused once more.
std::vector<peer::Mesh::Login> for_good(const std::vector<peer::Mesh::Login>& refused) {
  std::vector<peer::Mesh::Login> twice;
  for (auto at = refused.begin(); at != refused.end(); ++at)
    if (refuses({std::next(at), refused.end()}, *at)) twice.push_back(*at);
  return twice;
}

peer::HashKey draw_key(peer::Chance& chance) {
  const std::uint64_t k0 = chance.next();
  return {k0, chance.next()};
}

peer::Settled settled(End end) {
  switch (end) {
    case End::delivered: return peer::Settled::delivered;
    case End::written: return peer::Settled::written;
    case End::unwritten: return peer::Settled::not_here;
    case End::unread: return peer::Settled::unread;
  }
  return peer::Settled::not_here;
}

}  // namespace

Router::Router(peer::Chance& chance)
    : arrivals_(users_, *this, draw_key(chance)),
      drains_(users_, arrivals_, *this),
      kept_pool_{2 * (here_bytes_max + mail_bytes_max), 0},
      here_(here_bytes_max, kept_pool_),
      mail_(mail_bytes_max, kept_pool_) {}

void Router::attach(peer::Mesh& mesh, const WallClock& clock) {
  mesh_ = &mesh;
  clock_ = &clock;
  arrivals_.attach(mesh);
  drains_.attach(mesh);
}

void Router::attach_store(Store& store) {
  store_ = &store;
  drains_.attach_store(store);
}

void Router::tick(peer::Time now) {
  now_ = now;
  arrivals_.tick(now);
  for (const std::string& user : std::exchange(perhaps_stored_, {})) drains_.on_wake(user);
  drains_.tick(now);
  if (wakes_.empty() || now - wakes_swept_at_ < wakes_sweep_every) return;
  wakes_swept_at_ = now;
  // Who is served elsewhere now without a login's having said so: the node with
  // the newest one has died or told of its end, and an older one is what is left.
  wakes_.each([this](std::uint64_t user, const std::string& name) {
    const peer::PeerId owner = mesh_->owner(user);
    if (owner != peer::no_peer && mesh_->reachable(owner) && wakes_.due(user, owner)) wake_at(owner, user, name);
  });
  // Whoever is cut off may come back later than that, or have logged in unheard,
  // and has still to be told before the first chat that goes there directly.
  const bool whole = mesh_->whole();
  wakes_.sweep(now, [this, whole](std::uint64_t user) {
    if (!whole) return true;
    const peer::PeerId owner = mesh_->owner(user);
    return owner != peer::no_peer && !mesh_->reachable(owner);
  });
}

// Counts nothing as old as the pause.
void Router::on_pause(peer::Time now) {
  now_ = now;
  arrivals_.tick(now);
  doubts_until_ = now + doubts;
}

// --- Sessions of this node.

ClientId Router::login(Client& client, std::string_view name) {
  const std::uint64_t hash = mesh_->hash(name);
  if (const ClientId older = users_.find(hash, name)) end(older, KickReason::replaced);
  const peer::Stamp stamp = mesh_->next_stamp(clock_->wall_ms());
  const ClientId id = users_.add(client, name, hash, stamp);
  mesh_->user_on(name, stamp);
  ++counters_.logins;
  drains_.begin(id);
  return id;
}

void Router::logout(ClientId id) {
  const Users::User* const user = users_.get(id);
  if (user == nullptr) return;
  mesh_->user_off(user->name, user->stamp);
  const std::uint64_t hash = user->hash;
  arrivals_.on_logout(hash, user->unsettled);
  users_.remove(id);
  drains_.on_logout(hash, id);
}

bool Router::online(std::string_view name) const {
  const std::uint64_t hash = mesh_->hash(name);
  return users_.find(hash, name) != 0 || mesh_->owner(hash) != peer::no_peer;
}

// The newest login of a name wins, on every node by the same rule: the later
// stamp, of equal ones the greater node name.
void Router::on_user(peer::PeerId at, std::string_view name, std::uint64_t hash, peer::Stamp stamp) {
  // Not whom the directory names: what is told there may not count yet.
  if (!wakes_.empty() && wakes_.known(hash)) wake_at(at, hash, name);
  const ClientId id = users_.find(hash, name);
  if (id == 0) return;
  const Users::User& user = *users_.get(id);
  const bool newer = stamp != user.stamp ? stamp > user.stamp : mesh_->name_of(at) > mesh_->self().name;
  if (!newer) return;
  end(id, KickReason::replaced);
}

std::size_t Router::kick(std::string_view name, KickReason why) {
  const ClientId id = users_.find(mesh_->hash(name), name);
  if (id == 0) return 0;
  end(id, why);
  return 1;
}

void Router::end(ClientId id, KickReason why) {
  Client* const client = users_.get(id)->client;
  logout(id);
  client->kick(why);
}

bool Router::next_users(std::uint64_t& cursor, peer::Buffer& into, std::size_t bytes) {
  for (; cursor < users_.slots() && into.size() < bytes; ++cursor)
    if (const Users::User& user = users_.slot(cursor); user.client != nullptr)
      peer::write_user(into, true, user.stamp, user.name);
  return cursor < users_.slots();
}

// --- Chats of this node's senders.

// Who is cut off is reached through the mailbox, as long as there is one.
Way Router::place(std::uint64_t hash, std::string_view name, const Refusals& refused) const {
  if (const ClientId session = users_.find(hash, name)) {
    const peer::Stamp stamp = users_.get(session)->stamp;
    if (!refuses(refused, {here, stamp})) return {here, session, stamp};
  }
  const peer::Mesh::Login login = mesh_->newest(hash, refused);
  const bool storable = store_up() && !refuses(refused, {mail, 0});
  const bool direct = login.at != peer::no_peer && ((mesh_->reachable(login.at) && !leaving_) || !storable);
  if (direct) return {login.at, 0, login.stamp};
  if (storable) return {mail, 0, 0};
  if (refused.empty()) return {};
  // Before it fails: whoever has refused it may serve its recipient again by now,
  // and the news of that be on its way still.
  const peer::Mesh::Login again = mesh_->newest(hash, for_good(refused));
  return {again.at, 0, again.stamp};
}

void Router::chat(ClientId from, const Draft& draft) {
  ++counters_.taken;
  peer::Ticket ticket;
  ticket.sender = from;
  ticket.recipient = draft.hash;
  ticket.id_at = draft.id_at;
  ticket.id_length = draft.id_length;
  ticket.sender_length = draft.sender_length;
  ticket.may_repeat = draft.retry || now_ < doubts_until_;
  ticket.trail = trail_.note(draft.id, {draft.at_ms, Trail::What::accepted});
  route({ticket, draft.recipient, draft.line(), draft.size(), draft.id}, {}, {});
}

// Nobody has come or gone since a chat went this way: whoever sends much to one asks where
// that one is but once. What is here or in a mailbox is found as fast.
bool Router::leads_on(const Lane& lane) const {
  return lane.seen == changes() && lane.way.owner < mesh_->peers() && mesh_->reachable(lane.way.owner) && !leaving_;
}

void Router::route(const Letter& letter, const Refusals& refused, const Via& via) {
  const std::uint64_t hash = letter.ticket.recipient;
  const auto known = lanes_.find(hash);
  const bool placed = known != lanes_.end() && refused.empty() && leads_on(known->second);
  const Way way = placed ? known->second.way : place(hash, letter.recipient, refused);
  if (known != lanes_.end() && (known->second.waits || known->second.way != way)) return park(known.value(), letter);
  if (way.owner == peer::no_peer) return fail_nowhere(letter, refused);

  // In the lane before it is sent: the outcome may come from inside.
  Lane& lane = known != lanes_.end() ? known.value() : lanes_[hash];
  if (lane.unsettled == 0) lane.way = way, lane.refused = refused;
  if (refused.empty()) lane.seen = changes();
  ++lane.unsettled;
  switch (send(way, letter, via)) {
    case peer::Mesh::Sent::yes: return;
    case peer::Mesh::Sent::full: fail(letter, Outcome::busy, letter.ticket.was_sent); break;
    case peer::Mesh::Sent::gone: fail(letter, Outcome::unavailable, letter.ticket.was_sent); break;
  }
  lane_settled(hash, letter.recipient);
}

peer::Mesh::Sent Router::send(const Way& way, const Letter& letter, const Via& via) {
  if (way.owner == here) {
    const peer::Seq seq = keep(here_, letter);
    if (seq == 0) return peer::Mesh::Sent::full;
    trace(letter, Trail::What::arrived);
    arrivals_.arrive(here, 0, seq, decode(here_.find(seq).body).chat);
    return peer::Mesh::Sent::yes;
  }
  if (way.owner == mail) {
    const peer::Seq seq = keep(mail_, letter);
    if (seq == 0) return peer::Mesh::Sent::full;
    trace(letter, Trail::What::storing);
    const peer::ChatBody chat = decode(mail_.find(seq).body).chat;
    store_->append(seq, {chat.recipient, chat.line, chat.sender, chat.id, chat.may_repeat, via});
    return peer::Mesh::Sent::yes;
  }
  ++counters_.forwarded;
  trace(letter, Trail::What::forwarded, way.owner);
  if (!wakes_.empty() && wakes_.due(letter.ticket.recipient, way.owner)) mesh_->wake(way.owner, letter.recipient);
  return mesh_->send(way.owner, letter.recipient, letter.line, letter.line_bytes, letter.ticket);
}

// 0: there is no room.
peer::Seq Router::keep(peer::Stream& stream, const Letter& letter) {
  return stream.append_chat(letter.ticket, letter.recipient, letter.line, letter.line_bytes);
}

void Router::park(Lane& lane, const Letter& letter) {
  Waiting& waiting = waiting_[letter.ticket.recipient];
  lane.waits = true;
  if (waiting.behind.size() >= lane_waiting_max) return fail(letter, Outcome::busy, letter.ticket.was_sent);
  trace(letter, Trail::What::held);
  waiting.behind.push_back(
      {letter.ticket, std::string(letter.recipient), join(letter.line, letter.line_bytes), {}, {}, 0});
}

// --- How they ended.

void Router::on_settled(peer::PeerId to, peer::Seq seq, const peer::Ticket& ticket, std::string_view body,
                        peer::Settled how, bool sent) {
  if (how == peer::Settled::written || how == peer::Settled::delivered) {
    tell(ticket, peer::chat_line(ticket, body), how == peer::Settled::written ? Outcome::written : Outcome::delivered,
         false);
    return lane_settled(ticket.recipient, peer::chat_recipient(ticket, body));
  }
  const peer::ChatBody chat = decode(body).chat;
  peer::Ticket again = ticket;
  switch (how) {
    case peer::Settled::delivered:
    case peer::Settled::written: break;
    case peer::Settled::not_here: come_back(to, seq, ticket, chat, true, {}); break;
    case peer::Settled::unread:
      again.may_repeat = again.was_sent = true;
      come_back(to, seq, again, chat, true, {});
      break;
    case peer::Settled::lost:
      if (sent) again.may_repeat = again.was_sent = true;
      come_back(to, seq, again, chat, false, {});
      break;
    case peer::Settled::withdrawn:
      if (sent) again.may_repeat = again.was_sent = true;
      come_back(to, seq, again, chat, false, {mesh_->incarnation(), mesh_->incarnation_of(to), seq});
      break;
    case peer::Settled::expired:
      tell(ticket, chat.line, Outcome::unavailable, sent || ticket.was_sent);
      lanes_[ticket.recipient].reset_due = true;
      break;
  }
  lane_settled(ticket.recipient, peer::chat_recipient(ticket, body));
}

// Of a chat in here_ or mail_.
void Router::settle_kept(peer::Stream& stream, peer::PeerId place, peer::Seq seq, peer::Settled how) {
  const peer::Stream::Held held = stream.find(seq);
  assert(held.known);
  const std::string body(held.body);
  stream.settle(seq);
  on_settled(place, seq, held.ticket, body, how, true);
}

void Router::on_here_ended(peer::Seq seq, End end) {
  if (reached(end)) {
    // Its bytes are not needed beyond this call: nothing is copied.
    const peer::Stream::Held held = here_.find(seq);
    assert(held.known);
    on_settled(here, seq, held.ticket, held.body, settled(end), true);
    return here_.settle(seq);
  }
  settle_kept(here_, here, seq, settled(end));
}

// `refused`: by that place, so it does not go there again.
void Router::come_back(peer::PeerId from, peer::Seq seq, const peer::Ticket& ticket, const peer::ChatBody& chat,
                       bool refused, const Via& via) {
  ++counters_.rerouted;
  peer::Ticket again = ticket;
  trace({again, chat.recipient, {&chat.line, 1}, chat.line.size(), id_of(chat.line, ticket)},
        refused ? Trail::What::refused : Trail::What::rerouted, from);
  Lane& lane = lanes_[ticket.recipient];
  lane.waits = true;
  Refusals by = lane.refused;
  // The mailbox may be better by now.
  if (from != mail) std::erase_if(by, [](const peer::Mesh::Login& each) { return each.at == mail; });
  if (refused) note(by, {from, lane.way.stamp});
  if (refused && from != mail) lane.reset_due = true;
  waiting_[ticket.recipient].back.push_back(
      {again, std::string(chat.recipient), std::string(chat.line), std::move(by), via, seq});
}

// One less on its way. With the last, whoever refused is told that its refusals
// were read, and what waits goes on.
void Router::lane_settled(std::uint64_t hash, std::string_view recipient) {
  const auto at = lanes_.find(hash);
  assert(at != lanes_.end() && at->second.unsettled > 0);
  if (--at.value().unsettled > 0) return;
  const bool waits = at->second.waits;
  if (at->second.reset_due) reset_lane(at->second.way.owner, hash, recipient);
  lanes_.erase(at);
  if (waits) resume(hash);
}

void Router::reset_lane(peer::PeerId owner, std::uint64_t hash, std::string_view recipient) {
  if (owner == here) return arrivals_.on_lane_reset_here(hash);
  mesh_->reset_lane(owner, recipient);
}

// The lane is empty: those that came back look for another place, then those
// behind them go their way.
void Router::resume(std::uint64_t hash) {
  const auto at = waiting_.find(hash);
  if (at == waiting_.end()) return;
  Waiting waiting = std::move(at->second);
  waiting_.erase(at);
  // A later one may have come back at once while an earlier one was still with a session.
  const auto earlier = [](const Parked& one, const Parked& other) { return one.seq < other.seq; };
  if (!std::is_sorted(waiting.back.begin(), waiting.back.end(), earlier))
    std::stable_sort(waiting.back.begin(), waiting.back.end(), earlier);
  for (std::deque<Parked>* queue : {&waiting.back, &waiting.behind})
    for (Parked& parked : *queue) {
      // Whoever was told nothing of it may have sent it again, another way.
      if (!waits(parked.ticket)) parked.ticket.may_repeat = true;
      const std::string_view line = parked.line;
      route({parked.ticket, parked.recipient, {&line, 1}, line.size(), id_of(line, parked.ticket)}, parked.refused,
            parked.via);
    }
}

void Router::trace(const Letter& letter, Trail::What what, peer::PeerId place) {
  const Trail::Step step{clock_->wall_ms(), what, {}, place};
  if (!trail_.add(letter.ticket.trail, step)) letter.ticket.trail = trail_.note(letter.id, step);
}

void Router::tell(const peer::Ticket& ticket, std::string_view line, Outcome outcome, bool maybe) {
  switch (outcome) {
    case Outcome::delivered: ++counters_.delivered; break;
    case Outcome::written: ++counters_.written; break;
    case Outcome::stored: ++counters_.stored; break;
    case Outcome::no_such_user:
    case Outcome::mailbox_full:
    case Outcome::busy:
    case Outcome::unavailable:
      ++counters_.failed;
      maybe = maybe || ticket.may_repeat;  // the time before
      break;
  }
  const Trail::Step step{clock_->wall_ms(), Trail::What::settled, outcome, peer::no_peer};
  if (!trail_.add(ticket.trail, step)) trail_.note(id_of(line, ticket), step);
  if (const Users::User* const sender = users_.get(ticket.sender))
    sender->client->on_outcome(line.substr(ticket.id_at, ticket.id_length), line.size(), outcome, maybe);
}

void Router::fail(const Letter& letter, Outcome why, bool maybe) {
  tell(letter.ticket, join(letter.line, letter.line_bytes), why, maybe);
}

// Nobody serves its recipient, and no mailbox can take it.
void Router::fail_nowhere(const Letter& letter, const Refusals& refused) {
  const bool maybe = letter.ticket.was_sent;
  if (store_ != nullptr || maybe) return fail(letter, Outcome::unavailable, maybe);
  const bool is_here = refuses(refused, {here, 0}) && users_.find(letter.ticket.recipient, letter.recipient) != 0;
  fail(letter, is_here ? Outcome::busy : Outcome::no_such_user, false);
}

// --- Mailboxes.

void Router::on_stored(std::uint64_t token, Store::Stored how) {
  const peer::Seq seq = token;
  const peer::Stream::Held held = mail_.find(seq);
  assert(held.known);
  const std::string body(held.body);
  mail_.settle(seq);
  const peer::ChatBody chat = decode(body).chat;
  peer::Ticket ticket = held.ticket;
  const std::uint64_t hash = ticket.recipient;
  switch (how) {
    case Store::Stored::yes:
      wakes_.note(hash, chat.recipient, now_);
      tell(ticket, chat.line, Outcome::stored, false);
      wake_owner(hash, chat.recipient);
      break;
    case Store::Stored::full: tell(ticket, chat.line, Outcome::mailbox_full, ticket.was_sent); break;
    case Store::Stored::unknown:
    case Store::Stored::unavailable:
      if (how == Store::Stored::unknown) {
        ticket.may_repeat = ticket.was_sent = true;
        wakes_.note(hash, chat.recipient, now_);  // for on_store_up()
      }
      // Who is cut off may be reached again.
      if (users_.find(hash, chat.recipient) != 0 || mesh_->owner(hash) != peer::no_peer)
        come_back(mail, seq, ticket, chat, true, {});
      else
        tell(ticket, chat.line, Outcome::unavailable, ticket.was_sent);
      break;
  }
  lane_settled(hash, chat.recipient);
}

void Router::on_taken(std::uint64_t token, const Store::Taken& taken) {
  for (const Store::Entry& entry : taken.entries)
    trail_.note(entry.id.empty() ? server_id(entry.line) : entry.id, {clock_->wall_ms(), Trail::What::fetched});
  drains_.on_taken(token, taken);
}

// Marked at once: its session may end, and its mailbox be emptied elsewhere, before
// a look of this node's has come as far.
void Router::on_perhaps_stored(const peer::ChatBody& chat) {
  if (store_ == nullptr) return;
  store_->mark(chat.recipient, chat.sender, chat.id);
  perhaps_stored_.emplace(chat.recipient);
}

// Over the link, so that it is before what goes there directly; over Redis too,
// since the link may be cut without anybody knowing it yet.
void Router::wake_owner(std::uint64_t hash, std::string_view name) {
  if (users_.find(hash, name) != 0) return drains_.on_wake(name);
  const peer::PeerId owner = mesh_->owner(hash);
  if (owner != peer::no_peer) wake_at(owner, hash, name);
}

void Router::wake_at(peer::PeerId owner, std::uint64_t hash, std::string_view name) {
  if (mesh_->reachable(owner)) {
    mesh_->wake(owner, name);
    wakes_.due(hash, owner);
  }
  if (store_ != nullptr) store_->wake(mesh_->name_of(owner), name);
}

void Router::on_wake(peer::PeerId, std::string_view user) { drains_.on_direct_wake(user, now_); }

void Router::on_unreachable(peer::PeerId peer) {
  if (!store_up()) return;
  mesh_->withdraw(peer);
  wakes_.each([&](std::uint64_t user, const std::string& name) {
    if (mesh_->owner(user) == peer) store_->wake(mesh_->name_of(peer), name);
  });
}

// What it had stored it tells nobody any more: all who are here are looked after.
void Router::on_era(peer::PeerId from) {
  arrivals_.on_era(from);
  drains_.look_after_all();
}

void Router::leave_to_mailboxes() {
  leaving_ = true;
  if (!store_up()) return;
  for (std::size_t peer = 0; peer < mesh_->peers(); ++peer) mesh_->withdraw(static_cast<peer::PeerId>(peer));
}

void Router::on_store_up() {
  for (std::size_t peer = 0; peer < mesh_->peers(); ++peer)
    if (const auto id = static_cast<peer::PeerId>(peer); !mesh_->reachable(id)) on_unreachable(id);
  wakes_.each([this](std::uint64_t user, const std::string& name) { wake_owner(user, name); });
  drains_.on_store_up();
}

// --- Chats of other nodes' senders.

void Router::on_chat(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat) {
  ++counters_.arrived;
  trail_.note(chat.id.empty() ? server_id(chat.line) : chat.id, {clock_->wall_ms(), Trail::What::arrived, {}, from});
  arrivals_.arrive(from, era, seq, chat);
}

void Router::on_lane_reset(peer::PeerId from, peer::Seq seq, std::string_view recipient) {
  arrivals_.on_lane_reset(from, seq, recipient);
}

}  // namespace chat
