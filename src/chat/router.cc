// Where a chat goes: sessions, chats of this node's senders, chats of others'. How they
// end is in router_ends.cc, mailboxes are in router_mail.cc.
#include "src/chat/router.h"

#include "src/chat/line.h"

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

peer::HashKey draw_key(peer::Chance& chance) {
  const std::uint64_t k0 = chance.next();
  return {k0, chance.next()};
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
