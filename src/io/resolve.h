// One look-up of a host's addresses, in libuv's pool, so that a slow resolver
// stops nobody.
//
// Owned by whoever asked; destroying it takes the question back: the answer, if
// it still comes, reaches no one.
#pragma once

#include <functional>
#include <vector>

#include "peer/ids.h"
#include "peer/result.h"
#include "src/io/loop.h"
#include "src/io/socket.h"

namespace io {

class Resolve {
 public:
  // At least one endpoint, in the resolver's order, or "host not found: NAME".
  using Answer = peer::Result<std::vector<Endpoint>>;

  // `done` is called once, from the loop; the Resolve may be destroyed inside.
  Resolve(Loop&, const peer::Address&, std::function<void(Answer)> done);
  ~Resolve();
  Resolve(const Resolve&) = delete;
  Resolve& operator=(const Resolve&) = delete;

  // The same at once, for the start of a process, which may block.
  static Answer now(const peer::Address&);

 private:
  struct Node;
  Node* node_;
};

}  // namespace io
