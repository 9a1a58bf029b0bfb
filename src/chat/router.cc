#include "src/chat/router.h"

#include <algorithm>
#include <cassert>

namespace chat {

namespace {

// Chats that wait behind others of their recipient; then `busy`.
constexpr std::size_t lane_waiting_max = 64;
// Chats from here to here that are not with the kernel yet; each recipient's
// queue has its own, smaller bound (sessions.queue_bytes).
constexpr std::size_t here_bytes_max = std::size_t{256} << 20U;
// Chats from elsewhere that wait for an ended session's last deliveries; those
// beyond are refused.
constexpr std::size_t held_bytes_max = std::size_t{1} << 20U;

peer::DecodedChat decode(std::string_view body) {
  peer::DecodedChat decoded = peer::decode_chat(body);
  assert(decoded.ok);
  return decoded;
}

std::string join(std::span<const std::string_view> pieces, std::size_t bytes) {
  std::string whole;
  whole.reserve(bytes);
  for (const std::string_view piece : pieces) whole += piece;
  return whole;
}

void note(std::vector<peer::Mesh::Login>& refused, const peer::Mesh::Login& login) {
  const auto at = std::find_if(refused.begin(), refused.end(), [&](const auto& each) { return each.at == login.at; });
  if (at == refused.end())
    refused.push_back(login);
  else
    at->stamp = std::max(at->stamp, login.stamp);
}

}  // namespace

Router::Router() : here_pool_{2 * here_bytes_max, 0}, here_(here_bytes_max, here_pool_) {}

void Router::attach(peer::Mesh& mesh, std::function<std::int64_t()> wall_ms) {
  mesh_ = &mesh;
  wall_ms_ = std::move(wall_ms);
}

// --- Sessions of this node.

ClientId Router::login(Client& client, std::string_view name) {
  const std::uint64_t hash = mesh_->hash(name);
  if (const ClientId older = users_.find(hash, name)) {
    Client* const replaced = users_.get(older)->client;
    logout(older);
    replaced->kick(KickReason::replaced);
  }
  const peer::Stamp stamp = mesh_->next_stamp(wall_ms_());
  const ClientId id = users_.add(client, name, hash, stamp);
  mesh_->user_on(name, stamp);
  ++counters_.logins;
  return id;
}

void Router::logout(ClientId id) {
  const Users::User* const user = users_.get(id);
  if (user == nullptr) return;
  mesh_->user_off(user->name, user->stamp);
  if (user->unsettled > 0) ended_[user->hash].unsettled += user->unsettled;
  users_.remove(id);
}

bool Router::online(std::string_view name) const {
  const std::uint64_t hash = mesh_->hash(name);
  return place(hash, name, {}).owner != peer::no_peer;
}

// The newest login of a name wins, on every node by the same rule: the later
// stamp, of equal ones the greater node name.
void Router::on_user(peer::PeerId at, std::string_view name, std::uint64_t hash, peer::Stamp stamp) {
  const ClientId id = users_.find(hash, name);
  if (id == 0) return;
  const Users::User& user = *users_.get(id);
  const bool newer = stamp != user.stamp ? stamp > user.stamp : mesh_->name_of(at) > mesh_->self().name;
  if (!newer) return;
  Client* const replaced = user.client;
  logout(id);
  replaced->kick(KickReason::replaced);
}

bool Router::next_users(std::uint64_t& cursor, peer::Buffer& into, std::size_t bytes) {
  for (; cursor < users_.slots() && into.size() < bytes; ++cursor)
    if (const Users::User& user = users_.slot(cursor); user.client != nullptr)
      peer::write_user(into, true, user.stamp, user.name);
  return cursor < users_.slots();
}

// --- Chats of this node's senders.

Way Router::place(std::uint64_t hash, std::string_view name, const Refusals& refused) const {
  if (const ClientId session = users_.find(hash, name)) return {here, session, 0};
  const peer::Mesh::Login login = mesh_->newest(hash, refused);
  return {login.at, 0, login.stamp};
}

void Router::chat(ClientId from, const Draft& draft) {
  ++counters_.taken;
  route({from, draft.hash, draft.id_at, draft.id_length}, draft.recipient, draft.line(), draft.size(), {});
}

void Router::route(const peer::Ticket& ticket, std::string_view recipient, std::span<const std::string_view> line,
                   std::size_t line_bytes, const Refusals& refused) {
  const Way way = place(ticket.recipient, recipient, refused);
  const auto known = lanes_.find(ticket.recipient);
  if (known != lanes_.end() && (known->second.waits || known->second.way != way))
    return park(known.value(), ticket, recipient, line, line_bytes);
  if (way.owner == peer::no_peer) return fail(ticket, line, line_bytes, Outcome::no_such_user);

  // In the lane before it is sent: the outcome may come from inside.
  Lane& lane = known != lanes_.end() ? known.value() : lanes_[ticket.recipient];
  if (lane.unsettled == 0) lane.way = way, lane.refused = refused;
  ++lane.unsettled;
  peer::Mesh::Sent sent = peer::Mesh::Sent::full;
  if (way.owner == here) {
    if (deliver_here(way.session, ticket, recipient, line, line_bytes)) return;
  } else {
    ++counters_.forwarded;
    sent = mesh_->send(way.owner, recipient, line, line_bytes, ticket);
  }
  if (sent == peer::Mesh::Sent::yes) return;
  fail(ticket, line, line_bytes, sent == peer::Mesh::Sent::full ? Outcome::busy : Outcome::unavailable);
  lane_settled(ticket.recipient);
}

bool Router::deliver_here(ClientId session, const peer::Ticket& ticket, std::string_view recipient,
                          std::span<const std::string_view> line, std::size_t line_bytes) {
  std::array<std::string_view, 16> pieces;
  assert(line.size() + 2 <= pieces.size());
  const std::array<char, 2> head{0, static_cast<char>(static_cast<unsigned char>(recipient.size()))};
  pieces[0] = {head.data(), head.size()};
  pieces[1] = recipient;
  std::copy(line.begin(), line.end(), pieces.begin() + 2);
  const std::size_t body_bytes = head.size() + recipient.size() + line_bytes;
  if (!here_.has_room(body_bytes)) return false;
  const peer::Seq seq = here_.append(peer::FrameType::chat, {pieces.data(), line.size() + 2}, body_bytes, ticket);
  hand(session, decode(here_.find(seq).body).chat.line, {here, 0, seq, ticket.recipient, session});
  return true;
}

void Router::park(Lane& lane, const peer::Ticket& ticket, std::string_view recipient,
                  std::span<const std::string_view> line, std::size_t line_bytes) {
  Waiting& waiting = waiting_[ticket.recipient];
  lane.waits = true;
  if (waiting.behind.size() >= lane_waiting_max) return fail(ticket, line, line_bytes, Outcome::busy);
  waiting.behind.push_back({ticket, std::string(recipient), join(line, line_bytes), {}, 0});
}

void Router::on_settled(peer::PeerId to, peer::Seq seq, const peer::Ticket& ticket, std::string_view body,
                        peer::Settled how, bool sent) {
  const peer::ChatBody chat = decode(body).chat;
  switch (how) {
    case peer::Settled::written: tell(ticket, chat.line, Outcome::written, false); break;
    case peer::Settled::not_here:
    case peer::Settled::lost:
      if (how == peer::Settled::lost && sent) {
        tell(ticket, chat.line, Outcome::unavailable, true);
        break;
      }
      Lane& lane = lanes_[ticket.recipient];
      lane.waits = true;
      // What never left this node was refused by nobody, and this one knows its own users.
      Refusals by = lane.refused;
      if (how == peer::Settled::not_here && to != here) note(by, {to, lane.way.stamp});
      // A later one may have been refused at once while an earlier one was still with a session.
      std::deque<Parked>& refused = waiting_[ticket.recipient].refused;
      auto at = refused.end();
      while (at != refused.begin() && std::prev(at)->seq > seq) --at;
      refused.insert(at, {ticket, std::string(chat.recipient), std::string(chat.line), std::move(by), seq});
      break;
  }
  lane_settled(ticket.recipient);
}

// One less on its way. With the last, what waits goes on.
void Router::lane_settled(std::uint64_t hash) {
  const auto at = lanes_.find(hash);
  assert(at != lanes_.end() && at->second.unsettled > 0);
  if (--at.value().unsettled > 0) return;
  const bool waits = at->second.waits;
  const peer::PeerId owner = at->second.way.owner;
  lanes_.erase(at);
  if (waits) resume(hash, owner);
}

// The lane is empty: whoever refused is told that its refusals were read, then
// the refused ones look for another place, then those behind them go their way.
void Router::resume(std::uint64_t hash, peer::PeerId owner) {
  const auto at = waiting_.find(hash);
  if (at == waiting_.end()) return;
  Waiting waiting = std::move(at->second);
  waiting_.erase(at);
  if (!waiting.refused.empty() && owner != here) mesh_->reset_lane(owner, waiting.refused.front().recipient);
  for (std::deque<Parked>* queue : {&waiting.refused, &waiting.behind})
    for (const Parked& parked : *queue) {
      const std::string_view line = parked.line;
      route(parked.ticket, parked.recipient, {&line, 1}, line.size(), parked.refused);
    }
}

void Router::tell(const peer::Ticket& ticket, std::string_view line, Outcome outcome, bool maybe) {
  ++(outcome == Outcome::written ? counters_.written : counters_.failed);
  if (const Users::User* const sender = users_.get(ticket.sender))
    sender->client->on_outcome(line.substr(ticket.id_at, ticket.id_length), line.size(), outcome, maybe);
}

void Router::fail(const peer::Ticket& ticket, std::span<const std::string_view> line, std::size_t line_bytes,
                  Outcome why) {
  tell(ticket, join(line, line_bytes), why, false);
}

// --- Deliveries to this node's sessions.

void Router::hand(ClientId session, std::string_view line, Origin origin) {
  origin.to = session;
  users_.on_delivery(session);
  users_.get(session)->client->deliver(line, origin);
}

bool Router::hold(Ended& older, Held chat) {
  if (older.held_bytes + chat.line.size() > held_bytes_max) return false;
  older.held_bytes += chat.line.size();
  older.held.push_back(std::move(chat));
  return true;
}

// Of a delivery. With the last one of an ended session, what was held goes on.
void Router::end_known(const Origin& origin) {
  if (users_.on_settled(origin.to)) return;
  const auto at = ended_.find(origin.user);
  assert(at != ended_.end() && at->second.unsettled > 0);
  if (--at->second.unsettled > 0) return;
  const std::deque<Held> held = std::move(at->second.held);
  ended_.erase(at);
  for (const Held& each : held) deliver_or_refuse(each.from, each.era, each.seq, {0, each.recipient, each.line});
}

void Router::on_written(const Origin& origin) {
  if (origin.peer == here) {
    const peer::Stream::Held held = here_.find(origin.seq);
    assert(held.known);
    on_settled(here, origin.seq, held.ticket, held.body, peer::Settled::written, true);
    here_.settle(origin.seq);
  } else {
    mesh_->settle(origin.peer, origin.era, origin.seq, peer::WireOutcome::written);
  }
  end_known(origin);
}

void Router::on_unwritten(const Origin& origin) {
  if (origin.peer == here) {
    const peer::Stream::Held held = here_.find(origin.seq);
    assert(held.known);
    const std::string body(held.body);
    here_.settle(origin.seq);
    on_settled(here, origin.seq, held.ticket, body, peer::Settled::not_here, true);
  } else if (mesh_->settle(origin.peer, origin.era, origin.seq, peer::WireOutcome::not_here)) {
    barriers_.insert({origin.peer, origin.user});
  }
  end_known(origin);
}

void Router::on_chat(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat) {
  ++counters_.arrived;
  deliver_or_refuse(from, era, seq, chat);
}

// A refusal is a barrier: what that node sent behind it is refused too, until
// the node has read it; else a user who comes back would get the later first.
void Router::deliver_or_refuse(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat) {
  const std::uint64_t hash = mesh_->hash(chat.recipient);
  const bool barred = !barriers_.empty() && barriers_.contains({from, hash});
  ClientId id = barred ? 0 : users_.find(hash, chat.recipient);
  if (const auto older = id == 0 ? ended_.end() : ended_.find(hash); older != ended_.end()) {
    if (hold(older->second, {from, era, seq, std::string(chat.recipient), std::string(chat.line)})) return;
    id = 0;
  }
  if (id != 0) return hand(id, chat.line, {from, era, seq, hash, id});
  if (mesh_->settle(from, era, seq, peer::WireOutcome::not_here)) barriers_.insert({from, hash});
}

void Router::on_lane_reset(peer::PeerId from, std::string_view recipient) {
  barriers_.erase({from, mesh_->hash(recipient)});
}

void Router::on_era(peer::PeerId from) {
  barriers_.erase(barriers_.lower_bound({from, 0}), barriers_.upper_bound({from, ~std::uint64_t{0}}));
  for (auto& [user, older] : ended_) std::erase_if(older.held, [from](const Held& each) { return each.from == from; });
}

}  // namespace chat
