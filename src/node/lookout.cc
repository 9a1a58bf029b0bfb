#include "src/node/lookout.h"

#include <algorithm>
#include <utility>

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

Cluster Lookout::cluster(peer::Time now) const {
  Cluster cluster = cluster_of(sources_.vitals(), hearsay_, now);
  cluster.events = events_.all();
  return cluster;
}

}  // namespace node
