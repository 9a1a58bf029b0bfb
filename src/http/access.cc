#include "src/http/access.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <utility>

#include "peer/ids.h"

namespace http {

namespace {

// The host of a Host header, without its port and the brackets of IPv6.
std::string_view host_of(std::string_view authority) {
  const std::size_t port = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0);
  const std::string_view host = authority.substr(0, port);
  return host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
}

bool is_here(std::string_view authority) {
  const std::string_view host = host_of(authority);
  return same_word(host, "localhost") || peer::is_loopback({std::string(host), 0});
}

// Headers with which proxies say for whom they ask.
bool by_proxy(const Request& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [](const Header& header) {
    return same_word(header.name, "Forwarded") || same_word(header.name, "Via") ||
           same_word(header.name, "X-Real-IP") || same_word(header.name.substr(0, 12), "X-Forwarded-");
  });
}

Response forbidden(std::string_view why) { return error(403, "forbidden", why); }

}  // namespace

Access::Access(const std::vector<std::string>& tokens, std::vector<std::string> origins)
    : origins_(std::move(origins)) {
  for (const std::string& token : tokens) tokens_.push_back(digest(token));
}

Access::Digest Access::digest(std::string_view token) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return digest;
}

// All tokens are looked at, and digests are of one length: the time it takes says
// nothing of how near a guess came.
bool Access::bears_token(const Request& request) const {
  constexpr std::string_view scheme = "Bearer ";
  if (request.count("Authorization") != 1) return false;
  const std::string& said = *request.header("Authorization");
  if (!same_word(std::string_view(said).substr(0, scheme.size()), scheme)) return false;
  const std::size_t begin = std::min(said.find_first_not_of(' ', scheme.size()), said.size());
  const Digest borne = digest(std::string_view(said).substr(begin));
  bool found = false;
  for (const Digest& token : tokens_) found |= CRYPTO_memcmp(borne.data(), token.data(), token.size()) == 0;
  return found;
}

// Its own pages, and those of the configured places. What is no page says no Origin.
bool Access::own_origin(const Request& request) const {
  if (request.count("Origin") == 0) return true;
  if (request.count("Origin") > 1) return false;
  const std::string& origin = *request.header("Origin");
  const std::string* const host = request.header("Host");
  if (host != nullptr && same_word(origin, "http://" + *host)) return true;
  return std::any_of(origins_.begin(), origins_.end(), [&](const std::string& own) { return same_word(origin, own); });
}

std::optional<Response> Access::refuse(const Request& request, bool loopback) const {
  if (!tokens_.empty()) {
    if (bears_token(request)) return std::nullopt;
    Response response = error(401, "auth_failed", "this needs a token: Authorization: Bearer TOKEN");
    response.headers.push_back({"WWW-Authenticate", "Bearer realm=\"crosstalk\""});
    return response;
  }
  if (!loopback) return forbidden("without a token (http.token_file) only this host may ask");
  if (by_proxy(request)) return forbidden("without a token (http.token_file) no proxy may ask");
  const std::string* const host = request.header("Host");
  if (host != nullptr && !is_here(*host))
    return forbidden("without a token (http.token_file) Host must be a loopback address or localhost");
  if (!own_origin(request)) return forbidden("this Origin is foreign; see http.origins");
  return std::nullopt;
}

}  // namespace http
