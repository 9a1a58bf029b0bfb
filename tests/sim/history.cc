#include "tests/sim/history.h"

#include <algorithm>

namespace history {

namespace {

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::none: return "nothing";
    case Outcome::delivered: return "delivered";
    case Outcome::written: return "written";
    case Outcome::stored: return "stored";
    case Outcome::failed: return "failed";
    case Outcome::open: return "open";
  }
  return "";
}

// Ids of a recipient that a node keeps in mind (crosstalk-protocol(7)).
constexpr std::size_t known_max = 4096;
// What Redis was asked before and does after.
constexpr Time under_way = std::chrono::seconds(1);

bool good(Outcome outcome) {
  return outcome == Outcome::delivered || outcome == Outcome::written || outcome == Outcome::stored;
}

}  // namespace

std::string Judge::name(MessageId id) const {
  const Message& message = messages_[id];
  std::string text = "chat " + std::to_string(id) + " (user " + std::to_string(message.sender) + " to user " +
                     std::to_string(message.recipient) + "; sent in session";
  for (const Sending& sending : message.sendings)
    text += " " + std::to_string(sending.session) + ", told " + name_of(sending.outcome) + ";";
  text.back() = ')';
  return text;
}

// --- Sessions.

SessionId Judge::on_login(Time now, User user, Place place, bool confirms) {
  Session session;
  session.began = now;
  session.user = user;
  session.place = place;
  session.confirms = confirms;
  sessions_.push_back(std::move(session));
  return static_cast<SessionId>(sessions_.size() - 1);
}

void Judge::on_ended(SessionId id) { sessions_[id].ended = true; }

// --- Senders.

MessageId Judge::new_message(User sender, User recipient, bool with_id) {
  Message message;
  message.sender = sender;
  message.recipient = recipient;
  message.with_id = with_id;
  messages_.push_back(std::move(message));
  return static_cast<MessageId>(messages_.size() - 1);
}

void Judge::on_sent(Time now, SessionId from, MessageId id) {
  ++counts_.sendings;
  Message& message = messages_[id];
  for (const Sending& earlier : message.sendings)
    if (earlier.session != from && earlier.outcome == Outcome::none && !sessions_[earlier.session].ended)
      message.crossed = true;
  Lane& lane = sessions_[from].lanes[message.recipient];
  message.sendings.push_back({from, now, lane.sent.size(), Outcome::none, Time{0}});
  lane.sent.push_back(id);
  if (message.with_id) waiting_[{sessions_[from].place, message.recipient}].emplace_back(id, from);
}

void Judge::on_told(Time now, SessionId at, MessageId id, Outcome outcome) {
  if (id == 0 || id >= messages_.size()) return fail("an outcome for what nobody sent");
  Message& message = messages_[id];
  if (sessions_[at].ended) return fail(name(id) + ": session " + std::to_string(at) + " is told after its end");
  if (!message.with_id) return fail(name(id) + " has no id, but an outcome bears it");
  const auto sending = std::find_if(message.sendings.begin(), message.sendings.end(), [at](const Sending& each) {
    return each.session == at && each.outcome == Outcome::none;
  });
  if (sending == message.sendings.end())
    return fail(name(id) + " has one outcome too many in session " + std::to_string(at) + ": " + name_of(outcome));
  sending->outcome = outcome;
  sending->told = now;
  const auto had = [&](bool confirms) {
    return std::any_of(message.copies.begin(), message.copies.end(), [&](const Copy& copy) {
      return sessions_[copy.session].confirms == confirms && (copy.seen || !confirms);
    });
  };
  switch (outcome) {
    case Outcome::none: return;
    case Outcome::delivered:
      ++counts_.delivered;
      if (!had(true)) fail(name(id) + " is called delivered, but no client has confirmed it");
      return;
    case Outcome::written:
      ++counts_.written;
      if (!had(false)) fail(name(id) + " is called written, but no kernel had it");
      return;
    case Outcome::stored:
      ++counts_.stored;
      if (message.stored < Time{0}) fail(name(id) + " is called stored, but is in no mailbox");
      return;
    case Outcome::failed:
      ++counts_.failed;
      if (message.seen > 0 && failed_for_good(message)) fail(name(id) + " was seen, but its sender is told it failed");
      return;
    case Outcome::open: ++counts_.open; return;
  }
}

bool Judge::failed_for_good(const Message& message) const {
  return message.with_id && std::all_of(message.sendings.begin(), message.sendings.end(),
                                        [](const Sending& each) { return each.outcome == Outcome::failed; });
}

