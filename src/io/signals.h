// A POSIX signal as an event of the loop.
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

}  // namespace io
