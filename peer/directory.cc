#include "peer/directory.h"

#include <algorithm>
#include <cassert>

namespace peer {

namespace {

constexpr std::size_t places_min = 8;
// Full at four fifths, and a quarter larger then; empty at three fifths, and at
// seven tenths then. So 18 bytes an entry are never more than 30.
constexpr bool too_full(std::size_t used, std::size_t places) { return used * 5 > places * 4; }
constexpr bool too_empty(std::size_t used, std::size_t places) { return places > places_min && used * 5 < places * 3; }

}  // namespace

// Multiply-shift keeps the order of hashes, so clusters stay short for any
// number of places, not only powers of two. The top byte chose the shard.
std::size_t Directory::Shard::home(std::uint64_t user) const {
  return static_cast<std::size_t>(((user >> 24U) & 0xffffffffU) * users.size() >> 32U);
}

std::size_t Directory::Shard::find(Slot slot, std::uint64_t user, Stamp stamp) const {
  if (users.empty()) return 0;
  std::size_t place = home(user);
  for (; slots[place] != none; place = after(place))
    if (users[place] == user && stamps[place] == stamp && slots[place] == slot) return place;
  return users.size();
}

void Directory::Shard::put(Slot slot, std::uint64_t user, Stamp stamp) {
  std::size_t place = home(user);
  while (slots[place] != none) place = after(place);
  users[place] = user;
  stamps[place] = stamp;
  slots[place] = slot;
  ++used;
}

// Linear probing without tombstones (Knuth 6.4, algorithm R): what follows is
// moved back into the hole unless it stands between its home and the hole.
void Directory::Shard::take_out(std::size_t place) {
  --used;
  std::size_t hole = place;
  for (std::size_t next = after(place); slots[next] != none; next = after(next)) {
    const std::size_t wants = home(users[next]);
    const bool stays = hole < next ? hole < wants && wants <= next : hole < wants || wants <= next;
    if (stays) continue;
    users[hole] = users[next];
    stamps[hole] = stamps[next];
    slots[hole] = slots[next];
    hole = next;
  }
  slots[hole] = none;
}

void Directory::Shard::resize(std::size_t places) {
  Shard wider;
  wider.users.resize(places);
  wider.stamps.resize(places);
  wider.slots.resize(places, none);
  for (std::size_t i = 0; i < users.size(); ++i)
    if (slots[i] != none) wider.put(slots[i], users[i], stamps[i]);
  *this = std::move(wider);
}

Directory::Slot Directory::open(std::string_view owner, bool hidden) {
  const auto is_free = [](const Telling& telling) { return telling.state == Telling::State::free; };
  auto at = std::find_if(slots_.begin() + 1, slots_.end(), is_free);
  if (at == slots_.end()) {
    if (slots_.size() > 0xfffe) return none;
    slots_.emplace_back();
    at = slots_.end() - 1;
  }
  at->owner = owner;
  at->state = hidden ? Telling::State::hidden : Telling::State::published;
  at->size = 0;
  return static_cast<Slot>(at - slots_.begin());
}

void Directory::publish(Slot slot) {
  assert(slots_[slot].state != Telling::State::free);
  slots_[slot].state = Telling::State::published;
  ++changes_;
}

void Directory::drop(Slot slot) {
  Telling& telling = slots_[slot];
  if (slot == none || telling.state == Telling::State::free) return;
  for (Shard& each : shards_) {
    if (telling.size == 0) break;
    // Rebuilt without the slot's entries: in place their removal would move
    // others past the scan.
    const auto gone = static_cast<std::size_t>(std::count(each.slots.begin(), each.slots.end(), slot));
    if (gone == 0) continue;
    std::replace(each.slots.begin(), each.slots.end(), slot, none);
    each.resize(std::max(places_min, (each.used - gone) * 5 / 4 + 1));
    telling.size -= gone;
    size_ -= gone;
  }
  telling.owner.clear();
  telling.state = Telling::State::free;
  ++changes_;
}

bool Directory::add(Slot slot, std::uint64_t user, Stamp stamp) {
  Shard& home = shard(user);
  if (!home.users.empty() && home.find(slot, user, stamp) != home.users.size()) return false;
  if (too_full(home.used + 1, home.users.size()))
    home.resize(std::max(places_min, home.users.size() + home.users.size() / 4));
  home.put(slot, user, stamp);
  ++slots_[slot].size;
  ++size_;
  ++changes_;
  return true;
}

bool Directory::remove(Slot slot, std::uint64_t user, Stamp stamp) {
  Shard& home = shard(user);
  const std::size_t place = home.find(slot, user, stamp);
  if (place == home.users.size()) return false;
  home.take_out(place);
  --slots_[slot].size;
  --size_;
  ++changes_;
  if (too_empty(home.used, home.users.size())) home.resize(std::max(places_min, home.used * 10 / 7));
  return true;
}

Directory::Found Directory::newest(std::uint64_t user, std::span<const Found> refused) const {
  const Shard& home = shard(user);
  Found best;
  if (home.users.empty()) return best;
  for (std::size_t place = home.home(user); home.slots[place] != none; place = home.after(place)) {
    const Slot slot = home.slots[place];
    const Stamp stamp = home.stamps[place];
    if (home.users[place] != user || slots_[slot].state != Telling::State::published) continue;
    const auto is_refused = [&](const Found& each) { return slot == each.slot && stamp <= each.stamp; };
    if (std::any_of(refused.begin(), refused.end(), is_refused)) continue;
    if (best.slot == none || stamp > best.stamp ||
        (stamp == best.stamp && slots_[slot].owner > slots_[best.slot].owner))
      best = {slot, stamp};
  }
  return best;
}

std::size_t Directory::memory_bytes() const {
  std::size_t bytes = sizeof(*this);
  for (const Shard& each : shards_)
    bytes += each.users.capacity() * sizeof(std::uint64_t) + each.stamps.capacity() * sizeof(Stamp) +
             each.slots.capacity() * sizeof(Slot);
  return bytes;
}

}  // namespace peer
