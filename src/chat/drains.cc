#include "src/chat/drains.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace chat {

namespace {

// In hand of one session; more than a client may leave unconfirmed.
constexpr std::size_t in_hand_max = 1024;
// With Redis down, what follows a wake waits for it for so long, for so many users
// at a time.
constexpr peer::Millis awaited_for{2000};
constexpr std::size_t awaited_max = 10'000;
// Looks into mailboxes under way, when all users are looked after.
constexpr std::size_t sweep_asked_max = 256;

}  // namespace

void Drains::begin(ClientId session) {
  const Users::User& user = *users_.get(session);
  if (store_ == nullptr || !store_->up()) return user.client->on_ready(0);
  Mailbox& mailbox = mailboxes_[user.hash];
  mailbox.name = user.name;
  mailbox.session = session;
  mailbox.greets = true;
  start(user.hash, mailbox);
}

// What is before the newest in hand was taken in earlier passes, unless it was
// given back.
void Drains::start(std::uint64_t user, Mailbox& mailbox) {
  mailbox.again = false;
  const bool from_oldest = std::exchange(mailbox.left_over, false) || mailbox.in_hand.empty();
  mailbox.after = from_oldest ? EntryId{} : *mailbox.in_hand.rbegin();
  arrivals_.close(user);
  ask(user, mailbox);
}

void Drains::ask(std::uint64_t user, Mailbox& mailbox) {
  if (mailbox.pass == Pass::full) full_.erase(user);
  mailbox.pass = Pass::asked;
  mailbox.token = ++last_token_;
  asked_[mailbox.token] = user;
  store_->take(mailbox.token, mailbox.name, mailbox.after);
}

void Drains::on_logout(std::uint64_t user, ClientId session) {
  const auto at = mailboxes_.find(user);
  if (at == mailboxes_.end() || at->second.session != session) return;
  at->second.session = 0;
  at->second.greets = false;
  finish(user);
}

// The pass is over; what comes directly goes on.
void Drains::finish(std::uint64_t user) {
  Mailbox& mailbox = mailboxes_.at(user);
  if (mailbox.pass == Pass::full) full_.erase(user);
  if (mailbox.pass == Pass::awaited) awaited_.erase(user);
  mailbox.pass = Pass::nothing;
  mailbox.token = 0;
  clear(user);
  arrivals_.open(user);
}

void Drains::on_store_up() {
  for (auto& [user, mailbox] : mailboxes_) mailbox.left_over = true;
  look_after_all();
}

void Drains::clear(std::uint64_t user) {
  const auto at = mailboxes_.find(user);
  if (at != mailboxes_.end() && at->second.pass == Pass::nothing && at->second.in_hand.empty()) mailboxes_.erase(at);
}

void Drains::on_wake(std::string_view name) {
  if (store_ == nullptr || !store_->up()) return;  // look_after_all() follows
  const std::uint64_t user = mesh_->hash(name);
  const ClientId session = users_.find(user, name);
  if (session == 0) return;
  Mailbox& mailbox = mailboxes_[user];
  if (mailbox.pass == Pass::awaited) awaited_.erase(user);
  if (mailbox.pass != Pass::nothing && mailbox.pass != Pass::awaited) {
    // What came directly before this wake needs no other pass than this one.
    if (!std::exchange(mailbox.again, true)) arrivals_.mark(user);
    return;
  }
  mailbox.name = name;
  mailbox.session = session;
  start(user, mailbox);
}

// What follows directly waits for a while for a Redis that is about to be back.
void Drains::on_direct_wake(std::string_view name, peer::Time now) {
  if (store_ == nullptr || store_->up()) return on_wake(name);
  const std::uint64_t user = mesh_->hash(name);
  const ClientId session = users_.find(user, name);
  if (session == 0 || awaited_.size() >= awaited_max) return;
  Mailbox& mailbox = mailboxes_[user];
  if (mailbox.pass != Pass::nothing) return;
  mailbox.name = name;
  mailbox.session = session;
  mailbox.pass = Pass::awaited;
  awaited_[user] = now + awaited_for;
  arrivals_.close(user);
}

void Drains::tick(peer::Time now) {
  for (auto at = awaited_.begin(); at != awaited_.end();)
    if (const auto [user, until] = *at++; store_->up())
      on_wake(std::string(mailboxes_.at(user).name));
    else if (now >= until)
      finish(user);
  // Asking takes it out.
  for (auto at = full_.begin(); at != full_.end();)
    if (const std::uint64_t user = *at++; has_room(mailboxes_.at(user))) ask(user, mailboxes_.at(user));
  // As fast as Redis answers, so that one that is back is not overrun.
  if (sweep_at_ == swept) return;
  for (; asked_.size() < sweep_asked_max && sweep_at_ < users_.slots(); ++sweep_at_)
    if (const Users::User& user = users_.slot(sweep_at_); user.client != nullptr) on_wake(std::string(user.name));
  if (sweep_at_ >= users_.slots()) sweep_at_ = swept;
}

