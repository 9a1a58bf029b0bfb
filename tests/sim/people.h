// The users and their sessions: who logs in where, who writes to whom.
//
// A session's socket is modelled too: a delivery is with the kernel a little
// later, in order; what is not when the session ends goes back to the router.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "src/chat/client.h"
#include "src/chat/router.h"
#include "tests/sim/events.h"
#include "tests/sim/judge.h"
#include "tests/sim/plan.h"
#include "tests/sim/trace.h"

namespace sim {

class People;

class Session final : public chat::Client {
 public:
  enum class State : std::uint8_t { live, leaving, gone };

  Session(People& people, chat::Router& router, std::uint8_t its_user, std::uint8_t its_node, std::uint32_t its_life)
      : user(its_user), node(its_node), life(its_life), people_(&people), router_(&router) {}

  void deliver(std::string_view line, const chat::Origin& origin) override;
  void on_outcome(std::string_view id, std::size_t size, chat::Outcome outcome, bool maybe) override;
  void kick(chat::KickReason why) override;

  const std::uint8_t user;
  const std::uint8_t node;
  const std::uint32_t life;
  SessionNumber number = 0;
  chat::ClientId client_id = 0;
  State state = State::live;
  Micros pace{0};  // from one write to the next, at most

 private:
  friend class People;
  struct Pending {
    std::string line;
    chat::Origin origin;
  };
  People* people_;
  chat::Router* router_;
  std::deque<Pending> pending_;
  bool writing_ = false;
};

class People {
 public:
  People(const Plan& plan, Events& events, Trace& trace, Judge& judge, std::uint64_t seed)
      : plan_(&plan), events_(&events), trace_(&trace), judge_(&judge), chance_(seed) {}

  // What a client asks of the node it is connected to; carried out by the node's
  // process, when it runs.
  enum class Verb : std::uint8_t { login, logout, chat };
  struct Order {
    Verb verb{};
    std::uint8_t user = 0;       // login
    SessionNumber session = 0;   // logout, chat
    std::uint8_t recipient = 0;  // chat
    std::uint8_t count = 0;
    bool with_id = false;
  };
  void plan(Micros delay, std::uint8_t node, std::uint32_t life, const Order& order);
  void carry_out(const Order& order, std::uint8_t node, std::uint32_t life, chat::Router& router,
                 const peer::Mesh& mesh);
  const Order& order(std::uint64_t x) const { return orders_[x]; }

  // Something happens, by the dice. `routers`: null where no process runs.
  struct Place {
    chat::Router* router = nullptr;
    std::uint32_t life = 0;
  };
  void stir(const std::vector<Place>& places);
  // The calm: everybody is known everywhere and nobody moves any more. A few chats
  // from every session to every user.
  void call_everybody();
  // Each user logs in somewhere.
  void move_in(const std::vector<Place>& places);

  void on_written(SessionNumber);
  void on_reset(SessionNumber);
  // The process is gone, its sessions with it.
  void on_death(std::uint8_t node);
  // It is back: so are some of those who were there when it died.
  void on_boot(std::uint8_t node, const std::vector<Place>& places);
  // Sessions of a node that drains.
  void drain(std::uint8_t node);

  std::size_t live(std::uint8_t user) const;
  const Session* session_of(std::uint8_t user) const;
  bool quiet() const;  // nobody has anything unwritten
  void hurry();        // no slow readers any more
  std::string name(std::uint8_t user) const { return "user" + std::to_string(user); }

 private:
  friend class Session;
  void login(std::uint8_t user, std::uint8_t node, std::uint32_t life, chat::Router& router, const peer::Mesh& mesh);
  void chat(Session& from, std::uint8_t recipient, bool with_id);
  void log_out(Session& session);
  void leave(Session& session);
  void end(Session& session);
  void write_later(Session& session);
  void stir_places(const std::vector<Place>& places);
  void plan_login(Micros delay, std::uint8_t user, std::uint8_t node, const std::vector<Place>& places);
  void hop(std::uint8_t user, const std::vector<Place>& places);
  void stir_chat();
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
  std::array<std::vector<std::uint8_t>, 8> bereft_;  // users, by node
  bool hurries_ = false;
  bool all_known_ = false;
  Time next_move_{0};
};

}  // namespace sim
