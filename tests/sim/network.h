// The virtual network: connections with latency, bandwidth, splits and faults.
//
// A connection's two directions are pipes of bytes in flight. What the hosts see
// is what TCP would show them: bytes in order, an end after them, a refusal, or
// nothing at all. Knows hosts by their index; never looks into the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "peer/buffer.h"
#include "peer/chance.h"
#include "peer/self.h"
#include "tests/sim/events.h"
#include "tests/sim/plan.h"

namespace sim {

using peer::ConnId;

// A process on the network.
class Host {
 public:
  virtual ConnId on_accept(std::string_view remote) = 0;  // 0: close it
  virtual void on_opened(ConnId) = 0;
  virtual void on_bytes(ConnId, std::string_view) = 0;
  virtual void on_lost(ConnId, std::string_view why) = 0;
  virtual void fill(ConnId, peer::Buffer& out) = 0;

 protected:
  ~Host() = default;
};

class Network {
 public:
  Network(const Plan& plan, Events& events, std::uint64_t seed);

  // --- Hosts.
  void plug_in(std::uint8_t host, Host&);
  // The process is gone; `silently`: with its whole host.
  void pull_out(std::uint8_t host, bool silently);
  // `to` nowhere: an address at which nobody is.
  void dial(std::uint8_t from, ConnId id, std::uint8_t to);
  void close(std::uint8_t host, ConnId id);
  void farewell(std::uint8_t host, ConnId id, std::string_view words);
  void flush(std::uint8_t host, ConnId id);
  void handle(const Event&);

  // --- Faults. Each ends with its own call or by itself.
  void begin(const Fault&);
  void end(const Fault&);
  void cut(std::uint8_t dialler, std::uint8_t target);
  void half_open(std::uint8_t dialler, std::uint8_t target, bool at_dialler);

 private:
  enum class Stage : std::uint8_t { none, dialling, open, gone };
  struct End {
    std::uint8_t host = nowhere;
    Stage stage = Stage::none;
    std::uint32_t life = 0;  // of the host, when the end was made
    ConnId id = 0;
  };
  struct Segment {
    std::uint32_t size = 0;
    bool end = false;
    Time due{0};
  };
  struct Pipe {
    std::string bytes;
    std::size_t taken = 0;
    std::deque<Segment> segments;
    Time last_arrival{0};
    bool ended = false;     // what is written now is lost
    bool swallows = false;  // … and the writer's buffer is never emptied
    bool waits = false;     // the writer has more
    bool hastened = false;  // what is on its way arrives sooner than it was to
    std::size_t swallowed = 0;
    std::size_t in_flight() const { return bytes.size() - taken + swallowed; }
  };
  struct Conn {
    std::array<End, 2> end;  // the dialler's, the target's
    std::array<Pipe, 2> out;
    Time dialled_at{0};
    bool established = false;
    bool refused = false;
  };
  struct Path {
    unsigned refuses = 0, swallows = 0, closes = 0;
    Time stalled_until{0};
    std::uint64_t bytes_per_ms = 0;  // 0: fast
    Micros extra{0};                 // of this way, all the time
  };
  struct Place {
    Host* host = nullptr;
    std::uint32_t life = 0;
    bool silent = false;  // the whole host is away
    std::vector<std::pair<ConnId, std::uint32_t>> lines;
  };

  void connect(std::uint32_t conn);
  void accept(std::uint32_t conn);
  void opened(std::uint32_t conn);
  void failed(std::uint32_t conn);
  void arrive(std::uint32_t conn, unsigned direction);
  void room(std::uint32_t conn, unsigned direction);
  void feed(Conn& conn, End& receiver, std::string_view bytes);
  void send(std::uint32_t conn, unsigned direction, std::string_view bytes);
  void send_end(std::uint32_t conn, unsigned direction);
  void truncate(Pipe& pipe);
  void hasten(std::uint8_t from, std::uint8_t to);
  void let_go(End& end);
  std::uint32_t find(std::uint8_t host, ConnId id) const;
  Micros delay(std::uint8_t from, std::uint8_t to);
  bool open_way(std::uint8_t from, std::uint8_t to) const { return paths_[from][to].stalled_until <= events_->now(); }

  const Plan* plan_;
  Events* events_;
  peer::SeededChance chance_;
  std::deque<Conn> conns_;
  std::array<Place, 8> places_;
  std::array<std::array<Path, 8>, 8> paths_;
  std::string scratch_;
};

}  // namespace sim
