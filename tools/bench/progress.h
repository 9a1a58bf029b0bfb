// How far it is, on standard error, where that is a terminal; else nothing.
#pragma once

#include <string>
#include <string_view>

#include "tools/bench/nanos.h"

namespace bench {

class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // `share` (0 to 1) of `what` is done; drawn ten times a second at most.
  void show(std::string_view what, double share, Nanos at);
  // The line is free for others.
  void clear();

 private:
  bool terminal_;
  bool drawn_ = false;
  Nanos next_ = 0;
};

}  // namespace bench
