#include "peer/ids.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "peer/utf8.h"

namespace peer {

namespace {

constexpr std::size_t name_bytes_max = 64;
// A host name has at most 253 characters (RFC 1035 §2.3.4).
constexpr std::size_t host_bytes_max = 253;

struct Range {
  char32_t first;
  char32_t last;
};

// What may not stand in a user's name: controls, Unicode's White_Space,
// zero-width and bidirectional characters, the byte order mark. Sorted.
constexpr std::array<Range, 9> forbidden_in_names{{{0x00, 0x20},
                                                   {0x7f, 0xa0},
                                                   {0x1680, 0x1680},
                                                   {0x2000, 0x200f},
                                                   {0x2028, 0x202f},
                                                   {0x205f, 0x205f},
                                                   {0x2066, 0x2069},
                                                   {0x3000, 0x3000},
                                                   {0xfeff, 0xfeff}}};

bool forbidden_in_name(char32_t c) {
  return std::any_of(forbidden_in_names.begin(), forbidden_in_names.end(),
                     [c](Range range) { return c >= range.first && c <= range.last; });
}

bool is_host_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_ipv6_byte(char c) {
  return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' || c == '.' || c == '%';
}

Failure not_an_address(std::string_view text) {
  return {"expected HOST:PORT, for example 127.0.0.1:9601 or [::1]:9601, found \"" + std::string(text.substr(0, 80)) +
          "\""};
}

}  // namespace

std::string to_string(Incarnation incarnation) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text(16, '0');
  auto rest = static_cast<std::uint64_t>(incarnation);
  for (auto at = text.rbegin(); at != text.rend(); ++at, rest >>= 4U) *at = digits[rest & 15U];
  return text;
}

Result<Incarnation> parse_incarnation(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.size() != 16 || error != std::errc() || end != text.data() + text.size())
    return Failure{"expected an incarnation, 16 hexadecimal digits"};
  return Incarnation{value};
}

bool valid_node_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_host_byte(c); });
}

bool valid_user_name(std::string_view name) {
  if (name.empty() || name.size() > name_bytes_max) return false;
  // Asked for every chat; in ASCII nothing needs to be decoded.
  if (std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; })) return true;
  while (!name.empty()) {
    const Utf8 next = next_utf8(name);
    if (next.length == 0 || forbidden_in_name(next.code_point)) return false;
    name.remove_prefix(next.length);
  }
  return true;
}

std::string to_string(const Address& address) {
  const bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return not_an_address(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);

  const bool brackets = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  const bool good = !host.empty() && host.size() <= host_bytes_max &&
                    std::all_of(host.begin(), host.end(), brackets ? is_ipv6_byte : is_host_byte) &&
                    (!brackets || host.find(':') != std::string_view::npos);
  if (!good) return not_an_address(text);

  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc() || end != port.data() + port.size() || number > 65535)
    return Failure{"expected a port from 0 to 65535 after the last colon, found \"" + std::string(port.substr(0, 80)) +
                   "\""};
  return Address{std::string(host), static_cast<std::uint16_t>(number)};
}

bool is_wildcard(const Address& address) {
  // Every spelling of the all-zero address is made of zeros, dots and colons, and
  // may be wrapped as an IPv4 address in IPv6 (RFC 4291 §2.5.5.2).
  std::string_view host = address.host;
  for (const std::string_view wrap : {"::ffff:", "::FFFF:"})
    if (host.starts_with(wrap)) host.remove_prefix(wrap.size());
  return !host.empty() && host.find_first_not_of("0.:") == std::string_view::npos;
}

bool is_loopback(const Address& address) {
  return address.host == "localhost" || address.host == "::1" ||
         (address.host.starts_with("127.") && address.host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string to_string(const Member& member) { return member.name + "@" + to_string(member.address); }

Result<Member> parse_member(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || !valid_node_name(text.substr(0, at)))
    return Failure{"expected NAME@HOST:PORT with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -, found \"" +
                   std::string(text.substr(0, 80)) + "\""};
  Result<Address> address = parse_address(text.substr(at + 1));
  if (!address) return Failure{address.why()};
  if (address->port == 0) return Failure{"expected a port from 1 to 65535, for nobody can be dialled at port 0"};
  return Member{std::string(text.substr(0, at)), std::move(*address)};
}

}  // namespace peer
