// The mesh's canaries: what goes through the numbered streams to see that it comes.

#include "peer/mesh.h"

namespace peer {

// They pass the bound of the window: there is one each way, and it shall tell that
// the window is full of what does not get through.
void Mesh::tend_canary(Peer& peer) {
  const Canary::Verdict before = peer.canary.verdict();
  if (peer.canary.tick(now_)) {
    peer.out.chats().settle(peer.canary.out());
    peer.canary.sent(now_, peer.out.chats().append(FrameType::canary, {}));
    want_write(peer.id);
  }
  note_canary(peer, before);
}

void Mesh::note_canary(Peer& peer, Canary::Verdict before) {
  const Canary::Verdict after = peer.canary.verdict();
  const auto lost = [](Canary::Verdict verdict) {
    return verdict == Canary::Verdict::lost_there || verdict == Canary::Verdict::lost_back;
  };
  if (lost(after) && after != before)
    report(Report::Kind::canary_lost, peer, canary_why(after, self_.name, peer.name));
  else if (lost(before) && after == Canary::Verdict::ok)
    report(Report::Kind::canary_back, peer, "");
}

// What is out, and what is owed, is of these connections alone.
void Mesh::stop_canaries(Peer& peer) {
  if (!peer.in.connected()) peer.canary_owed = 0;
  if (const Seq out = peer.canary.stop()) peer.out.chats().settle(out);
  if (!peer.out.up() && peer.canary_paid != 0) peer.out.chats().settle(std::exchange(peer.canary_paid, 0));
}

// The peer's may come before my own link is up; the last one counts.
void Mesh::on_canary(PeerId id, Seq seq) {
  peers_[id]->canary_owed = seq;
  send_back(*peers_[id]);
}

void Mesh::send_back(Peer& peer) {
  if (peer.canary_owed == 0 || !peer.out.up()) return;
  if (peer.canary_paid != 0) peer.out.chats().settle(peer.canary_paid);
  Buffer body;
  Writer(body).u64(std::exchange(peer.canary_owed, 0));
  peer.canary_paid = peer.out.chats().append(FrameType::canary_back, body.view());
  want_write(peer.id);
}

// Canaries are no chats.
std::size_t Mesh::unsettled_bytes() const {
  std::size_t bytes = chats_pool_.bytes;
  for (const auto& peer : peers_)
    for (const Seq seq : {peer->canary.out(), peer->canary_paid})
      if (const Stream::Held held = peer->out.chats().find(seq); held.known)
        bytes -= held.body.size() + frame_header_bytes;
  return bytes;
}

// It has come there, whether or not that is confirmed by now.
void Mesh::on_canary_back(PeerId id, Seq mine) {
  Peer& peer = *peers_[id];
  const Canary::Verdict before = peer.canary.verdict();
  if (mine == peer.canary.out()) peer.out.chats().settle(mine);
  peer.canary.on_back(now_, mine);
  note_canary(peer, before);
}

}  // namespace peer
