// What can be asked for: one table of routes, and who may ask.
//
// Finds the route of a request or says what is wrong with it; the route's handler
// does the rest. Owns its routes; the server and its conversations borrow it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "src/http/message.h"

namespace http {

// Which request of which connection an answer is for; never used twice.
struct Ticket {
  std::uint64_t connection = 0;
  std::uint64_t request = 0;
};

class Answers {
 public:
  // Of a connection that is gone it is dropped.
  virtual void answer(Ticket ticket, Response response) = 0;

 protected:
  ~Answers() = default;
};

// How a handler answers: once, inside its call or later, as long as the server
// lives. Until then the connection's next request waits.
class Reply {
 public:
  Reply(Answers& to, Ticket ticket) : to_(&to), ticket_(ticket) {}
  void operator()(Response response) const { to_->answer(ticket_, std::move(response)); }

 private:
  Answers* to_;
  Ticket ticket_;
};

using Handler = std::function<void(const Request&, Reply)>;

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/v1/users/{name}": a part in braces is any one that is not empty
  Handler handler;
};

class Site {
 public:
  explicit Site(std::vector<Route> routes) : routes_(std::move(routes)) {}

  // One of both. Sets the request's params. HEAD goes where GET does.
  struct Found {
    const Route* route = nullptr;
    std::optional<Response> refusal{};
  };
  Found find(Request& request) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace http
