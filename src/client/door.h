// Where clients come in: the listening socket, and a session on each connection.
//
// The only file of this folder that knows io. Connections die in one place: whatever
// ends one, its memory is freed by end_turn(). Owned by the node, which
// calls end_turn() from Loop::on_turn_end. The desk must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "peer/chance.h"
#include "peer/ids.h"
#include "peer/result.h"
#include "src/client/admission.h"
#include "src/client/session.h"
#include "src/io/listener.h"
#include "src/io/loop.h"
#include "src/io/timer.h"

namespace client {

class Door {
 public:
  // Listens at once; the failure is a sentence that names the address.
  static peer::Result<std::unique_ptr<Door>> open(io::Loop& loop, const io::Listener::Place& place,
                                                  SessionSettings settings, Admission::Limits limits,
                                                  peer::Incarnation incarnation, chat::Desk& desk,
                                                  peer::Chance& chance);
  // Cuts all connections; what was not written is given back to the desk.
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // The one listened on; the port is the real one where 0 was asked for.
  peer::Address address() const { return address_; }

  // Where those who are turned away are sent; else they are told to come back later.
  void point_to(std::function<std::optional<peer::Address>()> less_loaded) {
    commons_.less_loaded = std::move(less_loaded);
  }

  // For all, from now on. What bounds lines and queues stays as it was.
  void change(SessionSettings settings, Admission::Limits limits);

  // Of open connections, logged in or not; and without those who were turned away.
  std::size_t connections() const { return connections_.size() - free_.size(); }
  std::size_t inside() const { return admission_.inside(); }

  const Tally& tally() const { return commons_.tally; }

  // After the flush of a turn.
  void end_turn();

  // Whoever comes from now on is turned away, or let in again.
  void turn_away(bool away);
  // Nobody is accepted any more; who connects waits at the socket, which goes on
  // listening as long as there is one.
  void pause() { listener_->pause(); }
  int socket() const { return listener_->socket(); }
  // Asks some more of those inside to leave, `most` at a time; what they have sent has
  // `patience` to be settled. False: all have been asked since the last turn_away().
  bool move_off(std::size_t most, peer::Millis patience);

 private:
  class Connection;

  Door(io::Loop& loop, SessionSettings settings, Admission::Limits limits, peer::Incarnation incarnation,
       chat::Desk& desk, peer::Chance& chance);
  void accept(io::Listener::Ticket& ticket);
  void read_clock();

  // Sessions that have had their share of a turn, or are ahead of their pace, and go on in a
  // later one: so many in each turn, first come, first served, and guests apart. A login
  // costs several times a chat: where thousands want in at once, those who are in go on
  // talking.
  class Later final : public io::Flushable {
   public:
    explicit Later(Door& door);
    void join(std::uint32_t slot, bool guest, peer::Time when);
    void leave_out_the_dead();
    bool has_guests() const { return !guests_.empty(); }
    void flush() noexcept override;

   private:
    struct Rest {
      peer::Time until;
      std::uint32_t slot;
      bool operator>(const Rest& other) const { return until > other.until; }
    };
    void wake();
    void go_on(std::deque<std::uint32_t>& slots, std::size_t most);

    Door& door_;
    std::deque<std::uint32_t> inside_;
    std::deque<std::uint32_t> guests_;
    std::vector<Rest> resting_;  // a heap, whoever is first to go on in front
    io::Timer timer_;            // while some rest
  };

  // Sessions that are called now and then, each until it says that it is enough.
  struct Round {
    Round(io::Loop& loop, peer::Millis every, std::function<void()> call)
        : period(every), timer(loop, std::move(call)) {}
    void join(std::uint32_t slot);
    peer::Millis period;
    std::vector<std::uint32_t> slots;
    io::Timer timer;  // runs while there are some
  };
  void go_round(Round& round, bool (Session::*call)());

  io::Loop& loop_;
  Commons commons_;
  Admission admission_;
  std::unique_ptr<io::Listener> listener_;
  peer::Address address_;
  std::vector<std::unique_ptr<Connection>> connections_;  // by slot
  std::vector<std::uint32_t> free_;                       // slots
  std::vector<std::uint32_t> reviewed_;                   // slots to be reviewed after this turn's flush
  std::vector<std::uint32_t> lost_;                       // slots to be freed
  Later later_;
  Round ticks_;
  Round watch_;
  std::size_t to_ask_ = 0;  // slots before this one were asked to leave
};

}  // namespace client
