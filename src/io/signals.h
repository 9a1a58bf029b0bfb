// A POSIX signal as an event of the loop; and the signals held back while there is
// nobody to hear them.
#pragma once

#include <functional>

#include "src/io/loop.h"

namespace io {

class Signal {
 public:
  Signal(Loop&, int number, std::function<void()> call);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  struct Node;
  Node* node_;
};

// Those by which a daemon is told something (TERM, INT, HUP, USR1, USR2) wait until
// they are released, in a program that is executed meanwhile as well, and for good in
// threads that are begun meanwhile. Without that each of them would end the process.
void hold_signals();
void release_signals();

}  // namespace io
