#include "src/node/cluster.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace node {

namespace {

using Links = std::vector<std::pair<const LinkWord*, peer::Time>>;  // when each was told

// Somebody who tells of its links.
struct Teller {
  std::string_view name;
  peer::Time last{0};  // its last word on anything
  Links links;
};

NodeSight self_of(const Vitals& vitals) {
  NodeSight self{vitals.name, peer::Mesh::Health::alive, true, vitals.incarnation, vitals.peer};
  self.identity = identity_of(vitals);
  self.load = load_of(vitals);
  return self;
}

// As this node sees it, with what it tells where that is of now.
NodeSight sight_of(const peer::Mesh::PeerView& peer, const Hearsay& hearsay, peer::Time now) {
  NodeSight sight{peer.name, peer.health, peer.listed};
  if (peer.incarnation != peer::Incarnation::none) sight.incarnation = peer.incarnation;
  sight.peer = peer.address;
  if (peer.synced || peer.accepts) sight.users = peer.users;
  const Hearsay::Word* const word = hearsay.find(peer.name);
  if (word == nullptr || word->life != peer.incarnation) return sight;
  sight.age = std::chrono::duration_cast<peer::Millis>(now - word->at);
  if (!Hearsay::fresh(*word, now)) return sight;
  sight.identity = word->identity;
  sight.load = word->load;
  return sight;
}

// Those whose word on their links holds: this node, and who has told lately.
std::vector<Teller> tellers(const Vitals& vitals, const std::vector<LinkWord>& own, const Hearsay& hearsay,
                            peer::Time now) {
  std::vector<Teller> tellers{{vitals.name, now, {}}};
  for (const LinkWord& link : own) tellers[0].links.emplace_back(&link, now);
  for (const peer::Mesh::PeerView& peer : vitals.peers) {
    const Hearsay::Word* const word = hearsay.find(peer.name);
    if (word == nullptr || word->life != peer.incarnation || !Hearsay::fresh(*word, now)) continue;
    Teller teller{peer.name, word->at, {}};
    for (const auto& [name, told] : word->links) teller.links.emplace_back(&told.link, told.at);
    tellers.push_back(std::move(teller));
  }
  return tellers;
}

// The best that anybody says of it: one that one node can't reach may be reached by
// others, and one that this node has not heard of yet may be there.
void add_others_views(std::vector<NodeSight>& nodes, const std::vector<Teller>& tellers) {
  std::unordered_map<std::string, std::size_t> at;
  for (std::size_t i = 0; i < nodes.size(); ++i) at.emplace(nodes[i].name, i);
  for (const Teller& teller : tellers)
    for (const auto& [link, told_at] : teller.links) {
      const auto [known, added] = at.emplace(link->peer, nodes.size());
      if (added) nodes.push_back({link->peer, link->health, link->listed});
      NodeSight& sight = nodes[known->second];
      sight.health = std::min(sight.health, link->health);
    }
}

// What one of its ends says of a link. The nodes by their place in the picture.
struct Claim {
  std::uint64_t place = 0;  // from, to, and then the dialler before the other end
  const LinkWord* word = nullptr;
  peer::Time at{0};
  peer::Time last{0};  // heard of whoever says it
};

constexpr unsigned place_bits = 31;  // of `from`, and of `to` with the end

Claim claim(std::size_t from, std::size_t to, bool dialler, const LinkWord& word) {
  return {(std::uint64_t{from} << (place_bits + 1)) | (std::uint64_t{to} << 1U) | (dialler ? 0U : 1U), &word};
}

std::vector<Claim> claims(const std::vector<NodeSight>& nodes, const std::vector<Teller>& tellers) {
  std::unordered_map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < nodes.size(); ++i) places.emplace(nodes[i].name, i);
  std::vector<Claim> claims;
  for (const Teller& teller : tellers) {
    const std::size_t self = places.at(teller.name);
    for (const auto& [link, at] : teller.links) {
      const std::size_t other = places.at(link->peer);
      for (Claim each : {claim(self, other, true, *link), claim(other, self, false, *link)}) {
        each.at = at;
        each.last = teller.last;
        claims.push_back(each);
      }
    }
  }
  std::sort(claims.begin(), claims.end(), [](const Claim& a, const Claim& b) { return a.place < b.place; });
  return claims;
}

