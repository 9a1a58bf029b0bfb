#include "tools/common/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "tools/common/lookup.h"

namespace tool {

namespace {

NetFailure lost(int error) { return {NetTrouble::unreachable, std::strerror(error)}; }

// Nothing where it may go on.
std::optional<NetFailure> wait(int socket, short events, Clock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return NetFailure{NetTrouble::timeout, "no answer in time"};
    pollfd waiting{socket, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::min<long long>(left, 60'000)));
    if (ready > 0) return std::nullopt;
    if (ready < 0 && errno != EINTR) return lost(errno);
  }
}

std::optional<NetFailure> connect(int socket, const addrinfo& to, Clock::time_point deadline) {
  if (::connect(socket, to.ai_addr, to.ai_addrlen) == 0) return std::nullopt;
  if (errno != EINPROGRESS && errno != EINTR) return lost(errno);
  if (std::optional<NetFailure> failure = wait(socket, POLLOUT, deadline)) return failure;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? std::nullopt : std::optional(lost(error));
}

}  // namespace

Result<Connection, NetFailure> Connection::dial(const Address& address, Clock::time_point deadline) {
  const Result<Places> places = look_up(address);
  if (!places) return NetFailure{NetTrouble::unreachable, places.why()};
  NetFailure why{NetTrouble::unreachable, "no address"};
  for (const addrinfo* at = places->get(); at != nullptr; at = at->ai_next) {
    Connection connection(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol));
    if (connection.socket_ < 0) {
      why = lost(errno);
      continue;
    }
    std::optional<NetFailure> failure = connect(connection.socket_, *at, deadline);
    if (!failure) return connection;
    why = std::move(*failure);
  }
  return why;
}

Connection::~Connection() {
  if (socket_ >= 0) close(socket_);
}

Result<std::size_t, NetFailure> Connection::send(std::string_view bytes, Clock::time_point deadline) {
  const std::size_t size = bytes.size();
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (std::optional<NetFailure> failure = wait(socket_, POLLOUT, deadline)) return *failure;
    } else if (errno != EINTR) {
      return lost(errno);
    }
  }
  return size;
}

Result<std::string, NetFailure> Connection::receive(Clock::time_point deadline) {
  std::array<char, 65536> piece;
  while (true) {
    const ssize_t size = recv(socket_, piece.data(), piece.size(), 0);
    if (size >= 0) return std::string(piece.data(), static_cast<std::size_t>(size));
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return lost(errno);
    if (std::optional<NetFailure> failure = wait(socket_, POLLIN, deadline)) return *failure;
  }
}

}  // namespace tool
