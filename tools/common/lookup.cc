#include "tools/common/lookup.h"

#include <sys/socket.h>

#include <string>

namespace tool {

Result<Places> look_up(const Address& address) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &wanted, &found);
  if (error != 0) return Failure{gai_strerror(error)};
  return Places(found);
}

}  // namespace tool