bool is_up(LinkState state) { return state == LinkState::up || state == LinkState::syncing; }

// The dialler's own word.
void believe(LinkSight& link, const Claim& claim, peer::Time now) {
  link.state = claim.word->state;
  link.word = *claim.word;
  if (!claim.word->next_try) return;
  const auto age = std::chrono::duration_cast<peer::Millis>(now - claim.at);
  link.next_try = std::max(*claim.word->next_try - age, peer::Millis(0));
}

// The other end's. The dialler's is the better one, unless that has been silent since
// this end said otherwise: it may be gone.
void weigh(LinkSight& link, const Claim& claim, peer::Time dialler_last) {
  link.accepted = claim.word->accepted;
  if (!link.word && claim.word->accepted) link.state = LinkState::up;
  if (!link.word || !is_up(link.state) || claim.word->accepted || dialler_last >= claim.at) return;
  link.state = LinkState::down;
  link.word.reset();
}

std::vector<LinkSight> links_between(const std::vector<NodeSight>& nodes, const std::vector<Teller>& tellers,
                                     peer::Time now) {
  std::vector<LinkSight> links;
  peer::Time dialler_last{0};
  std::uint64_t last = ~std::uint64_t{0};
  for (const Claim& claim : claims(nodes, tellers)) {
    const std::uint64_t pair = claim.place >> 1U;
    if (std::exchange(last, pair) != pair)
      links.push_back({nodes[pair >> place_bits].name, nodes[pair & ((std::uint64_t{1} << place_bits) - 1)].name});
    if ((claim.place & 1U) == 0) {
      believe(links.back(), claim, now);
      dialler_last = claim.last;
    } else {
      weigh(links.back(), claim, dialler_last);
    }
  }
  return links;
}

// Of those that should be there each pair has both links; what nobody has told of is
// not there.
bool whole(const Cluster& cluster) {
  std::unordered_map<std::string_view, bool> listed;
  std::size_t expected = 0;
  for (const NodeSight& node : cluster.nodes) {
    listed.emplace(node.name, node.listed);
    expected += node.listed ? 1 : 0;
  }
  const auto good = std::count_if(cluster.links.begin(), cluster.links.end(), [&listed](const LinkSight& link) {
    return listed[link.from] && listed[link.to] && delivers(link);
  });
  return static_cast<std::size_t>(good) == expected * (expected - 1);
}

}  // namespace

bool delivers(const LinkSight& link) {
  const peer::Canary::Verdict canary = link.word ? link.word->canary : peer::Canary::Verdict::none;
  return link.state == LinkState::up && link.accepted.value_or(true) && canary != peer::Canary::Verdict::lost_there &&
         canary != peer::Canary::Verdict::lost_back;
}

Cluster cluster_of(const Vitals& vitals, const Hearsay& hearsay, peer::Time now) {
  Cluster cluster{vitals.name, vitals.cluster};
  cluster.nodes.push_back(self_of(vitals));
  for (const peer::Mesh::PeerView& peer : vitals.peers) cluster.nodes.push_back(sight_of(peer, hearsay, now));
  const std::vector<LinkWord> own = links_of(vitals);
  const std::vector<Teller> all = tellers(vitals, own, hearsay, now);
  add_others_views(cluster.nodes, all);
  std::sort(cluster.nodes.begin(), cluster.nodes.end(),
            [](const NodeSight& a, const NodeSight& b) { return a.name < b.name; });
  cluster.links = links_between(cluster.nodes, all, now);
  cluster.whole = whole(cluster);
  cluster.redis = vitals.redis;
  cluster.redis_latency = vitals.redis_latency;
  return cluster;
}

}  // namespace node
