#include "src/http/site.h"

#include <algorithm>
#include <string>

namespace http {

namespace {

// The part of a path from `at`, which is just behind a '/', to the next one.
std::string_view part(std::string_view path, std::size_t at) {
  const std::size_t end = path.find('/', at);
  return path.substr(at, end == std::string_view::npos ? end : end - at);
}

bool is_param(std::string_view piece) { return piece.starts_with('{'); }

// The parts of `path` that stand for params, or nothing where it does not fit.
std::optional<std::vector<std::string_view>> match(std::string_view pattern, std::string_view path) {
  std::vector<std::string_view> params;
  while (pattern.starts_with('/') && path.starts_with('/')) {
    const std::string_view wanted = part(pattern, 1);
    const std::string_view found = part(path, 1);
    if (is_param(wanted) && !found.empty()) {
      params.push_back(found);
    } else if (wanted != found) {
      return std::nullopt;
    }
    pattern.remove_prefix(1 + wanted.size());
    path.remove_prefix(1 + found.size());
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return params;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// RFC 3986 §2.1
std::optional<std::string> decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
    decoded += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return decoded;
}

bool serves(const Route& route, std::string_view method) {
  return route.method == method || (route.method == "GET" && method == "HEAD");
}

Response wrong_method(const std::string& allowed) {
  Response response = error(405, "bad_method", "here only " + allowed + " will do");
  response.headers.push_back({"Allow", allowed});
  return response;
}

}  // namespace

// By the path's first part, so that nobody learns by trying what there is.
bool Site::guarded(std::string_view path) const {
  const std::string_view first = path.empty() ? path : part(path, 1);
  return std::any_of(routes_.begin(), routes_.end(), [&](const Route& route) {
    return route.guard == Guard::guarded && part(route.pattern, 1) == first;
  });
}

Site::Found Site::find(Request& request, bool loopback) const {
  if (guarded(request.path))
    if (std::optional<Response> refusal = access_.refuse(request, loopback)) return {nullptr, std::move(refusal)};
  return look_up(request);
}

Site::Found Site::look_up(Request& request) const {
  std::string allowed;
  for (const Route& route : routes_) {
    const auto params = match(route.pattern, request.path);
    if (!params) continue;
    if (!serves(route, request.method)) {
      allowed += allowed.empty() ? "" : ", ";
      allowed += route.method == "GET" ? "GET, HEAD" : route.method;
      continue;
    }
    for (const std::string_view param : *params) {
      std::optional<std::string> decoded = decode(param);
      if (!decoded) return {nullptr, error(400, "bad_request", "a % in the path is no percent-encoding")};
      request.params.push_back(std::move(*decoded));
    }
    return {&route};
  }
  if (!allowed.empty()) return {nullptr, wrong_method(allowed)};
  return {nullptr, error(404, "not_found", "there is nothing here")};
}

}  // namespace http
