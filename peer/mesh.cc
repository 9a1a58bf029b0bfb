// The mesh: its connections, what links tell it, this node's users. Who the others are
// is in mesh_lives.cc, chats are in mesh_chats.cc.
#include "peer/mesh.h"

#include <algorithm>
#include <utility>

namespace peer {

namespace {

// Changes gathered in a turn before they are told anyway; far under a frame.
constexpr std::size_t changed_users_bytes_max = 65536;
// Control frames of all links together; each has its own, smaller bound.
constexpr std::size_t control_total_bytes = std::size_t{1} << 30U;

}  // namespace

void write_user(Buffer& into, bool on, Stamp stamp, std::string_view name) {
  Writer writer(into);
  writer.u8(on ? 1 : 0);
  writer.u64(stamp);
  writer.text8(name);
}

Mesh::Peer::Peer(PeerId its_id, std::string its_name, Mesh& mesh)
    : id(its_id),
      name(std::move(its_name)),
      canary(mesh.self_.timing.canary_every, mesh.self_.timing.canary_patience),
      out(id, name, mesh.self_, mesh, *mesh.chance_, mesh.chats_pool_, mesh.control_pool_),
      in(id, mesh.self_, mesh, mesh.control_pool_) {}

Mesh::Mesh(Settings settings, World& world, Guest& guest, Chance& chance)
    : self_(std::move(settings.self)),
      world_(&world),
      guest_(&guest),
      chance_(&chance),
      discovers_(settings.discovers),
      hash_key_{chance.next(), chance.next()},
      chats_pool_{settings.window_total_bytes, 0},
      control_pool_{control_total_bytes, 0},
      lobby_(self_, chance),
      membership_(self_),
      slot_peer_(1, no_peer) {
  draw_incarnation();
  for (const Member& member : settings.peers) {
    if (member.name == self_.name) continue;
    Peer* const peer = find_or_add(member.name);
    if (peer == nullptr) continue;
    peer->address = member.address;
    peer->listed = peer->fixed = true;
  }
}

Mesh::~Mesh() = default;

void Mesh::start(Time now) {
  now_ = now;
  start_all();
}

void Mesh::start_all() {
  for (const auto& peer : peers_)
    if (peer->listed) {
      peer->out.start(now_);
      wake_sooner(*peer);
    }
}

// --- Connections.

ConnId Mesh::accepted(Time now, std::string_view remote) {
  now_ = now;
  if (life_ != Life::running) return 0;
  const ConnId id = ++last_conn_;
  if (const ConnId pushed_out = lobby_.take_in(id, remote, now)) world_->close(pushed_out);
  wake_at_ = std::min(wake_at_, lobby_.wake_at());
  return id;
}

void Mesh::opened(ConnId id, Time now) {
  now_ = now;
  const auto at = conns_.find(id);
  if (at == conns_.end()) return;
  peers_[at->second.peer]->out.on_opened(now);
}

void Mesh::bytes(ConnId id, Time now, std::string_view bytes) {
  now_ = now;
  if (Reception* const reception = lobby_.find(id)) return on_reception(id, *reception, reception->on_bytes(bytes));
  const auto at = conns_.find(id);
  if (at == conns_.end()) return;
  switch (at->second.duty) {
    case Duty::out: return peers_[at->second.peer]->out.on_bytes(now, bytes);
    case Duty::in: return peers_[at->second.peer]->in.on_bytes(now, bytes);
  }
}

void Mesh::on_reception(ConnId id, Reception& reception, Reception::State state) {
  if (state == Reception::State::proven) {
    Peer* const peer = find_or_add(reception.theirs().node);
    std::optional<Refused> stands =
        peer != nullptr ? meet(*peer, reception.theirs()) : Refused{Refusal::unexpected, "too many nodes are known"};
    if (!stands) return admit(id, reception, *peer);
    reception.refuse(*stands);
    state = Reception::State::refused;
  }
  if (state != Reception::State::refused) {
    if (reception.has_words()) world_->want_write(id);
    return;
  }
  const bool known = !reception.theirs().node.empty();
  world_->report({Report::Kind::accept_refused, known ? reception.theirs().node : "", reception.remote(),
                  reception.refusal()->why});
  Buffer last;
  reception.fill(last);
  lobby_.leave(id);
  world_->farewell(id, last.view());
}

void Mesh::admit(ConnId id, const Reception& reception, Peer& peer) {
  peer.in.lose("its newer connection takes the place of this one");
  const ProofBody proof = reception.proof();
  Welcome welcome = peer.in.welcome();
  welcome.proof = reception.prove_mine(welcome);
  lobby_.leave(id);
  conns_[id] = {Duty::in, peer.id};
  peer.in_conn = id;
  peer.in.on_connected(now_, proof, welcome);
  report(Report::Kind::accepted, peer, "");
  // It lives, so a dial of mine would succeed now.
  if (!peer.out.connected()) peer.out.start(now_);
  note_links(peer);
}

void Mesh::lost(ConnId id, Time now, std::string_view why) {
  now_ = now;
  const auto at = conns_.find(id);
  if (lobby_.leave(id) || at == conns_.end()) return;
  const Conn conn = at->second;
  Peer& peer = *peers_[conn.peer];
  conns_.erase(at);
  switch (conn.duty) {
    case Duty::out: peer.out_conn = 0; return peer.out.on_lost(now, why);
    case Duty::in: peer.in_conn = 0; return peer.in.on_lost(why);
  }
}

void Mesh::fill(ConnId id, Buffer& out) {
  tell_users();
  if (Reception* const reception = lobby_.find(id)) return reception->fill(out);
  const auto at = conns_.find(id);
  if (at == conns_.end()) return;
  switch (at->second.duty) {
    case Duty::out: return peers_[at->second.peer]->out.fill(out);
    case Duty::in: return peers_[at->second.peer]->in.fill(out);
  }
}

void Mesh::close(ConnId& conn) {
  if (conn == 0) return;
  world_->close(conn);
  conns_.erase(conn);
  conn = 0;
}

void Mesh::clear_lobby(Time due) {
  for (const ConnId id : lobby_.overdue(due)) world_->close(id);
}

void Mesh::tick(Time now) {
  now_ = now;
  if (now < wake_at_) return;
  tell_users();
  clear_lobby(now);
  for (const auto& peer : peers_) {
    peer->out.tick(now);
    peer->in.tick(now);
    tend_outage(*peer);
    tend_canary(*peer);
  }
  give_up_the_silent();
  if (reborn_due_) reincarnate(now);
  plan_wake();
}

void Mesh::plan_wake() {
  wake_at_ = reborn_due_ ? now_ : lobby_.wake_at();
  for (const auto& peer : peers_) wake_sooner(*peer);
}

void Mesh::wake_sooner(const Peer& peer) {
  wake_at_ = std::min({wake_at_, peer.out.wake_at(), peer.in.wake_at(), peer.outage.wake_at(), peer.canary.wake_at()});
  if (!discovers_ && peer.down_since != never) wake_at_ = std::min(wake_at_, peer.down_since + self_.timing.dead_after);
}

// --- OutLink::Owner

void Mesh::dial(PeerId id) {
  Peer& peer = *peers_[id];
  peer.out_conn = ++last_conn_;
  conns_[peer.out_conn] = {Duty::out, id};
  world_->dial(peer.out_conn, peer.address);
}

void Mesh::hang_up(PeerId id) { close(peers_[id]->out_conn); }

void Mesh::want_write(PeerId id) {
  if (peers_[id]->out_conn != 0) world_->want_write(peers_[id]->out_conn);
}

std::optional<Refused> Mesh::on_met(PeerId id, const Hello& theirs) { return meet(*peers_[id], theirs); }

bool Mesh::next_users(std::uint64_t& cursor, Buffer& into, std::size_t bytes) {
  return guest_->next_users(cursor, into, bytes);
}

void Mesh::on_link_up(PeerId id) {
  Peer& peer = *peers_[id];
  mark_unawaited(peer);
  report(Report::Kind::link_up, peer, "");
  note_links(peer);
  send_back(peer);
}

void Mesh::on_link_down(PeerId id, bool was_up, std::string_view why) {
  Peer& peer = *peers_[id];
  report(was_up ? Report::Kind::link_down : Report::Kind::dial_failed, peer, why);
  if (life_ == Life::leaving) peer.out.stop(why);
  if (peer.left) give_up(peer, Report::Kind::node_left, "it said so");
  note_links(peer);
}

// Not here and now: the link that brought the news is still in the middle of it.
void Mesh::on_given_up(PeerId) {
  reborn_due_ = true;
  wake_at_ = std::min(wake_at_, now_);
}

// --- InLink::Owner

void Mesh::hang_up_in(PeerId id) { close(peers_[id]->in_conn); }

void Mesh::want_write_in(PeerId id) {
  if (peers_[id]->in_conn != 0) world_->want_write(peers_[id]->in_conn);
}

void Mesh::on_in_down(PeerId id, std::string_view why) {
  report(Report::Kind::accept_lost, *peers_[id], why);
  note_links(*peers_[id]);
}

// A goodbye goes ahead of what was still to be told of users.
void Mesh::on_snapshot_begin(PeerId id) {
  Peer& peer = *peers_[id];
  if (peer.left) return;
  directory_.drop(std::exchange(peer.loading, Directory::none));
  const bool replaces = peer.slot != Directory::none;
  const Directory::Slot slot = directory_.open(peer.name, replaces);
  (replaces ? peer.loading : peer.slot) = slot;
  if (slot_peer_.size() <= slot) slot_peer_.resize(slot + std::size_t{1}, no_peer);
  slot_peer_[slot] = id;
}

void Mesh::on_snapshot_end(PeerId id) {
  Peer& peer = *peers_[id];
  if (peer.loading == Directory::none) return;
  directory_.publish(peer.loading);
  directory_.drop(std::exchange(peer.slot, std::exchange(peer.loading, Directory::none)));
}

bool Mesh::on_users(PeerId id, std::string_view records) {
  const Peer& peer = *peers_[id];
  const Directory::Slot slot = peer.loading != Directory::none ? peer.loading : peer.slot;
  if (slot == Directory::none) return peer.left;
  Reader reader(records);
  while (reader.more()) {
    const bool on = reader.u8() != 0;
    const Stamp stamp = reader.u64();
    const std::string_view name = reader.text8();
    if (!reader.ok() || name.empty()) return false;
    const std::uint64_t user = hash(name);
    if (!on) {
      directory_.remove(slot, user, stamp);
      continue;
    }
    clock_.observe(stamp);
    if (directory_.add(slot, user, stamp)) guest_->on_user(id, name, user, stamp);
  }
  return true;
}

void Mesh::on_datagram(PeerId id, std::string_view bytes) {
  if (datagram_sink_ != nullptr) datagram_sink_->on_datagram(id, bytes);
}

void Mesh::on_bye(PeerId id) {
  Peer& peer = *peers_[id];
  if (!peer.fixed) peer.listed = false;
  forget_users(peer);
  // Its last outcomes may still be on their way on the other connection: with the
  // end of that it is gone.
  peer.left = true;
  if (!peer.out.up()) give_up(peer, Report::Kind::node_left, "it said so");
}

// --- Users of this node.

void Mesh::user_on(std::string_view name, Stamp stamp) {
  if (changed_users_.size() >= changed_users_bytes_max) tell_users();
  if (changed_users_.empty())
    for (const auto& peer : peers_)
      if (peer->out.up()) want_write(peer->id);
  write_user(changed_users_, true, stamp, name);
}

void Mesh::user_off(std::string_view name, Stamp stamp) {
  if (changed_users_.size() >= changed_users_bytes_max) tell_users();
  if (changed_users_.empty())
    for (const auto& peer : peers_)
      if (peer->out.up()) want_write(peer->id);
  write_user(changed_users_, false, stamp, name);
}

void Mesh::tell_users() {
  if (changed_users_.empty()) return;
  Buffer told;
  told.swap(changed_users_);
  for (const auto& peer : peers_) peer->out.users_changed(told.view(), now_);
}

}  // namespace peer
