// Where an address leads: asked of the system's resolver, which takes as long as it likes.
#pragma once

#include <netdb.h>

#include <memory>

#include "tools/common/address.h"
#include "tools/common/result.h"

namespace tool {

struct FreePlaces {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Places = std::unique_ptr<addrinfo, FreePlaces>;

// For TCP; there is at least one. The failure is the resolver's, without the address.
Result<Places> look_up(const Address& address);

}  // namespace tool
