// Looks again and again, once a second, in a thread of its own, so that the screen
// never waits for the network.
//
// The thread is left alone at the end: it may be waiting for a name to be looked up,
// and has nothing that is worth waiting for. What both share lives as long as either.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "tools/peek/source.h"

namespace peek {

class Watch {
 public:
  // What was seen last, and why nothing could be seen since; either may be absent.
  struct News {
    std::shared_ptr<const Sighting> seen;
    std::string trouble;
  };

  Watch(Source source, std::chrono::milliseconds patience);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Readable when there is something new; still owned here.
  int ready() const;
  // Absent where there is nothing new since the last call.
  std::optional<News> take();
  // Looks at once, and not only when the second is over.
  void hurry();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace peek
