// The same router: chats that go to mailboxes and come from them, and who is told that
// something waits there.
#include <cassert>

#include "src/chat/line.h"
#include "src/chat/router.h"

namespace chat {

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

}  // namespace chat
