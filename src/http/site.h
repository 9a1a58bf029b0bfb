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

#include "src/http/access.h"
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

enum class Guard : std::uint8_t {
  open,     // whoever reaches the port
  guarded,  // who has access
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/v1/users/{name}": a part in braces is any one that is not empty
  Guard guard{};
  Handler handler;
};

class Site {
 public:
  Site(std::vector<Route> routes, Access access) : routes_(std::move(routes)), access_(std::move(access)) {}

  // Of requests that come from now on.
  void change(Access access) { access_ = std::move(access); }

  // One of both. Sets the request's params. HEAD goes where GET does. Where there is
  // nothing, but beside guarded routes, only who has access is told so.
  struct Found {
    const Route* route = nullptr;
    std::optional<Response> refusal{};
  };
  Found find(Request& request, bool loopback) const;

 private:
  Found look_up(Request& request) const;
  bool guarded(std::string_view path) const;

  std::vector<Route> routes_;
  Access access_;
};

}  // namespace http
