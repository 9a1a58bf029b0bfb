#include "tests/sim/judge.h"

#include <charconv>

namespace sim {

namespace {

using namespace std::chrono_literals;

// The contract says 15; the core promises one less.
constexpr Micros dials_window = 10s;
// A node that is woken more often in 100 ms turns in circles.
constexpr unsigned ticks_max = 2000;

std::uint64_t scrambled(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

const char* name_of(chat::Outcome outcome) {
  switch (outcome) {
    case chat::Outcome::written: return "written";
    case chat::Outcome::no_such_user: return "no_such_user";
    case chat::Outcome::busy: return "busy";
    case chat::Outcome::unavailable: return "unavailable";
  }
  return "";
}

ChatNumber number_in(std::string_view line) {
  ChatNumber number = 0;
  if (line.starts_with("{\"n\":")) std::from_chars(line.data() + 5, line.data() + line.size(), number);
  return number;
}

}  // namespace

std::string id_of(ChatNumber number) { return "\"c" + std::to_string(number) + "\""; }

std::string line_of(ChatNumber number, bool big) {
  std::uint64_t dice = scrambled(number);
  std::size_t size = dice % 200;
  if (big && dice % 16 == 0) size = scrambled(dice) % 60'000;
  std::string line = "{\"n\":" + std::to_string(number) + ",\"id\":" + id_of(number) + ",\"content\":\"";
  line.append(size, static_cast<char>('a' + dice % 26));
  return line += "\"}\n";
}

std::string Judge::name(ChatNumber number) const {
  const Chat& chat = chats_[number];
  return "chat " + std::to_string(number) + " (session " + std::to_string(chat.sender) + " at n" +
         std::to_string(sessions_[chat.sender].node) + " to user " + std::to_string(chat.recipient) + ")";
}

// --- Sessions.

SessionNumber Judge::on_login(std::uint8_t user, std::uint8_t node) {
  Session session;
  session.user = user;
  session.node = node;
  sessions_.push_back(session);
  return static_cast<SessionNumber>(sessions_.size() - 1);
}

void Judge::on_stamped(SessionNumber number, peer::Stamp stamp) { sessions_[number].stamp = stamp; }

void Judge::on_ended(SessionNumber number) { sessions_[number].ended = true; }

// Only a newer login may end a session: a later stamp, of equal ones the greater node.
void Judge::on_kicked(SessionNumber number, chat::KickReason why) {
  const Session& kicked = sessions_[number];
  sessions_[number].ended = true;
  if (why != chat::KickReason::replaced) return fail("session " + std::to_string(number) + " was kicked for no reason");
  for (std::size_t i = 1; i < sessions_.size(); ++i) {
    const Session& other = sessions_[i];
    // One that is just logging in on this node has no stamp yet; it will be the newest.
    const bool newer =
        other.stamp == 0 || other.stamp > kicked.stamp || (other.stamp == kicked.stamp && other.node > kicked.node);
    if (i != number && other.user == kicked.user && newer) return;
  }
  fail("session " + std::to_string(number) + " of user " + std::to_string(kicked.user) +
       " was kicked as replaced, but there was no newer login");
}

// --- Chats.

ChatNumber Judge::on_taken(SessionNumber from, std::uint8_t recipient, bool with_id, bool must_be_written) {
  Chat chat;
  chat.sender = from;
  chat.recipient = recipient;
  chat.with_id = with_id;
  chat.must_be_written = must_be_written;
  chats_.push_back(chat);
  return static_cast<ChatNumber>(chats_.size() - 1);
}

void Judge::on_outcome(SessionNumber at, std::string_view id, chat::Outcome outcome, bool maybe) {
  if (sessions_[at].ended) return fail("session " + std::to_string(at) + " is told an outcome after its end");
  if (plan_->weather != Weather::nodes && outcome == chat::Outcome::unavailable)
    return fail("a chat of session " + std::to_string(at) + " ended as unavailable on mere link faults");
  if (id.empty()) return;
  ChatNumber number = 0;
  if (id.size() > 3) std::from_chars(id.data() + 2, id.data() + id.size() - 1, number);
  if (number == 0 || number >= chats_.size() || id != id_of(number))
    return fail("an outcome bears an id that nobody gave: " + std::string(id));
  Chat& chat = chats_[number];
  if (chat.sender != at) return fail(name(number) + ": its outcome went to session " + std::to_string(at));
  if (!chat.with_id) return fail(name(number) + " has no id, but an outcome bears it");
  if (chat.fate != Fate::none) return fail(name(number) + " has two outcomes, the second is " + name_of(outcome));
  const bool written = outcome == chat::Outcome::written;
  chat.fate = written ? Fate::written : maybe ? Fate::maybe : Fate::failed;
  if (written) ++written_;
  if (maybe) ++maybe_;
  if (written && !chat.delivered) return fail(name(number) + " is called written, but was not delivered");
  if (chat.fate == Fate::failed && chat.delivered)
    return fail(name(number) + " was delivered, but its sender is told " + name_of(outcome));
  const bool full = outcome == chat::Outcome::busy && plan_->window_bytes > 0;
  if (full) chat.must_be_written = false;
  if (!written && chat.must_be_written)
    return fail(name(number) + " ended as " + name_of(outcome) + ", but its recipient was there all the time");
}

void Judge::on_delivered(SessionNumber at, std::string_view line) {
  const ChatNumber number = number_in(line);
  if (number == 0 || number >= chats_.size() || line != line_of(number, plan_->big_chats))
    return fail("session " + std::to_string(at) + " got what nobody sent: " + std::string(line.substr(0, 80)));
  Chat& chat = chats_[number];
  if (chat.recipient != sessions_[at].user)
    return fail(name(number) + " was delivered to user " + std::to_string(sessions_[at].user));
  if (chat.delivered) return fail(name(number) + " was delivered twice");
  if (chat.fate == Fate::failed) return fail(name(number) + " was delivered, but its sender was told that it failed");
  chat.delivered = true;
  ++delivered_;
  // What was given up as open may still arrive, at any time; where nobody was told
  // of its outcome, nobody can tell.
  const bool untold = !chat.with_id || sessions_[chat.sender].ended;
  if (chat.fate == Fate::maybe || (untold && plan_->weather == Weather::nodes)) return;
  ChatNumber& last = sessions_[chat.sender].last_to[chat.recipient];
  if (number < last)
    return fail(name(number) + " was delivered after chat " + std::to_string(last) + " of the same pair");
  last = number;
}

// --- Nodes.

void Judge::on_dial(std::uint8_t from, std::uint32_t life, const std::string& to, Time now) {
  Dials& dials = dials_[{from, life, to}];
  Time& oldest = dials.times[dials.count % dials.times.size()];
  if (dials.count >= dials.times.size() && now - oldest < dials_window)
    fail("n" + std::to_string(from) + " dialled " + to + " more than 15 times in 10 s");
  oldest = now;
  ++dials.count;
}

void Judge::on_tick(std::uint8_t node, Time now) {
  auto& [since, count] = ticks_[node];
  if (now - since > 100ms) {
    since = now;
    count = 0;
  }
  if (++count > ticks_max) fail("n" + std::to_string(node) + " turns in circles");
}

void Judge::at_end() {
  for (ChatNumber number = 1; number < chats_.size(); ++number) {
    const Chat& chat = chats_[number];
    const bool waits = chat.with_id && chat.fate == Fate::none && !sessions_[chat.sender].ended;
    if (waits) return fail(name(number) + " never had an outcome");
    if (chat.must_be_written && !chat.delivered) return fail(name(number) + " was lost");
  }
}

}  // namespace sim
