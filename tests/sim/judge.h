// The contract held against what happens in a storm. What concerns chats is the
// history's (history.h), which this one tells in its words; the rest is said here:
// every kick, every dial, every tick. The first breach ends a run.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "peer/hlc.h"
#include "src/chat/client.h"
#include "tests/sim/events.h"
#include "tests/sim/history.h"
#include "tests/sim/plan.h"

namespace sim {

using SessionNumber = history::SessionId;
using ChatNumber = history::MessageId;

std::string user_name(std::uint8_t user);
// With its quotes.
std::string id_of(ChatNumber number);
ChatNumber number_of(std::string_view id);
// The line of a chat; a function of its number and pair, so that nothing of it need
// be kept.
std::string line_of(ChatNumber number, std::uint8_t sender, std::uint8_t recipient, bool big);

class Judge {
 public:
  explicit Judge(const Plan& plan);

  bool breached() const { return history_.breached(); }
  const std::string& breach() const { return history_.breach(); }
  void fail(std::string what) { history_.fail(std::move(what)); }

  // --- Sessions.
  SessionNumber on_login(Time now, std::uint8_t user, std::uint8_t node, bool confirms);
  void on_stamped(SessionNumber, peer::Stamp);
  void on_kicked(SessionNumber, chat::KickReason);
  void on_ended(SessionNumber);

  // --- Chats.
  ChatNumber new_chat(std::uint8_t sender, std::uint8_t recipient, bool with_id);
  // `must_arrive`: nothing stands against it.
  void on_sent(Time now, SessionNumber from, ChatNumber chat, bool must_arrive);
  // `size` of its line: what tells those without an id apart.
  void on_outcome(Time now, SessionNumber at, std::string_view id, std::size_t size, chat::Outcome, bool maybe);
  // The kernel has it for that session's client; 0: it is none.
  ChatNumber on_handed(Time now, SessionNumber at, std::string_view line, const history::Marks& marks);
  void on_given(std::string_view line) { history_.on_given(number_in(line)); }
  // Nobody waits in vain; see history::Judge::each_waiting. `patience` of a node.
  template <class Patience>
  void look_for_waiting(Time now, Patience&& patience) {
    history_.each_waiting([&](ChatNumber chat, history::Place place, Time since) {
      if (now - since > patience(static_cast<std::uint8_t>(place), chats_[chat].recipient))
        fail(history_.name(chat) + " has waited for too long");
    });
  }
  void on_seen(Time now, SessionNumber at, ChatNumber chat) { history_.on_seen(now, at, chat); }
  void on_swallowed(SessionNumber at, ChatNumber chat) { history_.on_swallowed(at, chat); }
  std::uint8_t recipient_of(ChatNumber chat) const { return chats_[chat].recipient; }
  std::uint8_t sender_of(ChatNumber chat) const { return chats_[chat].sender; }
  bool acked(std::string_view line) const { return history_.acked(number_in(line)); }
  bool seen(std::string_view line) const { return history_.seen(number_in(line)); }

  // --- Mailboxes.
  void on_stored(Time now, std::string_view line, bool late);
  std::string describe(std::string_view line) const { return history_.name(number_in(line)); }
  void on_full(std::string_view line);
  void on_forgotten(std::string_view line);
  void on_revived(std::string_view line);
  void on_mail_down(Time now, std::uint8_t node) { history_.on_mail_down(now, node); }
  void on_mail_up(Time now, std::uint8_t node) { history_.on_mail_up(now, node); }

  // --- Nodes.
  void on_boot(std::uint8_t node, std::uint32_t life) { lives_[node] = life; }
  void on_met(std::uint8_t node, std::uint8_t other) { met_.insert({node, lives_[node], other, lives_[other]}); }
  // That node has been linked with that life of the other.
  bool met(std::uint8_t node, std::uint8_t other, std::uint32_t life) const {
    return met_.contains({node, lives_[node], other, life});
  }
  void on_dial(std::uint8_t from, std::uint32_t life, const std::string& to, Time now);
  void on_linked(std::uint8_t from, std::uint32_t life, const std::string& to);
  void on_tick(std::uint8_t node, Time now);

  // Every chat that may not be open is settled.
  void at_end();

  std::size_t chats() const { return history_.messages(); }
  const history::Judge::Counts& counts() const { return history_.counts(); }

 private:
  struct Chat {
    std::uint8_t sender = 0;
    std::uint8_t recipient = 0;
    bool with_id = false;
    bool must_arrive = false;
  };
  struct Session {
    std::uint8_t user = 0;
    std::uint8_t node = 0;
    peer::Stamp stamp = 0;
    std::multimap<std::size_t, ChatNumber> nameless;  // sent, by size
  };
  bool may_be_unavailable(bool maybe) const;
  ChatNumber number_in(std::string_view line) const;

  const Plan* plan_;
  history::Judge history_;
  std::vector<Chat> chats_{1};
  std::vector<Session> sessions_{1};
  std::map<std::tuple<std::uint8_t, std::uint32_t, std::string>, std::deque<Time>> dials_;
  std::array<std::pair<Time, unsigned>, 8> ticks_{};
  std::array<std::uint32_t, 8> lives_{};
  std::set<std::tuple<std::uint8_t, std::uint32_t, std::uint8_t, std::uint32_t>> met_;
};

}  // namespace sim
