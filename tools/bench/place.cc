#include "tools/bench/place.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

namespace bench {

namespace {

constexpr std::uint32_t connections_a_source = 16'000;
constexpr std::uint32_t usual_source = 0x7f000001;  // 127.0.0.1
constexpr std::uint32_t other_source = 0x7f006400;  // 127.0.100.0, which is not used
constexpr std::uint32_t sources_max = 1'000'000;    // all below 127.16

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family != AF_INET) return false;
  sockaddr_in four{};
  std::memcpy(&four, &address, sizeof four);
  return ntohl(four.sin_addr.s_addr) >> 24U == 127;
}

}  // namespace

Result<Place> look_up(const tool::Address& address) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &wanted, &found);
  if (error != 0) return Error{Exit::unreachable, to_string(address) + ": " + gai_strerror(error)};
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  Place place{to_string(address)};
  std::memcpy(&place.address, found->ai_addr, found->ai_addrlen);
  place.size = found->ai_addrlen;
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
