// The users: who logs in where, who writes to whom, who sends again what had no
// outcome. By the dice, or as a scene wants it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/chat/router.h"
#include "tests/sim/events.h"
#include "tests/sim/judge.h"
#include "tests/sim/plan.h"
#include "tests/sim/session.h"
#include "tests/sim/trace.h"

namespace sim {

class People {
 public:
  People(const Plan& plan, Events& events, Trace& trace, Judge& judge, std::uint64_t seed)
      : plan_(&plan), events_(&events), trace_(&trace), judge_(&judge), chance_(seed) {}

  // What a client asks of the node it is connected to; carried out by the node's
  // process, when it runs.
  enum class Verb : std::uint8_t { login, logout, chat, again };
  struct Order {
    Verb verb{};
    std::uint8_t user = 0;       // login
    SessionNumber session = 0;   // the others
    std::uint8_t recipient = 0;  // chat
    std::uint8_t count = 0;      // …
    bool with_id = false;        // …
    ChatNumber chat = 0;         // again
  };
  void plan(Micros delay, std::uint8_t node, std::uint32_t life, const Order& order);
  void carry_out(const Order& order, std::uint8_t node, std::uint32_t life, chat::Router& router,
                 const peer::Mesh& mesh);
  const Order& order(std::uint64_t x) const { return orders_[x]; }
  // Events of a session: written to silent.
  void handle(const Event&);

  // Something happens, by the dice. `routers`: null where no process runs.
  struct Place {
    chat::Router* router = nullptr;
    std::uint32_t life = 0;
  };
  void stir(const std::vector<Place>& places);
  // The calm: everybody is known everywhere and nobody moves any more. A few chats
  // from every session to every user.
  void call_everybody();
  // Each user who is not there logs in somewhere.
  void move_in(const std::vector<Place>& places);

  // The process is gone, its sessions with it.
  void on_death(std::uint8_t node, bool silently);
  // It is back: so are some of those who were there when it died.
  void on_boot(std::uint8_t node, const std::vector<Place>& places);
  // Sessions of a node that drains.
  void drain(std::uint8_t node);
  // Who was sent away, or lost its connection, and wants to be there again.
  void bring_back(const std::vector<Place>& places);

  std::size_t live(std::uint8_t user) const;
  const Session* session_of(std::uint8_t user) const;
  // An older session of that user is not over yet: what it has comes first.
  bool leaving(std::uint8_t user) const;
  // A session of its has something that its client has not read or confirmed.
  bool busy(std::uint8_t user) const;
  // Why nothing is quiet; empty: everything is.
  std::string unrest() const;
  // A login is over within a while, but for `awake_since(node)`.
  void look_for_unready(const std::function<Time(std::uint8_t)>& awake_since);
  void hurry();  // no slow readers any more, and everybody confirms
  bool hurries() const { return hurries_; }

 private:
  friend class Session;
  // --- For sessions.
  void trace(const Session& session, std::string_view what, std::uint64_t x = 0, std::string_view text = {}) {
    trace_->note(events_->now(), session.node, what, session.number, x, text.substr(0, 80));
  }
  void fail(const Session& session, std::string_view what);
  Time now() const { return events_->now(); }
  void after(Micros delay, What what, const Session& session) {
    events_->push_in(delay, what, session.node, session.number, session.life);
  }
  void after_anywhere(Micros delay, What what, const Session& session) {
    events_->push_in(delay, what, nowhere, session.number, session.life);
  }
  Micros write_delay(const Session& session);
  std::uint64_t write_count(const Session& session);
  Micros read_delay() { return Micros(chance_.below(hurries_ ? 500 : 4000)); }
  Micros confirm_delay(const Session& session);
  Micros part_delay() { return Micros(chance_.below(2000)); }
  Micros patience() { return chance_.below(2) == 0 ? Micros(chance_.below(5000)) : Micros(5'000'000); }
  Micros ack_timeout() const { return plan_->ack_timeout; }
  Micros watch_every() const { return plan_->ack_timeout / 4; }
  bool too_slow(std::size_t bytes) const { return bytes > plan_->queue_bytes_max; }
  bool reads_all() { return chance_.below(2) == 0; }
  bool tears() { return chance_.below(2) == 0; }
  // Of what is on the wire only the first gets through.
  void tear(const Session& session, std::deque<News>& wire);
  void on_outcome(const Session& session, std::string_view id, std::size_t size, chat::Outcome outcome, bool maybe) {
    judge_->on_outcome(events_->now(), session.number, id, size, outcome, maybe);
  }
  void on_kicked(const Session& session, chat::KickReason why) { judge_->on_kicked(session.number, why); }
  void on_ended(const Session& session) { judge_->on_ended(session.number); }
  ChatNumber on_handed(const Session& session, std::string_view line, const history::Marks& marks) {
    return judge_->on_handed(events_->now(), session.number, line, marks);
  }
  void on_given(std::string_view line) { judge_->on_given(line); }
  void on_swallowed(const Session& session, ChatNumber chat) { judge_->on_swallowed(session.number, chat); }
  void strike(Session& session) { std::erase(live_, &session); }
  void come_back(const Session& session);
  void on_news(Session& session, const News& news);

  // --- Clients.
  struct Letter {
    std::uint8_t recipient = 0;
    std::uint8_t sendings = 0;
    SessionNumber session = 0;  // the last that sent it
  };
  void send_again(std::uint8_t user);
  void on_answer(Session& session, const News& news);

  void login(std::uint8_t user, std::uint8_t node, std::uint32_t life, chat::Router& router, const peer::Mesh& mesh);
  Session::Manner manner();
  void chat(Session& from, std::uint8_t recipient, bool with_id);
  void again(Session& from, ChatNumber chat);
  void hand_in(Session& from, ChatNumber chat, bool with_id, bool retry);
  void drop(Session& session);
  void stir_places(const std::vector<Place>& places);
  void plan_login(Micros delay, std::uint8_t user, std::uint8_t node, const std::vector<Place>& places);
  void hop(std::uint8_t user, const std::vector<Place>& places);
  void stir_chat();
  void write_to_b();
  void play(const std::vector<Place>& places);
  Session* any_live();

  const Plan* plan_;
  Events* events_;
  Trace* trace_;
  Judge* judge_;
  peer::SeededChance chance_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<Session*> of_number_{nullptr};
  std::vector<Session*> live_;
  std::vector<Order> orders_;
  std::map<std::uint8_t, std::map<ChatNumber, Letter>> open_;  // without an outcome, by sender
  std::array<std::vector<std::uint8_t>, 8> bereft_;            // users, by node
  std::vector<std::uint8_t> coming_back_;
  bool hurries_ = false;
  bool all_known_ = false;
  Time next_move_{0};
};

}  // namespace sim