bool Judge::waits(const Wait& wait) const {
  const auto& sendings = messages_[wait.first].sendings;
  return !sessions_[wait.second].ended && std::any_of(sendings.begin(), sendings.end(), [&](const Sending& each) {
    return each.session == wait.second && each.outcome == Outcome::none;
  });
}

Time Judge::at_of(const Wait& wait) const {
  const auto& sendings = messages_[wait.first].sendings;
  return std::find_if(sendings.begin(), sendings.end(),
                      [&](const Sending& each) { return each.session == wait.second && each.outcome == Outcome::none; })
      ->at;
}

bool Judge::acked(MessageId id) const {
  return std::any_of(messages_[id].sendings.begin(), messages_[id].sendings.end(),
                     [](const Sending& each) { return good(each.outcome); });
}

std::size_t Judge::unsettled(User recipient, Time since) const {
  std::size_t count = 0;
  for (const Message& message : messages_) {
    if (message.recipient != recipient) continue;
    const bool taken = !message.with_id && (!message.copies.empty() || message.stored >= Time{0});
    for (const Sending& each : message.sendings)
      count += each.outcome == Outcome::none && (message.with_id || (!taken && each.at >= since));
  }
  return count;
}

// --- Recipients.

void Judge::on_handed(Time now, SessionId at, MessageId id, Marks marks) {
  if (id == 0 || id >= messages_.size()) return fail("session " + std::to_string(at) + " got what nobody sent");
  Message& message = messages_[id];
  if (message.recipient != sessions_[at].user)
    return fail(name(id) + " went to a session of user " + std::to_string(sessions_[at].user));
  message.copies.push_back({at, ++copies_, marks, now, Time{0}, false, false});
  if (!sessions_[at].confirms) on_arrived(now, at, message, id, marks.stored);
}

void Judge::on_seen(Time now, SessionId at, MessageId id) {
  Message& message = messages_[id];
  const auto copy = std::find_if(message.copies.begin(), message.copies.end(), [at](const Copy& each) {
    return each.session == at && !each.seen && !each.swallowed;
  });
  if (copy == message.copies.end()) return fail(name(id) + " is seen where no kernel had it");
  copy->seen = true;
  copy->seen_at = now;
  ++counts_.seen;
  if (++message.seen > 1) ++counts_.repeated;
  if (message.seen > 1 && rules_.no_repeats && !was_long_ago(message, *copy))
    return fail(name(id) + " was seen twice, though nobody ever moved");
  for (const Copy& other : message.copies)
    if (&other != &*copy && other.seen && !message.revived && !message.late) judge_repetition(id, other, *copy);
  if (failed_for_good(message)) return fail(name(id) + " was seen, but its sender was told that it failed");
  if (sessions_[at].confirms) on_arrived(now, at, message, id, copy->marks.stored);
}

// So many others were handed to its recipient since the first that its id was forgotten.
bool Judge::was_long_ago(const Message& message, const Copy& again) const {
  const std::uint32_t first = message.copies.front().order;
  std::size_t others = 0;
  for (const Message& each : messages_)
    if (each.recipient == message.recipient && each.with_id)
      others += static_cast<std::size_t>(std::count_if(each.copies.begin(), each.copies.end(), [&](const Copy& copy) {
        return copy.order > first && copy.order < again.order;
      }));
  return again.marks.redelivered && others >= known_max;
}

// Of two that are seen one has to be marked; the later one, unless it is of a session
// that was there already when the other was seen, or of a sending that was still
// good when the other was made.
void Judge::judge_repetition(MessageId id, const Copy& one, const Copy& other) {
  const Copy& first = one.order < other.order ? one : other;
  const Copy& second = one.order < other.order ? other : one;
  const bool at_once = sessions_[second.session].began <= first.seen_at || messages_[id].crossed;
  if (second.marks.redelivered || (at_once && first.marks.redelivered)) return;
  const Message& message = messages_[id];
  const bool sent_again = message.sendings.size() > 1;
  // It was in the mailbox before it was sent again, or on its way to an older login.
  if (sent_again && (second.marks.stored ? message.stored <= message.sendings.back().at + under_way
                                         : sessions_[second.session].began >= message.sendings.front().at))
    return;
  // The mailbox kept what had come directly, since it could not be asked then.
  if (second.marks.stored && mail_was_down(sessions_[first.session].place, first.handed_at, first.handed_at)) return;
  fail(name(id) + " was seen twice, in sessions " + std::to_string(first.session) + " and " +
       std::to_string(second.session) + ", and the second is not marked");
}

void Judge::on_swallowed(SessionId at, MessageId id) {
  for (Copy& copy : messages_[id].copies)
    if (copy.session == at && !copy.seen && !copy.swallowed) {
      copy.swallowed = true;
      return;
    }
}