// False where the session has ended meanwhile.
bool Drains::greet(std::uint64_t user, std::size_t waiting) {
  Mailbox& mailbox = mailboxes_.at(user);
  if (!std::exchange(mailbox.greets, false)) return true;
  const std::uint64_t token = mailbox.token;
  users_.get(mailbox.session)->client->on_ready(waiting);
  const auto at = mailboxes_.find(user);
  return at != mailboxes_.end() && at->second.token == token;
}

void Drains::on_taken(std::uint64_t token, const Store::Taken& taken) {
  const auto asked = asked_.find(token);
  assert(asked != asked_.end());
  const std::uint64_t user = asked->second;
  asked_.erase(asked);
  const auto at = mailboxes_.find(user);
  if (at == mailboxes_.end() || at->second.token != token) return;
  if (!greet(user, taken.ok ? taken.waiting : 0)) return;
  Mailbox& mailbox = mailboxes_.at(user);
  if (!taken.ok) return finish(user);
  // What older sessions have may come back, and is before all this.
  if (arrivals_.older(user)) {
    mailbox.pass = Pass::stalled;
    return;
  }
  // What they have given back meanwhile lies before this page.
  if (mailbox.left_over) return start(user, mailbox);
  for (const Store::Entry& entry : taken.entries) take(user, mailbox, entry);
  if (taken.more) {
    if (has_room(mailbox)) return ask(user, mailbox);
    mailbox.pass = Pass::full;
    full_.insert(user);
  } else if (mailbox.again) {
    start(user, mailbox);
    arrivals_.let_through(user);
  } else {
    finish(user);
  }
}

// A session does not end from inside a delivery, so mailbox stays.
void Drains::take(std::uint64_t user, Mailbox& mailbox, const Store::Entry& entry) {
  mailbox.after = entry.at;
  if (mailbox.in_hand.contains(entry.at)) return;
  const Arrivals::Entry offered{++last_seq_, user, entry.line, entry.sender, entry.id, entry.may_repeat, entry.taken};
  hands_[offered.seq] = {user, entry.at};
  mailbox.in_hand.insert(entry.at);
  if (hand(mailbox, entry, offered)) return;
  hands_.erase(offered.seq);
  mailbox.in_hand.erase(entry.at);
  store_->remove(mailbox.name, entry.at);
}

// With less than a page before the session the next is asked for.
bool Drains::has_room(const Mailbox& mailbox) const {
  return mailbox.in_hand.size() < in_hand_max &&
         users_.get(mailbox.session)->client->waiting_bytes() < store_->page_bytes();
}

// False: its user has it already.
bool Drains::hand(Mailbox& mailbox, const Store::Entry& entry, const Arrivals::Entry& offered) {
  if (entry.via.seq != 0) {
    const peer::Mesh::Superseded live = mesh_->supersede(entry.via.from, entry.via.to, entry.via.seq);
    switch (live.fate) {
      case peer::InLink::Fate::taken: return false;
      case peer::InLink::Fate::pending:
        if (arrivals_.follow(offered, live.peer, live.era, entry.via.seq)) return true;
        break;
      case peer::InLink::Fate::never_came:
      case peer::InLink::Fate::refused: break;
    }
  }
  return arrivals_.offer(mailbox.session, offered);
}

void Drains::on_older_ended(std::uint64_t user) {
  const auto at = mailboxes_.find(user);
  if (at != mailboxes_.end() && at->second.pass == Pass::stalled) start(user, at->second);
}

void Drains::on_ended(peer::Seq seq, End end) {
  const auto hand = hands_.find(seq);
  assert(hand != hands_.end());
  const Hand had = hand->second;
  const std::uint64_t user = had.user;
  hands_.erase(hand);
  Mailbox& mailbox = mailboxes_.at(user);
  mailbox.in_hand.erase(had.at);
  if (reached(end))
    store_->remove(mailbox.name, had.at);
  else
    mailbox.left_over = true;
  if (!mailbox.in_hand.empty()) return;
  const bool left_over = mailbox.left_over;
  const std::string name = mailbox.name;
  clear(user);
  if (left_over) owner_.on_left_over(user, name);
}

}  // namespace chat
