#include "src/chat/line.h"

#include <cassert>
#include <cstring>

namespace chat {

peer::DecodedChat decode(std::string_view body) {
  peer::DecodedChat decoded = peer::decode_chat(body);
  assert(decoded.ok);
  return decoded;
}

// The server's has no quote in it and stands before the time, which is the last field.
std::string_view server_id(std::string_view line) {
  constexpr std::string_view behind = "\",\"ts\":1700000000000}\n";
  if (line.size() < behind.size()) return {};
  const std::size_t end = line.size() - behind.size();
  const void* const quote = ::memrchr(line.data(), '"', end);
  if (quote == nullptr) return {};
  const auto at = static_cast<std::size_t>(static_cast<const char*>(quote) - line.data());
  return line.substr(at, end + 1 - at);
}

std::string_view id_of(std::string_view line, const peer::Ticket& ticket) {
  return ticket.id_length > 0 ? line.substr(ticket.id_at, ticket.id_length) : server_id(line);
}

std::string join(std::span<const std::string_view> pieces, std::size_t bytes) {
  std::string whole;
  whole.reserve(bytes);
  for (const std::string_view piece : pieces) whole += piece;
  return whole;
}

}  // namespace chat
