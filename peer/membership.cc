#include "peer/membership.h"

#include <algorithm>

namespace peer {

Membership::Verdict Membership::review(const std::vector<Listed>& view, const std::vector<std::string>& known,
                                       const std::function<bool(std::string_view)>& linked, Time now) {
  Verdict verdict;
  for (const Listed& listed : view) {
    const auto& [member, lease] = listed;
    if (lease && lease->peer != member.address) {
      verdict.take_out.push_back(member);
      continue;
    }
    if (member.name == self_->name) continue;
    Watched& watched = watched_[member.name];
    watched.unlisted_since = never;
    if (lease) watched.had_lease = true;
    if (lease || linked(member.name))
      watched.missing_since = never;
    else if (watched.missing_since == never)
      watched.missing_since = now;
    const Millis grace = watched.had_lease ? self_->timing.lease_grace : self_->timing.stranger_grace;
    if (watched.missing_since == never || now - watched.missing_since < grace) {
      verdict.present.push_back(listed);
    } else {
      verdict.take_out.push_back(member);
      verdict.given_up.push_back(member.name);
    }
  }
  review_unlisted(view, known, linked, now, verdict);
  for (const std::string& name : verdict.given_up) watched_.erase(name);
  return verdict;
}

// A node that is in my table but not in the set: it left without my hearing of
// it, another survivor took it out, or the set was flushed and it has not
// renewed yet.
void Membership::review_unlisted(const std::vector<Listed>& view, const std::vector<std::string>& known,
                                 const std::function<bool(std::string_view)>& linked, Time now, Verdict& verdict) {
  const auto is_listed = [&](std::string_view name) {
    return std::any_of(view.begin(), view.end(), [&](const Listed& listed) { return listed.member.name == name; });
  };
  for (const std::string& name : known) {
    if (is_listed(name)) continue;
    Watched& watched = watched_[name];
    if (linked(name))
      watched.unlisted_since = never;
    else if (watched.unlisted_since == never)
      watched.unlisted_since = now;
    if (watched.unlisted_since != never && now - watched.unlisted_since >= self_->timing.unlisted_grace)
      verdict.given_up.push_back(name);
  }
  // Names that are neither listed nor known are of no interest any more.
  for (auto at = watched_.begin(); at != watched_.end();)
    at = is_listed(at->first) || std::find(known.begin(), known.end(), at->first) != known.end() ? std::next(at)
                                                                                                 : watched_.erase(at);
}

}  // namespace peer
