// Whether everything is as it should be: while the storm rages, as far as anybody can ask for it
// then, and in the calm.
#include <algorithm>

#include "tests/sim/storm.h"

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr Micros look_every = 200ms;
// What is stored reaches who is there: the contract's second, and what a slow Redis takes of it.
constexpr Micros drained_within = 2s;
// When Redis is back everybody is looked after, so many at a time.
constexpr Micros crowd_drained_within = 20s;
// A link's silence (5 s), the hold (2 s), and what a slow Redis takes.
constexpr Micros rerouted_within = 9s;
// The silence, and wait_max.
constexpr Micros given_up_within = 38s;
constexpr Micros older_sessions_flush = 5s;

}  // namespace

// --- Meanwhile.

void Storm::look() {
  if (phase_ == Phase::restart || phase_ == Phase::death) return;
  events_.push_in(look_every, What::look, nowhere, 0);
  const Time now = events_.now();
  note_disturbances(now);
  for (const auto& [user, box] : mailboxes_.boxes()) {
    if (now - disturbed_at_ < (plan_.crowd > 0 ? crowd_drained_within : drained_within)) break;
    const Session* const session = people_.session_of(static_cast<std::uint8_t>(std::stoi(user.substr(4))));
    if (session != nullptr) look_for_stuck(*session, box);
  }
  judge_.look_for_waiting(now, [this](std::uint8_t node, std::uint8_t to) {
    return events_.now() - busy_at_[to] < drained_within ? Micros(peer::never) : patience(*nodes_[node]);
  });
  people_.look_for_unready(
      [this](std::uint8_t node) { return nodes_[node]->paused() ? Time(events_.now()) : nodes_[node]->awake_since(); });
}

void Storm::note_disturbances(Time now) {
  if (!undisturbed()) disturbed_at_ = now;
  if (slow_ways_ > 0) slow_at_ = now;
  for (std::uint8_t user = 0; user < plan_.users; ++user) {
    if (is_busy(user)) busy_at_[user] = now;
    if (people_.leaving(user)) leaving_at_[user] = now;
  }
}

// Its sessions have enough to do, or its mailbox is long: what comes directly waits behind that.
bool Storm::is_busy(std::uint8_t user) const {
  const auto box = mailboxes_.boxes().find(user_name(user));
  return people_.busy(user) || (box != mailboxes_.boxes().end() && box->second.entries.size() > 2 * plan_.mail_page);
}

// How long a chat of that node's may be on its way: a cut link is found out, given up, and its
// recipient's mailbox takes it, once Redis is there for a while; else for as long as anything waits.
// A sign of life that was stalled meanwhile makes a link that is cut look alive for longer.
Micros Storm::patience(const Node& node) const {
  const Time now = events_.now();
  const Micros moving = plan_.weather == Weather::links ? 0us : Micros(plan_.ack_timeout + older_sessions_flush);
  const Micros with_mail = rerouted_within + moving;
  const Micros without = given_up_within + moving;
  const auto calm_for = [&](Micros long_enough) {
    return node.up() && !node.paused() && !node.leaving() && now - node.awake_since() > long_enough &&
           now - slow_at_ > long_enough && now - freed_at_[node.index()] > long_enough;
  };
  const bool has_mail = node.mail() != nullptr && node.mail()->up() && now - node.mail()->up_since() > with_mail;
  if (has_mail && calm_for(with_mail)) return with_mail;
  return calm_for(without) ? without : Micros(peer::never);
}

// Nothing is cut, nobody sleeps, everybody has Redis and knows who is gone.
bool Storm::undisturbed() {
  if (ways_in_trouble_ > 0 || !registry_.sound()) return false;
  std::size_t up = 0;
  for (const auto& node : nodes_) up += node->up() && !node->leaving();
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    if (!node->up()) return true;
    if (node->paused() || node->leaving() || (node->mail() != nullptr && !node->mail()->up())) return false;
    const auto peers = node->mesh().view(events_.now());
    const auto missed = [](const auto& peer) {
      return peer.health != peer::Mesh::Health::dead && !(peer.synced && peer.accepts);
    };
    if (std::any_of(peers.begin(), peers.end(), missed)) return false;
    return 1 + static_cast<std::size_t>(std::count_if(peers.begin(), peers.end(),
                                                      [](const auto& peer) { return peer.synced && peer.accepts; })) ==
           up;
  });
}

// A session that reads everything has been there for a while and got nothing, though an
// entry has been there as long, and none was found to be known already.
void Storm::look_for_stuck(const Session& session, const Mailboxes::Box& box) {
  const Time since = events_.now() - drained_within;
  if (!session.quiet() || !session.ready() || session.over() || nodes_[session.node]->paused()) return;
  if (std::max({session.began, session.moved_at, leaving_at_[session.user], box.removed_at}) > since) return;
  for (const auto& [at, entry] : box.entries)
    if (entry.since <= since && !judge_.seen(entry.line) && counts(user_name(session.user), entry))
      return judge_.fail("stuck in the mailbox of " + user_name(session.user) +
                         ", who is there: " + judge_.describe(entry.line));
}

