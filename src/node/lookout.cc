#include "src/node/lookout.h"

#include <algorithm>
#include <utility>

#include "peer/buffer.h"
#include "peer/frame.h"

namespace node {

namespace {

// Of what changes all the time only the last look counts.
bool same_news(const LinkWord& a, const LinkWord& b) {
  const auto trying = [](const LinkWord& link) {
    return link.state == LinkState::backoff || link.state == LinkState::connecting;
  };
  return a.listed == b.listed && a.health == b.health && a.accepted == b.accepted && a.canary == b.canary &&
         a.why == b.why && (a.state == b.state || (trying(a) && trying(b)));
}

// In as many bodies as it takes; the first one bears the rest as well.
std::vector<std::string> bodies(const Status& first, const std::vector<LinkWord>& links, bool all) {
  std::vector<std::string> bodies;
  for (std::size_t at = 0; at == 0 || at < links.size(); at += Status::links_max) {
    Status status = at == 0 ? first : Status{};
    if (all || !links.empty()) {
      const auto end = links.begin() + static_cast<std::ptrdiff_t>(std::min(at + Status::links_max, links.size()));
      status.table = LinkTable{all && at == 0, {links.begin() + static_cast<std::ptrdiff_t>(at), end}};
    }
    bodies.push_back(encode(status));
  }
  return bodies;
}

// What a node has told, as others are told of it: whose it is, of which life, how old,
// then what it said.
std::vector<std::string> relayed(std::string_view of, const Hearsay::Word& word, peer::Time now) {
  std::vector<LinkWord> links;
  for (const auto& [name, told] : word.links) links.push_back(told.link);
  std::vector<std::string> relayed;
  for (const std::string& said : bodies({word.identity, word.load}, links, true)) {
    peer::Buffer body;
    peer::Writer writer(body);
    writer.text8(of);
    writer.u64(static_cast<std::uint64_t>(word.life));
    writer.u32(static_cast<std::uint32_t>(std::chrono::duration_cast<peer::Millis>(now - word.at).count()));
    writer.bytes(said);
    relayed.emplace_back(body.view());
  }
  return relayed;
}

Status whole_status(const Vitals& vitals) { return {identity_of(vitals), load_of(vitals)}; }

}  // namespace

void Lookout::on_report(const peer::Report& report, peer::Time now, std::int64_t wall_ms) {
  using Kind = peer::Report::Kind;
  events_.note(report, wall_ms);
  if (report.kind == Kind::node_left || report.kind == Kind::node_dead) hearsay_.forget(report.peer);
  if (report.kind == Kind::link_up) {
    newcomers_.push_back(report.id);
    wake_at_ = now;
  }
  wake_at_ = std::min(wake_at_, std::max(now, told_at_ + change_every));
}

void Lookout::tick(peer::Time now) {
  if (now < wake_at_) return;
  const Vitals vitals = sources_.vitals();
  const std::vector<LinkWord> links = links_of(vitals);
  welcome(vitals, links);
  if (now >= all_at_)
    tell_all(vitals, links, now);
  else
    tell_changes(vitals, links, now);
  if (now >= pass_on_at_) pass_on(vitals, links, now);
  wake_at_ = std::min({now + look_every, load_at_, all_at_});
  if (told_at_ + change_every > now) wake_at_ = std::min(wake_at_, told_at_ + change_every);
}

void Lookout::tell_all(const Vitals& vitals, const std::vector<LinkWord>& links, peer::Time now) {
  for (const std::string& body : bodies(whole_status(vitals), links, true)) sources_.tell_all(body);
  told_.clear();
  for (const LinkWord& link : links) told_[link.peer] = link;
  told_stage_ = vitals.stage;
  told_at_ = now;
  load_at_ = now + load_every;
  all_at_ = now + all_every;
}

void Lookout::tell_changes(const Vitals& vitals, const std::vector<LinkWord>& links, peer::Time now) {
  Status status;
  std::vector<LinkWord> changed;
  if (now - told_at_ >= change_every) {
    if (has_gone(links)) return tell_all(vitals, links, now);
    changed = news(links);
  }
  if (now >= load_at_ || vitals.stage != told_stage_) {
    status.load = load_of(vitals);
    load_at_ = now + load_every;
    told_stage_ = vitals.stage;
  }
  if (!status.load && changed.empty()) return;
  for (const std::string& body : bodies(status, changed, false)) sources_.tell_all(body);
  for (LinkWord& link : changed) told_[link.peer] = link;
  if (!changed.empty()) told_at_ = now;
}

// A peer that is no more: that is told by the whole table.
bool Lookout::has_gone(const std::vector<LinkWord>& links) const {
  const auto still =
      std::count_if(links.begin(), links.end(), [this](const LinkWord& link) { return told_.contains(link.peer); });
  return static_cast<std::size_t>(still) < told_.size();
}

void Lookout::welcome(const Vitals& vitals, const std::vector<LinkWord>& links) {
  if (newcomers_.empty()) return;
  const std::vector<std::string> all = bodies(whole_status(vitals), links, true);
  for (const peer::PeerId to : std::exchange(newcomers_, {}))
    for (const std::string& body : all) sources_.tell(to, body);
}

std::vector<LinkWord> Lookout::news(const std::vector<LinkWord>& links) const {
  std::vector<LinkWord> news;
  for (const LinkWord& link : links)
    if (const auto told = told_.find(link.peer); told == told_.end() || !same_news(told->second, link))
      news.push_back(link);
  return news;
}

// Its own word, not another's of it; null: none that holds.
const Hearsay::Word* Lookout::heard(std::string_view node, peer::Time now) const {
  const Hearsay::Word* const word = hearsay_.find(node);
  return word != nullptr && !word->relayed && Hearsay::fresh(*word, now) ? word : nullptr;
}

// Of all who hear both, this node has the first name.
bool Lookout::is_first(const Vitals& vitals, std::string_view one, std::string_view other, peer::Time now) const {
  return std::none_of(vitals.peers.begin(), vitals.peers.end(), [&](const peer::Mesh::PeerView& peer) {
    const Hearsay::Word* const word = peer.name < vitals.name ? heard(peer.name, now) : nullptr;
    const auto hears_it = [word](std::string_view node) {
      const auto told = word->links.find(node);
      return told != word->links.end() && hears(told->second.link);
    };
    return word != nullptr && hears_it(one) && hears_it(other);
  });
}

void Lookout::pass_on(const Vitals& vitals, const std::vector<LinkWord>& links, peer::Time now) {
  pass_on_at_ = now + load_every;
  for (const LinkWord& to : links) {
    const Hearsay::Word* const deaf = hears(to) ? heard(to.peer, now) : nullptr;
    if (deaf == nullptr) continue;
    for (const auto& [name, told] : deaf->links) {
      if (hears(told.link)) continue;
      const auto heard_here = [&of = name](const LinkWord& link) { return link.peer == of && hears(link); };
      const Hearsay::Word* const word =
          std::any_of(links.begin(), links.end(), heard_here) ? heard(name, now) : nullptr;
      if (word == nullptr || !is_first(vitals, to.peer, name, now)) continue;
      for (const std::string& body : relayed(name, *word, now)) sources_.pass_on(to.peer, body);
    }
  }
}

void Lookout::on_relayed(std::string_view body, peer::Time now) {
  peer::Reader reader(body);
  const std::string_view of = reader.text8();
  const auto life = peer::Incarnation{reader.u64()};
  const peer::Millis age(reader.u32());
  if (!reader.ok() || !peer::valid_node_name(of)) return hearsay_.note_malformed();
  hearsay_.note_relayed(of, life, reader.rest(), now - age, now);
}

std::optional<peer::Address> Lookout::less_loaded(const std::vector<peer::Mesh::PeerView>& peers,
                                                  std::uint64_t sessions, peer::Time now) const {
  std::optional<peer::Address> least;
  for (const peer::Mesh::PeerView& peer : peers) {
    const Hearsay::Word* const word = peer.synced ? heard(peer.name, now) : nullptr;
    if (word == nullptr || !word->identity || !word->load) continue;
    if (word->load->stage != Vitals::Stage::serving || word->load->sessions >= sessions) continue;
    sessions = word->load->sessions;
    least = word->identity->client;
  }
  return least;
}

Cluster Lookout::cluster(peer::Time now) const {
  Cluster cluster = cluster_of(sources_.vitals(), hearsay_, now);
  cluster.events = events_.all();
  return cluster;
}

}  // namespace node
