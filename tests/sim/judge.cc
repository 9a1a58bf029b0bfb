#include "tests/sim/judge.h"

#include <algorithm>
#include <charconv>

namespace sim {

namespace {

using namespace std::chrono_literals;

// Of a dead address.
constexpr std::size_t dials_max = 15;
constexpr Micros dials_window = 10s;
// A node that is woken more often in 100 ms turns in circles.
constexpr unsigned ticks_max = 2000;
// Chats of a pair that wait behind one another; beyond, `busy` is no breach.
constexpr std::size_t waiting_min = 64;
// Timing::wait_max but for its grain.
constexpr Micros patience = 28s;

std::uint64_t scrambled(std::uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

const char* name_of(chat::Outcome outcome) {
  switch (outcome) {
    case chat::Outcome::delivered: return "delivered";
    case chat::Outcome::written: return "written";
    case chat::Outcome::stored: return "stored";
    case chat::Outcome::no_such_user: return "no_such_user";
    case chat::Outcome::mailbox_full: return "mailbox_full";
    case chat::Outcome::busy: return "busy";
    case chat::Outcome::unavailable: return "unavailable";
  }
  return "";
}

history::Outcome told(chat::Outcome outcome, bool maybe) {
  switch (outcome) {
    case chat::Outcome::delivered: return history::Outcome::delivered;
    case chat::Outcome::written: return history::Outcome::written;
    case chat::Outcome::stored: return history::Outcome::stored;
    case chat::Outcome::no_such_user:
    case chat::Outcome::mailbox_full:
    case chat::Outcome::busy:
    case chat::Outcome::unavailable: break;
  }
  return maybe ? history::Outcome::open : history::Outcome::failed;
}

// Windows, mailboxes and, where there are none, what waits for a session that logs in.
bool may_drop(const Plan& plan) {
  return plan.window_bytes > 0 || plan.mail_max < 100'000 || (plan.big_chats && !plan.mailboxes);
}

constexpr std::string_view content_begins = "\"content\":{\"n\":";

}  // namespace

std::string user_name(std::uint8_t user) { return "user" + std::to_string(user); }

std::string id_of(ChatNumber number) { return "\"c" + std::to_string(number) + "\""; }

ChatNumber number_of(std::string_view id) {
  ChatNumber number = 0;
  if (id.size() > 3) std::from_chars(id.data() + 2, id.data() + id.size() - 1, number);
  return id == id_of(number) ? number : 0;
}

std::string line_of(ChatNumber number, std::uint8_t sender, std::uint8_t recipient, bool big) {
  std::uint64_t dice = scrambled(number);
  std::size_t size = dice % 200;
  if (big && dice % 16 == 0) size = scrambled(dice) % 60'000;
  std::string line = R"({"cmd":"chat","send":")" + user_name(sender) + R"(","recv":")" + user_name(recipient) + "\"," +
                     std::string(content_begins) + std::to_string(number) + ",\"text\":\"";
  line.append(size, static_cast<char>('a' + dice % 26));
  return line += "\"},\"id\":" + id_of(number) + "}\n";
}

// Who stays and is never given up loses nothing and sees nothing twice; but what
// Redis was asked and did not answer may have been stored, too.
Judge::Judge(const Plan& plan)
    : plan_(&plan), history_({plan.weather == Weather::links && !plan.redis_faults(), may_drop(plan), patience}) {}

ChatNumber Judge::number_in(std::string_view line) const {
  ChatNumber number = 0;
  const std::size_t at = line.find(content_begins);
  if (at == std::string_view::npos) return 0;
  std::from_chars(line.data() + at + content_begins.size(), line.data() + line.size(), number);
  const bool known = number != 0 && number < chats_.size();
  const auto& [sender, recipient, with_id, must] = chats_[known ? number : 0];
  return known && line == line_of(number, sender, recipient, plan_->big_chats) ? number : 0;
}

// --- Sessions.

SessionNumber Judge::on_login(Time now, std::uint8_t user, std::uint8_t node, bool confirms) {
  sessions_.push_back({user, node, 0, {}});
  return history_.on_login(now, user, node, confirms);
}

void Judge::on_stamped(SessionNumber number, peer::Stamp stamp) { sessions_[number].stamp = stamp; }

void Judge::on_ended(SessionNumber number) { history_.on_ended(number); }

// Only a newer login may end a session: a later stamp, of equal ones the greater node.
void Judge::on_kicked(SessionNumber number, chat::KickReason why) {
  const Session& kicked = sessions_[number];
  history_.on_ended(number);
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

ChatNumber Judge::new_chat(std::uint8_t sender, std::uint8_t recipient, bool with_id) {
  chats_.push_back({sender, recipient, with_id, false});
  return history_.new_message(sender, recipient, with_id);
}

void Judge::on_sent(Time now, SessionNumber from, ChatNumber chat, bool must_arrive) {
  const auto& [sender, recipient, with_id, must] = chats_[chat];
  if (!with_id) sessions_[from].nameless.emplace(line_of(chat, sender, recipient, plan_->big_chats).size(), chat);
  chats_[chat].must_arrive = must_arrive;
  history_.on_sent(now, from, chat);
}

void Judge::on_outcome(Time now, SessionNumber at, std::string_view id, std::size_t size, chat::Outcome outcome,
                       bool maybe) {
  const history::Outcome what = told(outcome, maybe);
  const bool failed = what == history::Outcome::failed || what == history::Outcome::open;
  if (outcome == chat::Outcome::unavailable && !may_be_unavailable(maybe))
    return fail("a chat of session " + std::to_string(at) + " ended as unavailable on mere link faults");
  if (id.empty()) {
    const auto [first, behind] = sessions_[at].nameless.equal_range(size);
    if (failed) std::for_each(first, behind, [this](const auto& each) { history_.on_perhaps_failed(each.second); });
    return;
  }
  const ChatNumber number = number_of(id);
  if (number == 0 || number >= chats_.size())
    return fail("an outcome bears an id that nobody gave: " + std::string(id));
  Chat& chat = chats_[number];
  const bool full = (outcome == chat::Outcome::busy &&
                     (plan_->window_bytes > 0 || history_.unsettled(chat.recipient, now - patience) >= waiting_min)) ||
                    outcome == chat::Outcome::mailbox_full;
  if (full) chat.must_arrive = false;
  history_.on_told(now, at, number, what);
  if (failed && chat.must_arrive)
    fail(history_.name(number) + " ended as " + name_of(outcome) + ", but its recipient was there all the time");
}

// Where nobody keeps it: a link may be down for too long, and who moves may have had it.
bool Judge::may_be_unavailable(bool maybe) const {
  if (plan_->weather == Weather::nodes || plan_->redis_faults()) return true;
  if (plan_->mailboxes) return false;
  return plan_->discovers || (maybe && plan_->weather == Weather::moves);
}

ChatNumber Judge::on_handed(Time now, SessionNumber at, std::string_view line, const history::Marks& marks) {
  const ChatNumber number = number_in(line);
  if (number == 0)
    return fail("session " + std::to_string(at) + " got what nobody sent: " + std::string(line.substr(0, 80))), 0;
  history_.on_handed(now, at, number, marks);
  return number;
}

// --- Mailboxes.

void Judge::on_stored(Time now, std::string_view line, bool late) {
  const ChatNumber number = number_in(line);
  if (number == 0) return fail("stored what nobody sent: " + std::string(line.substr(0, 80)));
  history_.on_stored(now, number);
  if (late) history_.on_late(number);
}

// It has failed there, whenever its sender is told so.
void Judge::on_full(std::string_view line) {
  if (const ChatNumber number = number_in(line); number != 0) history_.on_perhaps_failed(number);
}

void Judge::on_forgotten(std::string_view line) {
  const ChatNumber number = number_in(line);
  chats_[number].must_arrive = false;
  history_.on_forgotten(number);
}

void Judge::on_revived(std::string_view line) { history_.on_revived(number_in(line)); }

// --- Nodes.

void Judge::on_dial(std::uint8_t from, std::uint32_t life, const std::string& to, Time now) {
  std::deque<Time>& dials = dials_[{from, life, to}];
  dials.push_back(now);
  if (dials.size() <= dials_max) return;
  if (now - dials.front() < dials_window)
    fail("n" + std::to_string(from) + " dialled " + to + " more than 15 times in 10 s");
  dials.pop_front();
}

// It is no dead address: that dial does not count.
void Judge::on_linked(std::uint8_t from, std::uint32_t life, const std::string& to) {
  std::deque<Time>& dials = dials_[{from, life, to}];
  if (!dials.empty()) dials.pop_back();
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
  history_.at_end();
  for (ChatNumber number = 1; number < chats_.size(); ++number)
    if (chats_[number].must_arrive && !history_.seen(number)) return fail(history_.name(number) + " was lost");
}

}  // namespace sim
