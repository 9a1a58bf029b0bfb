#include "src/node/vitals.h"

namespace node {

namespace {

// A sentence that names a hundred nodes is read by nobody.
constexpr std::size_t named_max = 8;

// Of the links with one peer, what is missing; empty: nothing.
std::string missing(const std::string& self, const peer::Mesh::PeerView& peer) {
  std::string what;
  if (!peer.listed) return what;
  if (!peer.synced) what = "link to " + peer.name + ": " + std::string(link_word(peer));
  if (!peer.synced && !peer.why.empty()) what += " (" + peer.why + ")";
  if (!peer.accepts) what += (what.empty() ? "link from " : "; link from ") + peer.name + ": down";
  if (what.empty()) what = peer::canary_why(peer.canary, self, peer.name);
  return what;
}

}  // namespace

std::string_view word(peer::Mesh::Health health) {
  switch (health) {
    case peer::Mesh::Health::alive: return "alive";
    case peer::Mesh::Health::suspect: return "suspect";
    case peer::Mesh::Health::dead: return "dead";
  }
  return "";
}

std::string_view word(Vitals::Service service) {
  switch (service) {
    case Vitals::Service::none: return "none";
    case Vitals::Service::down: return "down";
    case Vitals::Service::up: return "up";
  }
  return "";
}

std::string_view word(LinkState state) {
  switch (state) {
    case LinkState::down: return "down";
    case LinkState::refused: return "refused";
    case LinkState::backoff: return "backoff";
    case LinkState::connecting: return "connecting";
    case LinkState::syncing: return "syncing";
    case LinkState::up: return "up";
  }
  return "";
}

LinkState link_state(const peer::Mesh::PeerView& peer) {
  switch (peer.state) {
    case peer::OutLink::State::idle: return LinkState::down;
    case peer::OutLink::State::waiting: return peer.refused ? LinkState::refused : LinkState::backoff;
    case peer::OutLink::State::dialling:
    case peer::OutLink::State::greeting:
    case peer::OutLink::State::proving: return LinkState::connecting;
    case peer::OutLink::State::up: return peer.synced ? LinkState::up : LinkState::syncing;
  }
  return LinkState::down;
}

std::string why_not_ready(const Vitals& vitals) {
  if (vitals.stage == Vitals::Stage::starting) return "starting: Redis has not answered yet";
  if (vitals.stage == Vitals::Stage::draining) return "draining: this node sends its users elsewhere";
  if (vitals.redis == Vitals::Service::up && !vitals.set_read) return "the set of nodes has not been read yet";
  std::string why;
  std::size_t count = 0;
  for (const peer::Mesh::PeerView& peer : vitals.peers) {
    const std::string what = missing(vitals.name, peer);
    if (what.empty()) continue;
    if (++count <= named_max) why += (why.empty() ? "" : "; ") + what;
  }
  if (count > named_max) why += "; and " + std::to_string(count - named_max) + " more nodes";
  return why;
}

}  // namespace node
