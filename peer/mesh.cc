#include "peer/mesh.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace peer {

namespace {

// Names ever met by this process; a bound, not a goal.
constexpr std::size_t peers_max = 4096;
// Lives of one name that are remembered as given up.
constexpr std::size_t buried_max = 8;
// Changes gathered in a turn before they are told anyway; far under a frame.
constexpr std::size_t changed_users_bytes_max = 65536;
// Control frames of all links together; each has its own, smaller bound.
constexpr std::size_t control_total_bytes = std::size_t{1} << 30U;

Incarnation draw_incarnation(Chance& chance) {
  for (;;)
    if (const std::uint64_t drawn = chance.next(); drawn != 0) return Incarnation{drawn};
}

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
  self_.incarnation = draw_incarnation(chance);
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

// --- Peers.

Mesh::Peer* Mesh::find(std::string_view name) {
  for (const auto& peer : peers_)
    if (peer->name == name) return peer.get();
  return nullptr;
}

Mesh::Peer* Mesh::find_or_add(std::string_view name) {
  if (Peer* const known = find(name)) return known;
  if (peers_.size() >= peers_max) return nullptr;
  peers_.push_back(std::make_unique<Peer>(static_cast<PeerId>(peers_.size()), std::string(name), *this));
  return peers_.back().get();
}

void Mesh::report(Report::Kind kind, const Peer& peer, std::string_view why) {
  world_->report({kind, peer.name, to_string(peer.address), std::string(why), peer.id});
}

// The set says that it should be there.
void Mesh::expect(Peer& peer, const Address& address, Incarnation leased) {
  const bool moved = peer.address != address;
  const bool reborn = leased != Incarnation::none && leased != peer.leased;
  if (moved && !peer.fixed) peer.address = address;
  if (leased != Incarnation::none) peer.leased = leased;
  const bool fresh = !peer.listed;
  peer.listed = true;
  // The life that I know is over; while a link with it is alive, though, a lease
  // may just be older than a hello, so the next hello decides.
  if (reborn && peer.incarnation != Incarnation::none && peer.incarnation != leased && !linked(peer))
    give_up(peer, Report::Kind::node_dead, "its lease is another life's");
  if (life_ == Life::running && !peer.out.up() && (fresh || moved || reborn || !peer.out.wanted()))
    peer.out.start(now_);
  wake_sooner(peer);
}

// A node has proven that it is `theirs`. Which life of it is the true one?
std::optional<Refused> Mesh::meet(Peer& peer, const Hello& theirs) {
  if (life_ != Life::running) return Refused{Refusal::leaving, self_.name + " is about to leave or asleep"};
  if (std::find(peer.buried.begin(), peer.buried.end(), theirs.incarnation) != peer.buried.end())
    return Refused{Refusal::given_up, self_.name + " has given up this life of " + peer.name +
                                          ": it has to come back with a new incarnation"};
  if (peer.incarnation == theirs.incarnation) return std::nullopt;
  if (peer.incarnation != Incarnation::none) {
    const bool succeeds =
        theirs.previous == peer.incarnation || theirs.incarnation == peer.leased || peer.left || !linked(peer);
    if (!succeeds)
      return Refused{Refusal::name_taken, "two nodes are called " + peer.name + ": one at " + to_string(peer.address) +
                                              " is linked, another came from " + to_string(theirs.advertised) +
                                              "; give one of them another name (--node)"};
    forget_life(peer);
  } else if (!peer.buried.empty()) {
    // The life that was given up may have lived on for a while.
    guest_->on_era(peer.id);
  }
  peer.incarnation = theirs.incarnation;
  if (!peer.fixed && (!peer.listed || theirs.incarnation == peer.leased)) peer.address = theirs.advertised;
  report(Report::Kind::node_joined, peer, "");
  lose_chats(peer);
  return std::nullopt;
}

// The life of it that was known is over.
void Mesh::forget_life(Peer& peer) {
  peer.buried.push_back(peer.incarnation);
  if (peer.buried.size() > buried_max) peer.buried.erase(peer.buried.begin());
  peer.incarnation = Incarnation::none;
  peer.left = false;
  peer.in.lose("its life is over");
  if (peer.out.up()) {
    peer.out.stop("its life is over");
    if (life_ == Life::running) peer.out.start(now_);
  }
  peer.down_since = never;
  forget_streams(peer);
}

// A new life of either side: the streams of both directions begin anew. What it
// told of its users stands until it is replaced. Its chats are still to be lost,
// once the table is in order again.
void Mesh::forget_streams(Peer& peer) {
  peer.out.forget();
  peer.in.forget();
  directory_.drop(std::exchange(peer.loading, Directory::none));
  guest_->on_era(peer.id);
}

void Mesh::give_up(Peer& peer, Report::Kind kind, std::string_view why) {
  report(kind, peer, why);
  if (peer.incarnation != Incarnation::none) forget_life(peer);
  forget_users(peer);
  if (!peer.listed) peer.out.stop("the node is gone");
  lose_chats(peer);
  wake_sooner(peer);
}

void Mesh::forget_users(Peer& peer) {
  directory_.drop(std::exchange(peer.loading, Directory::none));
  directory_.drop(std::exchange(peer.slot, Directory::none));
}

std::vector<Member> Mesh::listed(const std::vector<Listed>& view, Time now) {
  now_ = now;
  std::vector<std::string> known;
  for (const auto& peer : peers_)
    if (peer->incarnation != Incarnation::none && !peer->fixed) known.push_back(peer->name);
  Membership::Verdict verdict = membership_.review(
      view, known,
      [this](std::string_view name) {
        Peer* const peer = find(name);
        return peer != nullptr && linked(*peer);
      },
      now);
  for (const auto& peer : peers_) {
    const bool present = std::any_of(verdict.present.begin(), verdict.present.end(),
                                     [&](const Listed& each) { return each.member.name == peer->name; });
    if (present || peer->fixed || !peer->listed) continue;
    peer->listed = false;
    if (peer->incarnation == Incarnation::none) peer->out.stop("it is not in the set of nodes");
  }
  for (const std::string& name : verdict.given_up)
    if (Peer* const peer = find(name); peer != nullptr && peer->incarnation != Incarnation::none)
      give_up(*peer, Report::Kind::node_dead, "its lease is gone and its link is down");
  for (const Listed& each : verdict.present)
    if (Peer* const peer = find_or_add(each.member.name))
      expect(*peer, each.member.address, each.lease ? each.lease->incarnation : Incarnation::none);
  return std::move(verdict.take_out);
}

// Without Redis silence is all there is to judge by.
void Mesh::give_up_the_silent() {
  if (discovers_) return;
  for (const auto& peer : peers_)
    if (peer->incarnation != Incarnation::none && peer->down_since != never &&
        now_ - peer->down_since >= self_.timing.dead_after)
      give_up(*peer, Report::Kind::node_dead, "all links with it have been down for too long");
}

void Mesh::note_links(Peer& peer) {
  if (peer.out.up() || peer.incarnation == Incarnation::none)
    peer.outage.end();
  else
    peer.outage.begin(now_, self_.timing.hold, peer.out.chats().end());
  if (peer.out.up() && peer.in.connected() && life_ == Life::running)
    peer.canary.start(now_);
  else
    stop_canaries(peer);
  if (linked(peer) || peer.incarnation == Incarnation::none)
    peer.down_since = never;
  else if (peer.down_since == never)
    peer.down_since = now_;
  wake_sooner(peer);
}

// --- My own life.

void Mesh::hang_up_all(std::string_view why) {
  clear_lobby(never);
  for (const auto& peer : peers_) {
    peer->in.lose(why);
    peer->out.stop(why);
  }
}

void Mesh::suspend(Time now) {
  now_ = now;
  if (life_ == Life::running) life_ = Life::suspended;
  membership_.session_lost();
  hang_up_all("this process was paused");
}

void Mesh::resume(Time now) {
  now_ = now;
  if (life_ == Life::suspended) run();
}

// What was silent meanwhile may have been so because I was not there.
void Mesh::run() {
  life_ = Life::running;
  for (const auto& peer : peers_) {
    if (peer->down_since != never) peer->down_since = now_;
    if (peer->incarnation != Incarnation::none)
      peer->outage.begin_anew(now_, self_.timing.hold, peer->out.chats().end());
  }
  start_all();
}

void Mesh::reincarnate(Time now) {
  now_ = now;
  reborn_due_ = false;
  if (life_ == Life::leaving) return;
  self_.previous = self_.incarnation;
  self_.incarnation = draw_incarnation(*chance_);
  world_->report({Report::Kind::reincarnated, self_.name, to_string(self_.advertised),
                  "the others had given this node up; it joins anew"});
  hang_up_all("this node joins anew");
  for (const auto& peer : peers_)
    if (peer->incarnation != Incarnation::none) forget_streams(*peer);
  run();
  for (const auto& peer : peers_) lose_chats(*peer);
}

void Mesh::leave(Time now) {
  now_ = now;
  life_ = Life::leaving;
  tell_users();
  clear_lobby(never);
  for (const auto& peer : peers_) {
    stop_canaries(*peer);
    if (peer->out.up())
      peer->out.say_bye();
    else
      peer->out.stop("this node leaves");
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
