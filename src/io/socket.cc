#include "src/io/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace io {

namespace {

// A host that vanished without a word is noticed after a minute of silence
// (keep-alive), or a minute after something was sent to it. The user timeout bounds
// the probes, too, so it is so long that two of them may be lost: many are where
// thousands of idle connections are probed at once.
constexpr int keepalive_idle_s = 30;
constexpr int keepalive_interval_s = 10;
constexpr int user_timeout_ms = 60'000;

void set_option(int fd, int level, int name, int value) {
  // Fails on no TCP socket of Linux; where it did, the socket would still work.
  static_cast<void>(setsockopt(fd, level, name, &value, sizeof value));
}

peer::Address end_of(int fd, int (*ask)(int, sockaddr*, socklen_t*)) {
  Endpoint end;
  end.size = sizeof end.storage;
  if (ask(fd, reinterpret_cast<sockaddr*>(&end.storage), &end.size) != 0) return {"?", 0};
  return address_of(end);
}

}  // namespace

std::optional<Endpoint> literal_endpoint(const peer::Address& address) {
  Endpoint end;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&end.storage);
  if (inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    end.size = sizeof *v4;
    return end;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&end.storage);
  if (inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    end.size = sizeof *v6;
    return end;
  }
  return std::nullopt;
}

peer::Address address_of(const Endpoint& end) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (end.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&end.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return {text, ntohs(v4->sin_port)};
  }
  if (end.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&end.storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
      inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    }
    return {text, ntohs(v6->sin6_port)};
  }
  return {text, 0};
}

peer::Address local_address(int fd) { return end_of(fd, getsockname); }

peer::Address remote_address(int fd) { return end_of(fd, getpeername); }

void set_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle_s);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout_ms);
}

int open_socket(int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0) set_options(fd);
  return fd;
}

std::string socket_failure(int error) {
  switch (error) {
    case ECONNREFUSED: return "connection refused";
    case ECONNRESET: return "connection reset by the other side";
    case EPIPE: return "connection closed by the other side while writing";
    case ETIMEDOUT: return "connection timed out";
    case EHOSTUNREACH: return "no route to the host";
    case ENETUNREACH: return "network unreachable";
    case EADDRINUSE: return "address already in use";
    case EADDRNOTAVAIL: return "no such address here";
    case EACCES:
    case EPERM: return "permission denied";
    case EMFILE:
    case ENFILE: return "too many open files";
    default: return std::generic_category().message(error);
  }
}

}  // namespace io
