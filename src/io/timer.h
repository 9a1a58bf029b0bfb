// A timer: one shot or repeating. Destroying it stops it.
#pragma once

#include <functional>

#include "peer/time.h"
#include "src/io/loop.h"

namespace io {

class Timer {
 public:
  Timer(Loop&, std::function<void()> call);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // At `when` on the loop's clock (at once if past); replaces what was armed.
  // Rounded up to whole milliseconds.
  void at(peer::Time when);
  void every(peer::Millis period);
  void stop();

 private:
  struct Node;
  Node* node_;
};

}  // namespace io
