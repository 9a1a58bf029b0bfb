#include "src/http/server.h"

#include <utility>

#include "src/io/stream.h"

namespace http {

namespace {

// Precise enough for what takes seconds.
constexpr peer::Millis tick_every{250};

}  // namespace

class Server::Connection final : public io::Stream::Owner {
 public:
  Connection(Server& server, std::uint64_t id, io::Listener::Ticket& ticket)
      : server_(server),
        id_(id),
        stream_(ticket.take(*this)),
        talk_(server.site_, server.bounds_, id, peer::is_loopback(stream_->remote()), server, server.clock()) {}

  Conversation& talk() { return talk_; }

  // After everything that the conversation is told.
  void settle() {
    if (!stream_) return;
    if (talk_.stuck()) return end();
    if (talk_.has_output()) stream_->want_write();
    if (talk_.closing()) return stream_->finish(server_.bounds_.write_time);
    if (std::exchange(reading_, talk_.wants_bytes()) == talk_.wants_bytes()) return;
    if (reading_) {
      stream_->resume_reading();
    } else {
      stream_->pause_reading();
    }
  }
  // At once, whatever was to be said.
  void end() {
    stream_.reset();
    server_.ended_.push_back(id_);
  }
  bool ended() const { return !stream_; }

  // io::Stream::Owner
  void on_bytes(std::string_view bytes) noexcept override {
    talk_.on_bytes(bytes, server_.clock());
    settle();
  }
  bool on_end() noexcept override {
    talk_.on_end(server_.clock());
    settle();
    return true;
  }
  void on_closed(std::string_view) noexcept override { end(); }
  void fill(peer::Buffer& out) noexcept override { talk_.fill(out); }
  void on_written(std::size_t n) noexcept override {
    talk_.on_written(n, server_.clock());
    settle();
  }

 private:
  Server& server_;
  const std::uint64_t id_;
  std::unique_ptr<io::Stream> stream_;  // null once it is over
  Conversation talk_;
  bool reading_ = true;
};

peer::Result<std::unique_ptr<Server>> Server::open(io::Loop& loop, const io::Listener::Place& place, Site site,
                                                   Bounds bounds) {
  std::unique_ptr<Server> server(new Server(loop, std::move(site), bounds));
  auto listener =
      io::Listener::open(loop, place, [at = server.get()](io::Listener::Ticket& ticket) { at->accept(ticket); });
  if (!listener) return peer::Failure{listener.why()};
  server->listener_ = std::move(*listener);
  return server;
}

Server::Server(io::Loop& loop, Site site, Bounds bounds)
    : loop_(loop), site_(std::move(site)), bounds_(bounds), timer_(loop, [this] { tick(); }) {}

Server::~Server() = default;

// Who waits for nothing makes room for who comes; where all are busy the new one
// is turned away.
bool Server::make_room() {
  if (connections_.size() - ended_.size() < bounds_.connections) return true;
  Connection* idlest = nullptr;
  for (const auto& [id, connection] : connections_) {
    if (connection->ended() || !connection->talk().idle()) continue;
    if (idlest == nullptr || connection->talk().since() < idlest->talk().since()) idlest = connection.get();
  }
  if (idlest == nullptr) return false;
  idlest->end();
  return true;
}

void Server::accept(io::Listener::Ticket& ticket) {
  if (!make_room()) return;
  if (connections_.empty()) timer_.every(tick_every);
  const std::uint64_t id = ++last_id_;
  connections_.emplace(id, std::make_unique<Connection>(*this, id, ticket));
}

void Server::tick() {
  for (const auto& [id, connection] : connections_) {
    connection->talk().tick(clock());
    connection->settle();
  }
}

void Server::answer(Ticket ticket, Response response) {
  const auto found = connections_.find(ticket.connection);
  if (found == connections_.end()) return;
  found->second->talk().answer(ticket.request, std::move(response), clock());
  found->second->settle();
}

void Server::end_turn() {
  for (const std::uint64_t id : std::exchange(ended_, {})) connections_.erase(id);
  if (connections_.empty()) timer_.stop();
}

}  // namespace http
