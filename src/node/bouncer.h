// Ends all sessions of a user, on every node: here, and where the others do as they are
// asked.
//
// Keeps nothing. Owned by the node; the courier and the router outlive it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/time.h"
#include "src/chat/router.h"
#include "src/node/courier.h"

namespace node {

class Bouncer {
 public:
  // Whoever is to go may be on a node that is slow to answer.
  static constexpr peer::Millis patience{2000};

  struct Ended {
    std::size_t sessions = 0;
    std::vector<std::string> silent;  // nodes that have not said how many
  };

  Bouncer(Courier& courier, chat::Router& router, std::function<peer::Time()> now);
  Bouncer(const Bouncer&) = delete;
  Bouncer& operator=(const Bouncer&) = delete;

  // `name` is valid. `done` is called once, perhaps inside. False, and nothing is done:
  // too much is asked of the other nodes at this moment.
  bool kick(const std::string& name, std::function<void(Ended)> done);

 private:
  Courier& courier_;
  chat::Router& router_;
  std::function<peer::Time()> now_;
};

}  // namespace node
