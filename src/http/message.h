// What is asked and answered over HTTP, as values: a request and its response.
//
// Knows nothing of sockets, nor of how either came in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "peer/buffer.h"

namespace http {

struct Header {
  std::string name;
  std::string value;
};

struct Request {
  std::string method;
  std::string path;   // of the target, before any '?', as it was sent: percent-encoded
  std::string query;  // after it
  std::vector<Header> headers;
  std::string body;
  std::vector<std::string> params;  // what stands for the {…} of the route's pattern, decoded
  bool keep_alive = false;          // the client wants to go on

  // The first of that name, in whatever case; null where there is none.
  const std::string* header(std::string_view name) const;
  std::size_t count(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::vector<Header> headers{};  // besides those that every response has
};

Response text(int status, std::string body);
// {"error":{"code":…,"message":…}}
Response error(int status, std::string_view code, std::string_view message);

// Of the request that is answered, and of the connection.
struct Manner {
  bool head_only = false;  // HEAD: all but the body
  bool closes = false;
  std::int64_t wall_ms = 0;
};
void append_response(peer::Buffer& out, const Response& response, const Manner& manner);

// ASCII letters of either case are the same.
bool same_word(std::string_view a, std::string_view b);

}  // namespace http
