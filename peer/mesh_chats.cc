// The mesh's chats: sent, received, taken back. Who is there is in mesh.cc.

#include "peer/mesh.h"

namespace peer {

namespace {

Settled settled(WireOutcome outcome) {
  switch (outcome) {
    case WireOutcome::delivered: return Settled::delivered;
    case WireOutcome::not_here: return Settled::not_here;
    case WireOutcome::unread: return Settled::unread;
    case WireOutcome::written:
    case WireOutcome::pending:
    case WireOutcome::done: break;
  }
  return Settled::written;
}

}  // namespace

Mesh::Login Mesh::newest(std::uint64_t user, std::span<const Login> refused) const {
  std::vector<Directory::Found> passed_over;
  for (const Login& login : refused)
    if (login.at < peers_.size()) passed_over.push_back({peers_[login.at]->slot, login.stamp});
  const Directory::Found found = directory_.newest(user, passed_over);
  return {slot_peer_[found.slot], found.stamp};
}

Mesh::Sent Mesh::send(PeerId to, std::string_view recipient, std::span<const std::string_view> line,
                      std::size_t line_bytes, const Ticket& ticket) {
  Peer& peer = *peers_[to];
  if (peer.incarnation == Incarnation::none) return Sent::gone;
  Stream& chats = peer.out.chats();
  const bool wanted = chats.unsent();  // then it is going to be filled anyway
  if (chats.append_chat(ticket, recipient, line, line_bytes) == 0) return Sent::full;
  if (!wanted && peer.out.up()) want_write(to);
  return Sent::yes;
}

// Passes the bound of the window: it is small, one for each barrier, and without
// it no chat to that user would ever be taken again.
void Mesh::reset_lane(PeerId to, std::string_view recipient) {
  Peer& peer = *peers_[to];
  if (peer.incarnation == Incarnation::none) return;
  peer.out.chats().append(FrameType::lane_reset, recipient);
  if (peer.out.up()) want_write(to);
}

void Mesh::wake(PeerId to, std::string_view user) {
  Peer& peer = *peers_[to];
  if (peer.incarnation == Incarnation::none || !peer.out.chats().has_room(user.size())) return;
  peer.out.chats().append(FrameType::wake, user);
  if (peer.out.up()) want_write(to);
}

Mesh::Superseded Mesh::supersede(Incarnation from, Incarnation to, Seq seq) {
  if (to != self_.incarnation || from == Incarnation::none) return {};
  for (const auto& peer : peers_)
    if (peer->incarnation == from) return {peer->in.supersede(seq), peer->id, peer->in.era()};
  return {};
}

bool Mesh::settle(PeerId from, std::uint32_t era, Seq seq, WireOutcome outcome) {
  InLink& in = peers_[from]->in;
  const bool known = in.settle(era, seq, outcome);
  wake_at_ = std::min(wake_at_, in.wake_at());
  return known;
}

void Mesh::on_outcomes(PeerId id, Seq first, std::uint32_t count, WireOutcome outcome) {
  Stream& chats = peers_[id]->out.chats();
  const Settled how = settled(outcome);
  for (Seq seq = first; seq < first + count; ++seq) {
    const Stream::Held held = chats.find(seq);
    if (!held.known) {
      // Taken back before; there may be many of them.
      seq = chats.next(seq) - 1;
      continue;
    }
    if (held.type == FrameType::chat) guest_->on_settled(id, seq, held.ticket, held.body, how, true);
    if (held.type == FrameType::canary) peers_[id]->canary.on_confirmed(seq);
    chats.settle(seq);
  }
}

// Chats that nobody will tell the end of go back to the guest, which may send
// them again at once: hence only those that are here now.
void Mesh::lose_chats(Peer& peer) {
  const Seq end = peer.out.chats().end();
  take_back(peer, end, Settled::lost);
  peer.out.chats().settle_through(end - 1);
  note_links(peer);
}

// The chats before `end`.
void Mesh::take_back(Peer& peer, Seq end, Settled how) {
  Stream& chats = peer.out.chats();
  for (Seq seq = chats.begin(); seq < end; seq = chats.next(seq + 1)) {
    const Stream::Held held = chats.find(seq);
    if (held.type != FrameType::chat) continue;
    const std::string body(held.body);
    chats.settle(seq);
    guest_->on_settled(peer.id, seq, held.ticket, body, how, held.sent);
  }
}

// What has waited for the link while its sender's session ended may have been sent
// again by another way.
void Mesh::mark_unawaited(Peer& peer) {
  Stream& chats = peer.out.chats();
  for (Seq seq = chats.begin(); seq < chats.end(); seq = chats.next(seq + 1))
    if (const Stream::Held held = chats.find(seq); held.type == FrameType::chat && !guest_->waits(held.ticket))
      chats.mark_may_repeat(seq);
}

void Mesh::withdraw(PeerId from) {
  Peer& peer = *peers_[from];
  const Seq end = peer.out.chats().end();
  if (peer.out.chats().begin() == end) return;
  // In the name of all lanes, since refusals of these chats will be read by nobody;
  // before what the guest may send from inside.
  peer.out.chats().append(FrameType::lane_reset, {});
  take_back(peer, end, Settled::withdrawn);
  peer.out.chats().settle_through(end - 1);
  if (peer.out.up()) want_write(from);
}

// What has waited too long has no other way, or it would have been taken back.
void Mesh::tend_outage(Peer& peer) {
  if (now_ < peer.outage.wake_at()) return;
  if (peer.outage.begins_to_hold(now_)) guest_->on_unreachable(peer.id);
  const Seq before = peer.outage.overdue(now_, self_.timing.wait_max, peer.out.chats().end());
  take_back(peer, before, Settled::expired);
}

void Mesh::on_chat(PeerId id, std::uint32_t era, Seq seq, const ChatBody& chat) { guest_->on_chat(id, era, seq, chat); }

void Mesh::on_lane_reset(PeerId id, Seq seq, std::string_view recipient) { guest_->on_lane_reset(id, seq, recipient); }

void Mesh::on_wake(PeerId id, std::string_view user) { guest_->on_wake(id, user); }

}  // namespace peer
