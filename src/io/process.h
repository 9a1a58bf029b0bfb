// A program that is run aside, to its end; its standard error is ours.
//
// Owned by whoever waits for it; destroyed before the end it runs on unwatched.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "src/io/loop.h"

namespace io {

class Process {
 public:
  // `ended` is told the exit status, later: -1 where it could not be started or was
  // killed. `command` begins with the program's path.
  Process(Loop& loop, const std::vector<std::string>& command, std::function<void(int)> ended);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

 private:
  struct Node;
  Node* node_;
};

}  // namespace io
