// One attempt to reach an address: look its name up, try what comes out in
// order, and hand over a connected socket or the sentence why not.
//
// Knows nothing of bytes. Owned by the Stream that wants the connection;
// destroying it gives the attempt up.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peer/ids.h"
#include "peer/result.h"
#include "src/io/loop.h"
#include "src/io/resolve.h"
#include "src/io/socket.h"
#include "src/io/timer.h"

namespace io {

class Dial {
 public:
  // A connected, non-blocking socket; whoever is called owns it.
  using Done = std::function<void(peer::Result<int>)>;

  // The whole takes `timeout` at most, of which each address gets an equal
  // share of what is left. `done` is called once, from the loop; the Dial may
  // be destroyed inside.
  Dial(Loop&, const peer::Address&, peer::Millis timeout, Done done);
  ~Dial();
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

 private:
  struct Attempt;

  void resolved(Resolve::Answer answer);
  void try_next();
  void failed(const std::string& why);
  void finish(peer::Result<int> result);

  Loop& loop_;
  peer::Millis timeout_;
  peer::Time deadline_;
  Done done_;
  Timer timer_;
  std::string verdict_;  // what it means when the timer fires
  std::unique_ptr<Resolve> resolve_;
  std::vector<Endpoint> ends_;
  std::size_t next_ = 0;
  Attempt* attempt_ = nullptr;
};

}  // namespace io
