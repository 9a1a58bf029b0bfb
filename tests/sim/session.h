// A session, client::Session in small: what it is given waits, is taken by the
// kernel, is read by the client at the other end of the wire and, in one that
// acknowledges, is confirmed. Keeps the contract of chat::Client to the letter.
//
// The two ends live apart: the server's belongs to a node and stops with it, the
// client's goes on reading what is on the wire. Owned by People.
//
//   entering --on_ready--> live --kick, logout--> leaving --flushed--> gone
//        any --its connection is lost, its node dies--> gone
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "src/chat/client.h"
#include "src/chat/router.h"
#include "tests/sim/events.h"
#include "tests/sim/judge.h"

namespace sim {

class People;

// What a client reads off its wire.
struct News {
  enum class Kind : std::uint8_t { ready, chat, outcome, end };
  Kind kind{};
  ChatNumber chat = 0;
  bool good = false;   // of an outcome
  bool maybe = false;  // …
  bool again = false;  // of an end: its user comes back
};

class Session final : public chat::Client {
 public:
  enum class State : std::uint8_t { entering, live, leaving, gone };
  // How its client behaves.
  struct Manner {
    bool confirms = false;
    bool mute = false;       // it never does, though it should
    Micros confirms_in{0};   // at most
    Micros pace{0};          // from one write to the next, at most
    std::size_t window = 0;  // unconfirmed, at most
  };

  Session(People& people, chat::Router& router, std::uint8_t its_user, std::uint8_t its_node, std::uint32_t its_life,
          const Manner& its_manner)
      : user(its_user), node(its_node), life(its_life), manner(its_manner), people_(&people), router_(&router) {}

  // chat::Client
  void on_ready(std::size_t waiting) override;
  void deliver(const chat::Delivery& delivery, const chat::Origin& origin) override;
  std::size_t waiting_bytes() const override { return queued_bytes_; }
  void on_outcome(std::string_view id, std::size_t size, chat::Outcome outcome, bool maybe) override;
  void on_roll(const chat::Roll&) override {}
  void kick(chat::KickReason why) override;

  // --- The server's end.
  void on_written();
  void on_confirmed();
  void on_silent();
  void on_part();
  // The connection is lost.
  void on_reset();
  void log_out();
  // Its process is gone; `silently`: and its host.
  void on_death(bool silently);

  // --- The client's end.
  void on_read();
  // It closes; what is on the wire is read by nobody.
  void hang_up();
  bool over() const { return client_over_; }

  bool ready() const { return state == State::live; }
  bool at_server() const { return state == State::entering || state == State::live; }
  // Nothing is to be written, read or confirmed.
  bool quiet() const { return queue_.empty() && out_.empty() && wire_.empty(); }
  chat::Router& router() { return *router_; }

  Time began{0};
  Time moved_at{0};  // something was given, written, read or confirmed
  const std::uint8_t user;
  const std::uint8_t node;
  const std::uint32_t life;
  Manner manner;
  SessionNumber number = 0;
  chat::ClientId client_id = 0;
  State state = State::entering;

 private:
  struct Waiting {
    std::string line;
    chat::Origin origin;
    history::Marks marks;
  };
  struct Out {
    chat::Origin origin;
    Time given{0};
  };

  void write_later();
  void read_later();
  void hand_one();
  void put_on_wire(const News& news);
  void leave(bool again);
  void finish(bool lost);
  void give_back();
  void cut_slow();

  People* people_;
  chat::Router* router_;
  std::deque<Waiting> queue_;  // not with the kernel
  std::size_t queued_bytes_ = 0;
  std::deque<Out> out_;        // with it, and not confirmed
  std::deque<News> wire_;      // between kernel and client
  std::size_t read_ = 0;       // chats
  std::size_t confirmed_ = 0;  // …
  bool writing_ = false;
  bool reading_ = false;
  bool watched_ = false;
  bool client_over_ = false;
};

}  // namespace sim
