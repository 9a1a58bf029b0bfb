#include "tools/bench/place.h"

#include <netinet/in.h>

#include <cstring>

#include "tools/common/lookup.h"

namespace bench {

namespace {

constexpr std::uint32_t connections_a_source = 16'000;
constexpr std::uint32_t usual_source = 0x7f000001;  // 127.0.0.1
constexpr std::uint32_t other_source = 0x7f006400;  // 127.0.100.0, which is not used
constexpr std::uint32_t sources_max = 1'000'000;    // all below 127.16

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family != AF_INET) return false;
  sockaddr_in four{};
  std::memcpy(&four, &address, sizeof four);
  return ntohl(four.sin_addr.s_addr) >> 24U == 127;
}

}  // namespace

Result<Place> look_up(const tool::Address& address) {
  const tool::Result<tool::Places> places = tool::look_up(address);
  if (!places) return Error{Exit::unreachable, to_string(address) + ": " + places.why()};
  const addrinfo& first = **places;
  Place place{to_string(address)};
  std::memcpy(&place.address, first.ai_addr, first.ai_addrlen);
  place.size = first.ai_addrlen;
  place.loopback = is_loopback(place.address);
  return place;
}

sockaddr_storage loopback_source(std::uint32_t connection) {
  sockaddr_in source{};
  source.sin_family = AF_INET;
  const std::uint32_t number = (connection / connections_a_source) % sources_max;
  source.sin_addr.s_addr = htonl(number == 0 ? usual_source : other_source + number);
  sockaddr_storage address{};
  std::memcpy(&address, &source, sizeof source);
  return address;
}

}  // namespace bench
