#include "tools/common/address.h"

#include <algorithm>
#include <charconv>

#include "tools/common/printable.h"

namespace tool {

namespace {

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 255 &&
         std::all_of(host.begin(), host.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '/' && c != '@'; });
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const Failure failure{"expected HOST:PORT, found \"" + printable(text.substr(0, 300)) + "\""};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return failure;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return failure;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0 || !is_host(host)) return failure;
  return Address{std::string(host), number};
}

std::string to_string(const Address& address) {
  const bool six = address.host.find(':') != std::string::npos;
  return (six ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace tool
