// The mesh's nodes: who they are, met, given up, met again; and this one's own life.

#include <algorithm>
#include <utility>

#include "peer/mesh.h"

namespace peer {

namespace {

// Names ever met by this process; a bound, not a goal.
constexpr std::size_t peers_max = 4096;
// Lives of one name that are remembered as given up.
constexpr std::size_t buried_max = 8;

}  // namespace

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

void Mesh::draw_incarnation() {
  do self_.incarnation = Incarnation{chance_->next()};
  while (self_.incarnation == Incarnation::none);
}

void Mesh::reincarnate(Time now) {
  now_ = now;
  reborn_due_ = false;
  if (life_ == Life::leaving) return;
  self_.previous = self_.incarnation;
  draw_incarnation();
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

}  // namespace peer
