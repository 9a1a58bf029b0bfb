// HOST:PORT as people write it: a name, an IPv4 address, or an IPv6 address in
// brackets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tools/common/result.h"

namespace tool {

struct Address {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  bool operator==(const Address&) const = default;
};

// The failure says what was expected and what was found.
Result<Address> parse_address(std::string_view text);

std::string to_string(const Address& address);

}  // namespace tool
