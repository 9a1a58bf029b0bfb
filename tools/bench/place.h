// Where a server is, looked up once.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "tools/bench/exit.h"
#include "tools/common/address.h"

namespace bench {

struct Place {
  std::string text{};  // as it was written
  sockaddr_storage address{};
  socklen_t size = 0;
  bool loopback = false;  // of IPv4, which has more than one address of ours
};

Result<Place> look_up(const tool::Address& address);

// For the n-th connection to a loopback address: one from which ports are left.
// A host has 28,232 of them for each address unless told otherwise.
sockaddr_storage loopback_source(std::uint32_t connection);

}  // namespace bench
