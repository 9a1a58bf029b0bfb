#include "tests/sim/mailboxes.h"

#include <algorithm>

namespace sim {

void Mailboxes::take_out(Box& box, std::map<chat::EntryId, Entry>::iterator at) {
  box.names.erase({at->second.sender, at->second.id});
  box.entries.erase(at);
}

void Mailboxes::expire(Time now, const std::string& user) {
  const auto box = boxes_.find(user);
  if (box == boxes_.end()) return;
  auto& entries = box->second.entries;
  while (!entries.empty() && now - entries.begin()->second.since >= plan_->mail_ttl) {
    judge_->on_forgotten(entries.begin()->second.line);
    take_out(box->second, entries.begin());
  }
  if (entries.empty()) boxes_.erase(box);
}

bool Mailboxes::append(Time now, const std::string& user, Entry entry) {
  expire(now, user);
  const auto known = boxes_.find(user);
  const bool named = !entry.sender.empty();
  if (known != boxes_.end()) {
    if (named && known->second.names.contains({entry.sender, entry.id})) return true;
    if (known->second.entries.size() >= plan_->mail_max) return judge_->on_full(entry.line), false;
  } else if (plan_->mail_max == 0) {
    return judge_->on_full(entry.line), false;
  }
  Box& box = boxes_[user];
  // Redis numbers what comes in the same millisecond; a mailbox that is new begins anew.
  const auto ms = static_cast<std::uint64_t>(now.count() / 1000);
  const chat::EntryId at = box.last.ms == ms ? chat::EntryId{ms, box.last.seq + 1} : chat::EntryId{ms, 0};
  box.last = at;
  if (named) box.names.insert({entry.sender, entry.id});
  entry.since = now;
  judge_->on_stored(now, entry.line, entry.late);
  box.entries.emplace(at, std::move(entry));
  return true;
}

Mailboxes::Page Mailboxes::take(Time now, const std::string& user, chat::EntryId after, std::size_t most) {
  expire(now, user);
  Page page;
  const auto found = boxes_.find(user);
  if (found == boxes_.end()) return page;
  Box& box = found->second;
  page.mark = box.mark;
  auto at = box.entries.upper_bound(after);
  page.waiting = static_cast<std::size_t>(std::distance(at, box.entries.end()));
  for (std::size_t bytes = 0; at != box.entries.end() && page.entries.size() < most; ++at) {
    bytes += at->second.line.size();
    if (bytes > page_bytes() && !page.entries.empty()) break;
    page.entries.push_back(*at);
  }
  page.more = at != box.entries.end();
  if (!page.entries.empty()) box.mark = std::max(box.mark, page.entries.back().first);
  return page;
}

void Mailboxes::remove(Time now, const std::string& user, chat::EntryId at) {
  const auto box = boxes_.find(user);
  if (box == boxes_.end()) return;
  const auto entry = box->second.entries.find(at);
  if (entry != box->second.entries.end()) take_out(box->second, entry), box->second.removed_at = now;
  if (box->second.entries.empty()) boxes_.erase(box);
}

void Mailboxes::mark(const std::string& user, const std::string& sender, const std::string& id) {
  const auto box = boxes_.find(user);
  if (box == boxes_.end() || !box->second.names.contains({sender, id})) return;
  for (auto& [at, entry] : box->second.entries)
    if (entry.sender == sender && entry.id == id) entry.marked = true;
}

void Mailboxes::flush() {
  for (const auto& [user, box] : boxes_)
    for (const auto& [at, entry] : box.entries) judge_->on_forgotten(entry.line);
  boxes_.clear();
}

void Mailboxes::restore() {
  for (const auto& [user, box] : boxes_) {
    const auto before = saved_.find(user);
    for (const auto& [at, entry] : box.entries) {
      const bool kept = before != saved_.end() && before->second.entries.contains(at);
      if (!kept) judge_->on_forgotten(entry.line);
    }
  }
  for (const auto& [user, box] : saved_) {
    const auto after = boxes_.find(user);
    for (const auto& [at, entry] : box.entries) {
      const bool was_there = after != boxes_.end() && after->second.entries.contains(at);
      const bool mark_lost = was_there && ((at > box.mark && at <= after->second.mark) ||
                                           (!entry.marked && after->second.entries.at(at).marked));
      if (!was_there || mark_lost) judge_->on_revived(entry.line);
    }
  }
  boxes_ = saved_;
}

}  // namespace sim
