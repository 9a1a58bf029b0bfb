#include "src/chat/seen.h"

#include <algorithm>
#include <functional>

#include "peer/frame.h"

namespace chat {

namespace {

constexpr peer::Millis sweep_every{60'000};

std::uint32_t seconds(peer::Time time) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

constexpr std::uint32_t kept_s = std::chrono::duration_cast<std::chrono::duration<std::uint32_t>>(Seen::kept).count();

}  // namespace

std::uint64_t Seen::key(std::uint64_t user, std::string_view sender, std::string_view id) const {
  const peer::HashKey salted{hash_key_.k0 ^ user, hash_key_.k1 ^ peer::name_hash(hash_key_, sender)};
  const std::uint64_t key = peer::name_hash(salted, id);
  return key == 0 ? 1 : key;
}

// The id is the last token but for the time, which has 13 digits.
std::uint32_t Seen::said(std::string_view line, std::string_view sender, std::string_view id) {
  constexpr std::string_view behind = ",\"ts\":1700000000000}\n";
  const std::size_t from = std::min(line.size(), peer::chat_sender_at + sender.size());
  const std::size_t usual = line.size() - std::min(line.size(), behind.size() + id.size());
  const std::size_t end = line.substr(usual, id.size()) == id ? usual : line.rfind(id);
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(line.substr(from, end - from)));
}

const Seen::Mark* Seen::find(std::uint64_t key, std::uint32_t said, bool retry) const {
  const auto at = marks_.find(key);
  return at == marks_.end() || (at->second.said != said && !retry) ? nullptr : &at->second;
}

// A key may have been forgotten and noted again since.
void Seen::forget_oldest(peer::Ring<Past>& pasts) {
  const Past oldest = pasts.front();
  pasts.pop_front();
  --size_;
  const auto at = marks_.find(oldest.key);
  if (at != marks_.end() && at->second.serial == oldest.serial) marks_.erase(at);
}

void Seen::note(const Origin& origin, std::uint32_t said, peer::Time now) {
  const auto known = pasts_.find(origin.user);
  const bool full = size_ >= all_max;
  if (known == pasts_.end() && full) return;
  peer::Ring<Past>& pasts = known != pasts_.end() ? known->second : pasts_[origin.user];
  while (!pasts.empty() && seconds(now) - pasts.front().at_s >= kept_s) forget_oldest(pasts);
  if (!pasts.empty() && (full || pasts.size() >= each_max)) forget_oldest(pasts);
  ++serial_;
  ++size_;
  pasts.push_back({origin.key, serial_, seconds(now)});
  marks_[origin.key] = {Mark::State::pending, origin.peer, origin.era, origin.seq, serial_, said};
}

void Seen::settle(const Origin& origin, End end) {
  const auto at = marks_.find(origin.key);
  if (at == marks_.end()) return;
  const Mark& mark = at->second;
  if (mark.peer != origin.peer || mark.era != origin.era || mark.seq != origin.seq) return;  // a later one's
  switch (end) {
    case End::written: at.value().state = Mark::State::written; break;
    case End::delivered: at.value().state = Mark::State::delivered; break;
    case End::unwritten:
    case End::unread: marks_.erase(at); break;
  }
}

void Seen::sweep(peer::Time now) {
  if (now - swept_at_ < sweep_every) return;
  swept_at_ = now;
  for (auto at = pasts_.begin(); at != pasts_.end();) {
    peer::Ring<Past>& pasts = at->second;
    while (!pasts.empty() && seconds(now) - pasts.front().at_s >= kept_s) forget_oldest(pasts);
    at = pasts.empty() ? pasts_.erase(at) : std::next(at);
  }
}

}  // namespace chat
