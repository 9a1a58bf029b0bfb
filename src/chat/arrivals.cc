#include "src/chat/arrivals.h"

#include <algorithm>
#include <cassert>

namespace chat {

namespace {

// Held back for one user; what comes beyond is refused. Twice what a session
// gives back at once when it ends, its window and its queue.
constexpr std::size_t held_bytes_max = std::size_t{4} << 20U;

}  // namespace

void Arrivals::arrive(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat) {
  const std::uint64_t user = mesh_->hash(chat.recipient);
  const bool barred = !barriers_.empty() && barriers_.contains({from, user});
  const ClientId session = barred ? 0 : users_.find(user, chat.recipient);
  if (session == 0) return refuse(from, era, seq, user);
  if (!gates_.empty())
    if (const auto gate = gates_.find(user); gate != gates_.end()) {
      const bool held = hold(gate->second, {from, era, seq, chat.may_repeat, std::string(chat.recipient),
                                            std::string(chat.sender), std::string(chat.id), std::string(chat.line)});
      return held ? void() : refuse(from, era, seq, user);
    }
  deliver(from, era, seq, user, session, chat);
}

void Arrivals::deliver(peer::PeerId from, std::uint32_t era, peer::Seq seq, std::uint64_t user, ClientId session,
                       const peer::ChatBody& chat) {
  Origin origin{from, era, seq, user, session, 0};
  if (!first(origin, chat)) return;
  hand(session, {chat.line, false, chat.may_repeat}, origin);
  // Its first copy may lie in the mailbox, and is marked and taken out if so.
  if (chat.may_repeat && origin.key != 0) owner_.on_perhaps_stored(chat);
}

bool Arrivals::offer(ClientId session, const Entry& entry) {
  Origin origin{mail, 0, entry.seq, entry.user, session, 0};
  if (!entry.id.empty()) {
    origin.key = seen_.key(entry.user, entry.sender, entry.id);
    const std::uint32_t said = Seen::said(entry.line, entry.sender, entry.id);
    if (const Seen::Mark* const mark = seen_.find(origin.key, said, entry.may_repeat)) {
      ++repeated_;
      if (mark->state != Seen::Mark::State::pending) return false;
      followers_.emplace(Place{mark->peer, mark->era, mark->seq}, origin);
      return true;
    }
    seen_.note(origin, said, now_);
  }
  hand(session, {entry.line, true, entry.may_repeat || entry.taken}, origin);
  return true;
}

bool Arrivals::follow(const Entry& entry, peer::PeerId from, std::uint32_t era, peer::Seq seq) {
  if (const auto gate = gates_.find(entry.user); gate != gates_.end()) {
    std::deque<Held>& held = gate->second.held;
    const auto at = std::find_if(held.begin(), held.end(), [&](const Held& each) {
      return each.from == from && each.era == era && each.seq == seq;
    });
    if (at != held.end()) {
      gate->second.held_bytes -= at->line.size();
      if (at - held.begin() < static_cast<std::ptrdiff_t>(gate->second.marked)) --gate->second.marked;
      held.erase(at);
      mesh_->settle(from, era, seq, peer::WireOutcome::done);
      return false;
    }
  }
  followers_.emplace(Place{from, era, seq}, Origin{mail, 0, entry.seq, entry.user, 0, 0});
  return true;
}

// What bears a server's id can't come twice.
bool Arrivals::first(Origin& origin, const peer::ChatBody& chat) {
  if (chat.id.empty()) return true;
  origin.key = seen_.key(origin.user, chat.sender, chat.id);
  const std::uint32_t said = Seen::said(chat.line, chat.sender, chat.id);
  const Seen::Mark* const mark = seen_.find(origin.key, said, chat.may_repeat);
  if (mark == nullptr) {
    seen_.note(origin, said, now_);
    return true;
  }
  ++repeated_;
  switch (mark->state) {
    case Seen::Mark::State::pending: followers_.emplace(Place{mark->peer, mark->era, mark->seq}, origin); break;
    case Seen::Mark::State::written: settle(origin, End::written); break;
    case Seen::Mark::State::delivered: settle(origin, End::delivered); break;
  }
  return false;
}

void Arrivals::hand(ClientId session, const Delivery& delivery, Origin origin) {
  users_.on_delivery(session).deliver(delivery, origin);
}

// The sender's node is told.
void Arrivals::settle(const Origin& origin, End end) {
  if (origin.peer == here) {
    if (!reached(end)) barriers_.insert({here, origin.user});
    return owner_.on_here_ended(origin.seq, end);
  }
  if (origin.peer == mail) return owner_.on_mail_ended(origin.seq, end);
  const bool waited_for = mesh_->settle(origin.peer, origin.era, origin.seq, wire(end));
  if (waited_for && !reached(end) && !taken_back(origin)) barriers_.insert({origin.peer, origin.user});
}

void Arrivals::refuse(peer::PeerId from, std::uint32_t era, peer::Seq seq, std::uint64_t user) {
  settle({from, era, seq, user, 0, 0}, End::unwritten);
}

void Arrivals::end(const Origin& origin, End end) {
  if (origin.key != 0) seen_.settle(origin, end);
  settle(origin, end);
  if (!followers_.empty()) end_followers(origin, end);
  if (users_.on_settled(origin.to)) return;
  const auto gate = gates_.find(origin.user);
  assert(gate != gates_.end() && gate->second.older > 0);
  if (--gate->second.older > 0) return;
  owner_.on_older_ended(origin.user);
  pass(origin.user);
}

// One that follows may be followed itself.
void Arrivals::end_followers(const Origin& first, End end) {
  const auto [begin, behind] = followers_.equal_range(Place{first.peer, first.era, first.seq});
  std::vector<Origin> followers;
  for (auto at = begin; at != behind; ++at) followers.push_back(at->second);
  followers_.erase(begin, behind);
  for (const Origin& follower : followers) {
    settle(follower, end);
    end_followers(follower, end);
  }
}

bool Arrivals::hold(Gate& gate, Held chat) {
  if (gate.held_bytes + chat.line.size() > held_bytes_max) return false;
  gate.held_bytes += chat.line.size();
  gate.held.push_back(std::move(chat));
  return true;
}

void Arrivals::open(std::uint64_t user) {
  const auto gate = gates_.find(user);
  if (gate == gates_.end()) return;
  gate->second.closed = false;
  pass(user);
}

// Where nothing holds it back any more, what was held goes on.
void Arrivals::pass(std::uint64_t user) {
  const auto gate = gates_.find(user);
  if (gate == gates_.end() || gate->second.closed || gate->second.older > 0) return;
  const std::deque<Held> held = std::move(gate->second.held);
  gates_.erase(gate);
  for (const Held& each : held) arrive(each.from, each.era, each.seq, released(each));
}

// While it was held its sender's node may have sent it another way.
peer::ChatBody Arrivals::released(const Held& chat) const {
  const bool may_repeat = chat.may_repeat || (chat.from != here && mesh_->may_be_taken_back(chat.from, chat.seq));
  return {may_repeat, chat.recipient, chat.sender, chat.id, chat.line};
}

void Arrivals::mark(std::uint64_t user) {
  if (const auto gate = gates_.find(user); gate != gates_.end()) gate->second.marked = gate->second.held.size();
}

void Arrivals::let_through(std::uint64_t user) {
  const auto gate = gates_.find(user);
  if (gate == gates_.end() || gate->second.older > 0) return;
  std::deque<Held>& held = gate->second.held;
  const auto end = held.begin() + static_cast<std::ptrdiff_t>(std::exchange(gate->second.marked, 0));
  const std::deque<Held> through(std::move_iterator(held.begin()), std::move_iterator(end));
  held.erase(held.begin(), end);
  for (const Held& each : through) gate->second.held_bytes -= each.line.size();
  for (const Held& each : through) {
    const ClientId session = barriers_.contains({each.from, user}) ? 0 : users_.find(user, each.recipient);
    if (session == 0)
      refuse(each.from, each.era, each.seq, user);
    else
      deliver(each.from, each.era, each.seq, user, session, released(each));
  }
}

void Arrivals::on_logout(std::uint64_t user, std::uint32_t unsettled) {
  if (unsettled > 0) gates_[user].older += unsettled;
}

bool Arrivals::older(std::uint64_t user) const {
  const auto gate = gates_.find(user);
  return gate != gates_.end() && gate->second.older > 0;
}

void Arrivals::on_lane_reset(peer::PeerId from, peer::Seq seq, std::string_view recipient) {
  const std::uint64_t user = recipient.empty() ? 0 : mesh_->hash(recipient);
  if (user != 0)
    barriers_.erase({from, user});
  else
    lower_barriers(from);
  const peer::Seq oldest = mesh_->oldest_from(from);
  std::erase_if(resets_, [&](const auto& each) { return each.first.first == from && each.second <= oldest; });
  if (oldest < seq) resets_[{from, user}] = seq;
}

void Arrivals::lower_barriers(peer::PeerId from) {
  barriers_.erase(barriers_.lower_bound({from, 0}), barriers_.upper_bound({from, ~std::uint64_t{0}}));
}

bool Arrivals::taken_back(const Origin& origin) const {
  if (resets_.empty()) return false;
  const auto before = [&](std::uint64_t user) {
    const auto at = resets_.find({origin.peer, user});
    return at != resets_.end() && origin.seq < at->second;
  };
  return before(origin.user) || before(0);
}

void Arrivals::on_era(peer::PeerId from) {
  lower_barriers(from);
  std::erase_if(resets_, [from](const auto& each) { return each.first.first == from; });
  for (auto& [user, gate] : gates_) {
    const auto is_its = [from](const Held& each) { return each.from == from; };
    const auto marked = gate.held.begin() + static_cast<std::ptrdiff_t>(gate.marked);
    gate.marked -= static_cast<std::size_t>(std::count_if(gate.held.begin(), marked, is_its));
    for (const Held& each : gate.held)
      if (is_its(each)) gate.held_bytes -= each.line.size();
    std::erase_if(gate.held, is_its);
  }
}

void Arrivals::tick(peer::Time now) {
  now_ = now;
  seen_.sweep(now);
}

}  // namespace chat
