// The HTTP port: a listening socket, and a conversation on each connection.
//
// The only file of this folder that knows io. Connections die in one place: whatever
// ends one, its memory is freed by end_turn(). Owned by the node, which calls
// end_turn() from Loop::on_turn_end; outlives every Reply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "peer/ids.h"
#include "peer/result.h"
#include "src/http/conversation.h"
#include "src/http/site.h"
#include "src/io/listener.h"
#include "src/io/loop.h"
#include "src/io/timer.h"

namespace http {

class Server final : private Conversation::Owner {
 public:
  // Listens at once; the failure is a sentence that names the address.
  static peer::Result<std::unique_ptr<Server>> open(io::Loop& loop, const io::Listener::Place& place, Site site,
                                                    Bounds bounds = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The one listened on; the port is the real one where 0 was asked for.
  peer::Address address() const { return listener_->address(); }

  void change(Access access) { site_.change(std::move(access)); }

  // After the flush of a turn.
  void end_turn();

  // As of io::Listener.
  void pause() { listener_->pause(); }
  int socket() const { return listener_->socket(); }

  std::size_t connections() const { return connections_.size(); }
  // By status.
  const std::map<int, std::uint64_t>& responses() const { return responses_; }

 private:
  class Connection;

  Server(io::Loop& loop, Site site, Bounds bounds);
  void accept(io::Listener::Ticket& ticket);
  bool make_room();
  void tick();
  Clock clock() const { return {loop_.now(), loop_.wall_ms()}; }

  // Conversation::Owner
  void answer(Ticket ticket, Response response) override;
  void on_response(int status) override { ++responses_[status]; }

  io::Loop& loop_;
  Site site_;
  const Bounds bounds_;
  std::unique_ptr<io::Listener> listener_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;  // by id
  std::uint64_t last_id_ = 0;
  std::vector<std::uint64_t> ended_;  // to be freed
  std::map<int, std::uint64_t> responses_;
  io::Timer timer_;  // runs while there are connections
};

}  // namespace http
