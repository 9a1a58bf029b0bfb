// The supervisor that has started this process, where it wants to be told how it
// goes (sd_notify(3)); without one, and where the program was built without
// libsystemd, nobody is told and nothing is lost.
//
// The only file that knows systemd. Owned by the node.
#pragma once

#include <string>

#include "peer/time.h"

namespace node {

class Supervisor {
 public:
  // It serves. `status` is a line for people.
  void ready(const std::string& status);
  void status(const std::string& status);
  void reloading(peer::Time now);
  void stopping(const std::string& status);
  // The loop turns. Wanted at least that often; 0: not wanted.
  void alive();
  static peer::Millis wanted_every();

 private:
  std::string last_;  // what it was told last, which is not told again
};

}  // namespace node