// --- In the calm.

bool Storm::calm() {
  unrest_.clear();
  if (awaited_ != nowhere && nodes_[awaited_]->up()) awaited_ = nowhere;
  if (awaited_ != nowhere) return unrest_ = "a node is not up", false;
  if (unrest_ = people_.unrest(); !unrest_.empty()) return false;
  if (!mail_is_calm()) return false;
  for (std::uint8_t user = 0; user < plan_.users; ++user)
    if (people_.live(user) != 1 && (people_.live(user) > 1 || phase_ < Phase::restart))
      return unrest_ = user_name(user) + " has " + std::to_string(people_.live(user)) + " sessions", false;
  up_ = static_cast<std::size_t>(
      std::count_if(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->up(); }));
  if (plan_.discovers && registry_.size() != up_)
    return unrest_ = "the set has " + std::to_string(registry_.size()) + " members", false;
  return std::all_of(nodes_.begin(), nodes_.end(), [this](const auto& node) { return node_is_calm(*node); });
}

// What was stored by a node that is gone may lie there until the next login, where
// nobody was told of it or that life of the node was never heard of.
bool Storm::counts(const std::string& user, const Mailboxes::Entry& entry) const {
  const Node& node = *nodes_[entry.node];
  if (entry.late) return false;
  if (node.up() && !node.leaving() && node.life() == entry.life) return true;
  const Session* const session = people_.session_of(static_cast<std::uint8_t>(std::stoi(user.substr(4))));
  return judge_.acked(entry.line) && (session == nullptr || judge_.met(session->node, entry.node, entry.life));
}

// Whoever is there has nothing waiting.
bool Storm::mail_is_calm() {
  for (const auto& [user, box] : mailboxes_.boxes())
    for (const auto& [at, entry] : box.entries)
      if (people_.live(static_cast<std::uint8_t>(std::stoi(user.substr(4)))) > 0 && counts(user, entry))
        return unrest_ = "something waits for " + user + " (" + judge_.describe(entry.line) + ")", false;
  for (const auto& node : nodes_)
    if (phase_ < Phase::restart && node->up() && node->mail() != nullptr &&
        (!node->mail()->up() || !node->mail()->idle()))
      return unrest_ = Node::name(node->index()) + " owes Redis something", false;
  return true;
}

bool Storm::node_is_calm(Node& node) {
  if (!node.up()) return true;
  peer::Mesh& mesh = node.mesh();
  const std::string& name = mesh.self().name;
  std::size_t linked = 0;
  for (const auto& peer : mesh.view(events_.now())) {
    if (peer.synced && peer.accepts)
      ++linked;
    else if (plan_.discovers || nodes_[static_cast<std::size_t>(peer.name.back() - '0')]->up())
      return unrest_ = name + " is not linked with " + peer.name + ": " + peer.why, false;
  }
  if (linked + 1 != up_ || (up_ == nodes_.size() && !mesh.whole())) return unrest_ = name + " is not whole", false;
  if (mesh.unsettled_bytes() != 0)
    return unrest_ = name + " holds " + std::to_string(mesh.unsettled_bytes()) + " bytes unsettled", false;
  if (!node.router().idle()) return unrest_ = name + " has chats on their way", false;
  if (node.router().barriers() != 0)
    return unrest_ = name + " still refuses " + std::to_string(node.router().barriers()) + " lanes", false;
  return directory_is_true(node);
}

bool Storm::directory_is_true(Node& node) {
  const peer::Mesh& mesh = node.mesh();
  std::size_t here = crowds_[node.index()].here();
  std::size_t elsewhere = 0;
  for (const Crowd& crowd : crowds_) elsewhere += crowd.here();
  elsewhere -= here;
  for (std::uint8_t user = 0; user < plan_.users; ++user) {
    const std::string name = user_name(user);
    const std::string at = mesh.self().name;
    const Session* const session = people_.session_of(user);
    const bool online = session != nullptr;
    if (node.router().online(name) != online)
      return unrest_ = at + " takes " + name + (online ? " for away" : " for online"), false;
    const peer::PeerId owner = mesh.owner(mesh.hash(name));
    if (online && Node::name(session->node) == at) {
      ++here;
      if (owner != peer::no_peer) return unrest_ = at + " has " + name + " here and elsewhere", false;
    } else if (online) {
      ++elsewhere;
      if (owner == peer::no_peer || mesh.name_of(owner) != Node::name(session->node))
        return unrest_ = at + " does not know where " + name + " is", false;
    }
  }
  if (node.router().users().size() != here || mesh.directory().size() != elsewhere)
    return unrest_ = mesh.self().name + " knows of " + std::to_string(mesh.directory().size()) +
                     " logins elsewhere and " + std::to_string(node.router().users().size()) + " here, but there are " +
                     std::to_string(elsewhere) + " and " + std::to_string(here),
           false;
  return true;
}

}  // namespace sim
