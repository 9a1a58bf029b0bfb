// Somebody who makes trouble beside those who are measured, in a process of its own, so
// that what is measured is the servers' doing and not this program's.
//
// A flood is one sender who writes as much as the connection takes, to a receiver who
// reads it all. A slow reader reads nothing, or a few bytes a second, of a flood of its
// own; the server has to hold back the sender or to cut it off, and it comes again every
// three seconds.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "tools/bench/exit.h"
#include "tools/bench/flags.h"

namespace bench {

enum class Trouble : std::uint8_t { flood, slow_reader };

class Neighbour {
 public:
  // Is at it when this returns.
  static Result<Neighbour> start(const Invocation& invocation, Trouble trouble);

  Neighbour(Neighbour&& other) noexcept;
  Neighbour& operator=(Neighbour&&) = delete;
  ~Neighbour();

  struct Done {
    std::uint64_t sent = 0;
    std::uint64_t arrived = 0;
    std::uint64_t refused = 0;
  };
  // Ends it; what it did meanwhile.
  Done stop();

 private:
  Neighbour(pid_t pid, int told) : pid_(pid), told_(told) {}
  pid_t pid_;
  int told_;  // what it tells us
};

}  // namespace bench
