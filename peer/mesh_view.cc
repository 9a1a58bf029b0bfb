// The mesh for those who watch it.
#include <algorithm>

#include "peer/mesh.h"

namespace peer {

std::vector<Mesh::PeerView> Mesh::view(Time now) const {
  std::vector<PeerView> views;
  for (const auto& peer : peers_) {
    if (!peer->listed && peer->incarnation == Incarnation::none) continue;
    PeerView view;
    view.name = peer->name;
    view.address = peer->address;
    view.incarnation = peer->incarnation;
    const bool silent = peer->out.up() && now - peer->out.silent_since() >= self_.timing.suspect_after;
    view.health = peer->incarnation == Incarnation::none ? Health::dead
                  : !linked(*peer) || silent             ? Health::suspect
                                                         : Health::alive;
    view.state = peer->out.state();
    view.listed = peer->listed;
    view.refused = peer->out.refused().has_value();
    view.synced = peer->out.synced();
    view.accepts = peer->in.connected();
    view.rtt = peer->out.rtt();
    view.waiting_bytes = peer->out.chats().bytes();
    view.reconnects = peer->out.reconnects();
    view.users = directory_.size(peer->slot);
    view.why = peer->out.why_down();
    if (view.state == OutLink::State::waiting)
      view.next_try = std::chrono::duration_cast<Millis>(std::max(peer->out.wake_at() - now, Time(0)));
    view.canary = peer->canary.verdict();
    view.round_trips = peer->canary.round_trips();
    views.push_back(std::move(view));
  }
  return views;
}

bool Mesh::whole() const {
  return std::all_of(peers_.begin(), peers_.end(),
                     [](const auto& peer) { return !peer->listed || (peer->out.synced() && peer->in.connected()); });
}

}  // namespace peer
