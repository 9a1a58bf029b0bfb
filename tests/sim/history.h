// What people sent, were told and saw, held against the contract (PROTOCOL.md §3).
//
// Told event after event, in the order in which they happened; the first breach
// stays. Knows neither the simulator nor the program: whoever has a history can
// have it judged. Users and places (of a node and its mailboxes) are numbers from
// 0; sessions and messages are numbered here. A message is one (sender, recipient,
// id): sent again under its id it is another sending of the same message.
//
//   lost        told delivered, written or stored, and nobody ever saw it
//   doubled     seen again without the mark `redelivered`
//   reordered   seen later than what the same session sent later to the same user
//   phantom     seen by somebody whom it was not for
//   false ack   delivered before a client had it, written before a kernel had it,
//               stored and not in the mailbox
//   false error said to have failed for good, and seen
//   outcomes    two for one sending, one that nobody had asked for, none at all
//
// Excused: what a kernel took for a connection that broke before it was read,
// where nobody confirms; what Redis lost, or gave back after a loss; and the order
// of what was stored, where the mailboxes could not be asked when the later came.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace history {

using Time = std::chrono::microseconds;
using User = std::uint16_t;
using Place = std::uint16_t;
using SessionId = std::uint32_t;
using MessageId = std::uint32_t;  // never 0

// Of `failed` and `open` the latter leaves it open whether it arrived.
enum class Outcome : std::uint8_t { none, delivered, written, stored, failed, open };

struct Marks {
  bool stored = false;
  bool redelivered = false;
};

struct Rules {
  // Nobody moves and nothing that is known is ever lost: nothing is seen twice,
  // marked or not.
  bool no_repeats = false;
  // A bound may be met on the way, after the sender's session is over: then nobody
  // is told.
  bool may_drop = false;
  // What waited for so long may have been given up.
  Time patience = Time::max();
};

class Judge {
 public:
  explicit Judge(Rules rules) : rules_(rules) {}

  bool breached() const { return !breach_.empty(); }
  const std::string& breach() const { return breach_; }
  void fail(std::string what) {
    if (breach_.empty()) breach_ = std::move(what);
  }

  // --- Sessions. `confirms`: it acknowledges what it gets.
  SessionId on_login(Time, User user, Place place, bool confirms);
  // Its server is done with it: it is told nothing more.
  void on_ended(SessionId);

  // --- Senders.
  MessageId new_message(User sender, User recipient, bool with_id);
  void on_sent(Time, SessionId, MessageId);
  void on_told(Time, SessionId, MessageId, Outcome);
  // It has failed, which its sender is still to be told; or one without an id has,
  // that may have been this one.
  void on_perhaps_failed(MessageId id) { messages_[id].may_have_failed = true; }

  // --- Recipients. A kernel has taken a copy for a session; its client has read
  // it, or never will.
  void on_handed(Time, SessionId, MessageId, Marks);
  void on_seen(Time, SessionId, MessageId);
  void on_swallowed(SessionId, MessageId);

  // --- Mailboxes.
  void on_stored(Time, MessageId);
  void on_forgotten(MessageId);  // it is not there any more, though nobody took it out
  void on_late(MessageId);       // it was put there when nobody counted on it any more
  void on_revived(MessageId);    // it is there again, or its mark is gone
  void on_mail_down(Time, Place);
  void on_mail_up(Time, Place);

  // A session has it, and may take its time.
  void on_given(MessageId id) { messages_[id].given = true; }
  // For each place and recipient the oldest sending that waits for its outcome,
  // unless a session has it: what was sent, where from, when. Told of its end.
  template <class Each>
  void each_waiting(Each&& each) {
    for (auto& [lane, sendings] : waiting_) {
      while (!sendings.empty() && !waits(sendings.front())) sendings.pop_front();
      if (!sendings.empty() && !messages_[sendings.front().first].given)
        each(sendings.front().first, lane.first, at_of(sendings.front()));
    }
  }

  // Nothing happens any more: everybody is there and has read what there is.
  void at_end();

  bool seen(MessageId id) const { return messages_[id].seen > 0; }
  bool acked(MessageId id) const;
  // Sendings to that user without an outcome. What has no id is told none: of it,
  // what was sent since then and neither a kernel nor a mailbox has taken.
  std::size_t unsettled(User recipient, Time since) const;
  std::string name(MessageId) const;

  struct Counts {
    std::size_t sendings = 0, delivered = 0, written = 0, stored = 0, failed = 0, open = 0;
    std::size_t seen = 0, repeated = 0;
  };
  const Counts& counts() const { return counts_; }
  std::size_t messages() const { return messages_.size() - 1; }

 private:
  static constexpr std::size_t nothing = ~std::size_t{0};

  struct Sending {
    SessionId session = 0;
    Time at{0};
    std::size_t place = 0;  // in its session's lane
    Outcome outcome = Outcome::none;
    Time told{0};
  };
  // One that a kernel has taken for a session.
  struct Copy {
    SessionId session = 0;
    std::uint32_t order = 0;  // among all copies
    Marks marks;
    Time handed_at{0};
    Time seen_at{0};
    bool seen = false;
    bool swallowed = false;
  };
  struct Message {
    User sender = 0;
    User recipient = 0;
    bool with_id = false;
    bool given = false;
    bool forgotten = false;  // and not stored again
    bool was_forgotten = false;
    bool crossed = false;  // sent again before the server of an earlier session had noticed its end
    bool revived = false;
    bool late = false;
    bool may_have_failed = false;
    std::uint16_t seen = 0;
    Time stored{-1};
    Time arrived{-1};  // first: seen, or with the kernel where nobody confirms
    SessionId arrived_in = 0;
    bool arrived_stored = false;
    std::vector<Sending> sendings;
    std::vector<Copy> copies;
  };
  // What a session sent to one user, in order.
  struct Lane {
    std::vector<MessageId> sent;
    std::size_t arrived = 0;  // the last of those that have: place + 1
  };
  struct Session {
    Time began{0};
    User user = 0;
    Place place = 0;
    bool confirms = false;
    bool ended = false;
    std::map<User, Lane> lanes;
  };
  using Wait = std::pair<MessageId, SessionId>;
  struct Outage {
    Time from{0};
    Time to = Time::max();
  };

  void on_arrived(Time, SessionId, Message&, MessageId, bool stored);
  void judge_order(MessageId);
  bool precedes(const Message& one, const Message& other) const;
  bool waits(const Wait&) const;
  Time at_of(const Wait&) const;
  bool may_be_late(const Message&) const;
  bool was_long_ago(const Message&, const Copy& again) const;
  void judge_repetition(MessageId, const Copy&, const Copy&);
  bool came_past_the_mailbox(const Message& late, const Message& later) const;
  bool mail_was_down(Place, Time from, Time to) const;
  bool failed_for_good(const Message&) const;
  bool swallowed(const Message&) const;
  void judge_lost(MessageId);

  Rules rules_;
  std::string breach_;
  std::vector<Message> messages_{1};
  std::vector<Session> sessions_{1};
  std::map<Place, std::vector<Outage>> outages_;
  std::map<std::pair<Place, User>, std::deque<Wait>> waiting_;  // in the order of sending
  std::uint32_t copies_ = 0;
  Counts counts_;
};

}  // namespace history
