#include "src/io/redis_place.h"

#include <charconv>
#include <optional>

namespace io {

namespace {

constexpr int database_max = 65535;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

bool names_port(std::string_view host) {
  if (host.starts_with('[')) return host.find("]:") != std::string_view::npos;
  return host.find(':') != std::string_view::npos;
}

}  // namespace

peer::Result<RedisUrl> parse_redis_url(std::string_view text) {
  constexpr std::string_view scheme = "redis://";
  if (text.starts_with("rediss://")) return peer::Failure{"TLS to Redis (rediss://) is not supported"};
  if (!text.starts_with(scheme))
    return peer::Failure{"a Redis URL is written redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"};
  text.remove_prefix(scheme.size());
  if (text.find_first_of("?#") != std::string_view::npos)
    return peer::Failure{"a Redis URL has no part after ? or #; write such a character of a password as %3F or %23"};

  RedisUrl url;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.database);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    if (!digits.empty() && (!whole || url.database < 0 || url.database > database_max))
      return peer::Failure{"the database of a Redis URL, after the /, is a number from 0 to 65535"};
    text = text.substr(0, slash);
  }

  const std::size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    const std::string_view credentials = text.substr(0, at);
    const std::size_t colon = credentials.find(':');
    if (colon == std::string_view::npos || colon + 1 == credentials.size())
      return peer::Failure{"before the @ of a Redis URL stands [USER]:PASSWORD"};
    const auto user = percent_decode(credentials.substr(0, colon));
    const auto password = percent_decode(credentials.substr(colon + 1));
    if (!user || !password)
      return peer::Failure{"a % in the user or password of a Redis URL is followed by two hexadecimal digits"};
    url.user = *user;
    url.password = *password;
    text = text.substr(at + 1);
  }

  auto address = peer::parse_address(names_port(text) ? std::string(text) : std::string(text) + ":6379");
  if (!address || address->port == 0) return peer::Failure{"the address of a Redis URL is HOST[:PORT]"};
  url.address = *address;
  return url;
}

}  // namespace io
