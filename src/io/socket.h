// What all our TCP sockets have in common: their options, the names of their
// ends, and the sentences for what goes wrong with them.
//
// Owns nothing and keeps nothing.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "peer/ids.h"

namespace io {

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Only of a literal IPv4 or IPv6 address; never asks a resolver.
std::optional<Endpoint> literal_endpoint(const peer::Address&);

// Host in figures and port; an IPv4 address wrapped in IPv6 is unwrapped.
peer::Address address_of(const Endpoint&);

// The socket's own and its other end; "?" and 0 when unknown.
peer::Address local_address(int fd);
peer::Address remote_address(int fd);

// A socket that was made elsewhere as open_socket() would have made it.
void set_options(int fd);

// A non-blocking socket, closed on exec, with TCP_NODELAY, SO_KEEPALIVE and
// TCP_USER_TIMEOUT set. -1 and errno on failure.
int open_socket(int family);

// What an errno of a socket call means, for a reader.
std::string socket_failure(int error);

}  // namespace io
