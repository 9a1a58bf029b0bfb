// A TCP connection that is waited for, each time no longer than to a deadline.
//
// Closes itself. A name is looked up first, which takes as long as the system's
// resolver likes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "tools/common/address.h"
#include "tools/common/result.h"

namespace tool {

using Clock = std::chrono::steady_clock;

enum class NetTrouble : std::uint8_t { unreachable, timeout };

struct NetFailure {
  NetTrouble trouble;
  std::string why;  // fit for a terminal
};

class Connection {
 public:
  static Result<Connection, NetFailure> dial(const Address& address, Clock::time_point deadline);

  Connection(Connection&& other) noexcept : socket_(other.socket_) { other.socket_ = -1; }
  Connection& operator=(Connection&&) = delete;
  ~Connection();

  // All of it is with the kernel; the number of its bytes.
  Result<std::size_t, NetFailure> send(std::string_view bytes, Clock::time_point deadline);
  // What has come, waited for; empty at the other side's end.
  Result<std::string, NetFailure> receive(Clock::time_point deadline);

  // To be polled beside others; still owned here.
  int socket() const { return socket_; }

 private:
  explicit Connection(int socket) : socket_(socket) {}
  int socket_;
};

}  // namespace tool