bool Judge::swallowed(const Message& message) const {
  return std::any_of(message.copies.begin(), message.copies.end(),
                     [this](const Copy& copy) { return copy.swallowed && !sessions_[copy.session].confirms; });
}

// --- Order.

void Judge::on_arrived(Time now, SessionId at, Message& message, MessageId id, bool stored) {
  if (message.arrived >= Time{0}) return;
  message.arrived = now;
  message.arrived_in = at;
  message.arrived_stored = stored;
  judge_order(id);
}

void Judge::judge_order(MessageId id) {
  const Message& message = messages_[id];
  for (const Sending& sending : message.sendings) {
    Lane& lane = sessions_[sending.session].lanes[message.recipient];
    for (std::size_t place = sending.place + 1; place < lane.arrived; ++place) {
      const Message& later = messages_[lane.sent[place]];
      const bool late = later.arrived >= Time{0} && &later != &message && precedes(message, later);
      if (!late || later.late || may_be_late(message) || came_past_the_mailbox(message, later)) continue;
      return fail(name(id) + " came after " + name(lane.sent[place]) + ", which session " +
                  std::to_string(sending.session) + " sent later");
    }
  }
  for (const Sending& sending : message.sendings) {
    Lane& lane = sessions_[sending.session].lanes[message.recipient];
    lane.arrived = std::max(lane.arrived, sending.place + 1);
  }
}

// Whichever way the other has come, this one was sent before it.
bool Judge::precedes(const Message& one, const Message& other) const {
  return std::all_of(other.sendings.begin(), other.sendings.end(), [&](const Sending& theirs) {
    return theirs.at > other.arrived || std::any_of(one.sendings.begin(), one.sendings.end(), [&](const Sending& mine) {
             return mine.session == theirs.session && mine.place < theirs.place;
           });
  });
}

// It was given up, and has come nevertheless or was sent again;
// or a connection that broke had it first, or Redis.
bool Judge::may_be_late(const Message& message) const {
  const auto given_up = [](const Sending& each) {
    return each.outcome == Outcome::failed || each.outcome == Outcome::open;
  };
  const auto may_be_dropped = [&](const Sending& each) {
    return each.outcome == Outcome::none && sessions_[each.session].ended &&
           (rules_.may_drop || message.arrived - each.at >= rules_.patience);
  };
  const auto any = [&](const auto& is) { return std::any_of(message.sendings.begin(), message.sendings.end(), is); };
  return any(given_up) || any(may_be_dropped) || message.may_have_failed || message.was_forgotten || message.late ||
         swallowed(message);
}

bool Judge::came_past_the_mailbox(const Message& late, const Message& later) const {
  if (late.stored < Time{0} || later.arrived_stored) return false;
  return mail_was_down(sessions_[later.arrived_in].place, late.stored, later.arrived);
}

bool Judge::mail_was_down(Place place, Time from, Time to) const {
  const auto outages = outages_.find(place);
  return outages != outages_.end() &&
         std::any_of(outages->second.begin(), outages->second.end(),
                     [&](const Outage& outage) { return outage.from <= to && outage.to >= from; });
}

// --- Mailboxes.

void Judge::on_stored(Time now, MessageId id) {
  Message& message = messages_[id];
  if (message.stored < Time{0}) message.stored = now;
  // What is lost now was there again.
  message.forgotten = false;
}

void Judge::on_forgotten(MessageId id) { messages_[id].forgotten = messages_[id].was_forgotten = true; }

void Judge::on_late(MessageId id) { messages_[id].late = true; }

void Judge::on_revived(MessageId id) { messages_[id].revived = true; }

void Judge::on_mail_down(Time now, Place place) {
  std::vector<Outage>& outages = outages_[place];
  if (outages.empty() || outages.back().to != Time::max()) outages.push_back({now, Time::max()});
}

void Judge::on_mail_up(Time now, Place place) {
  std::vector<Outage>& outages = outages_[place];
  if (!outages.empty()) outages.back().to = std::min(outages.back().to, now);
}

// --- The end.

void Judge::at_end() {
  for (MessageId id = 1; id < messages_.size(); ++id) {
    const Message& message = messages_[id];
    for (const Sending& sending : message.sendings)
      if (message.with_id && sending.outcome == Outcome::none && !sessions_[sending.session].ended)
        return fail(name(id) + " never had an outcome");
    judge_lost(id);
  }
}

void Judge::judge_lost(MessageId id) {
  const Message& message = messages_[id];
  if (message.seen > 0 || !acked(id)) return;
  if (message.forgotten || swallowed(message)) return;
  fail(name(id) + " was lost");
}

}  // namespace history
