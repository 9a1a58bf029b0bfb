// Where clients come in: the listening socket, and a session on each connection.
//
// The only file of this folder that knows io. Connections die in one place: whatever
// ends one, its memory is freed by end_turn(). Owned by the node, which
// calls end_turn() from Loop::on_turn_end. The desk must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "peer/chance.h"
#include "peer/ids.h"
#include "peer/result.h"
#include "src/client/session.h"
#include "src/io/listener.h"
#include "src/io/loop.h"
#include "src/io/timer.h"

namespace client {

class Door {
 public:
  // Listens at once; the failure is a sentence that names the address.
  static peer::Result<std::unique_ptr<Door>> open(io::Loop& loop, const io::Listener::Place& place,
                                                  SessionSettings settings, peer::Incarnation incarnation,
                                                  chat::Desk& desk, peer::Chance& chance);
  // Cuts all connections; what was not written is given back to the desk.
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  // The one listened on; the port is the real one where 0 was asked for.
  peer::Address address() const { return address_; }

  // Of open connections, logged in or not.
  std::size_t connections() const { return connections_.size() - free_.size(); }

  const Tally& tally() const { return commons_.tally; }

  // After the flush of a turn.
  void end_turn();

  // No new connections; all are asked to leave. `done` is called once, from
  // end_turn() or at once, when nobody is left.
  void drain(std::function<void()> done);

 private:
  class Connection;

  Door(io::Loop& loop, SessionSettings settings, peer::Incarnation incarnation, chat::Desk& desk, peer::Chance& chance);
  void accept(io::Listener::Ticket& ticket);
  void read_clock();

  // Sessions that are called now and then, each until it says that it is enough.
  struct Round {
    Round(io::Loop& loop, peer::Millis every, std::function<void()> call)
        : period(every), timer(loop, std::move(call)) {}
    void join(std::uint32_t slot);
    const peer::Millis period;
    std::vector<std::uint32_t> slots;
    io::Timer timer;  // runs while there are some
  };
  void go_round(Round& round, bool (Session::*call)());

  io::Loop& loop_;
  Commons commons_;
  std::unique_ptr<io::Listener> listener_;  // until drained
  peer::Address address_;
  std::vector<std::unique_ptr<Connection>> connections_;  // by slot
  std::vector<std::uint32_t> free_;                       // slots
  std::vector<std::uint32_t> reviewed_;                   // slots to be reviewed after this turn's flush
  std::vector<std::uint32_t> lost_;                       // slots to be freed
  Round ticks_;
  Round watch_;
  std::function<void()> drained_;
};

}  // namespace client
