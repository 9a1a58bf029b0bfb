// Settings read anew while the node runs: what of them it goes on with, and what has to
// wait for a restart.
//
// Values; applies nothing.
#pragma once

#include <string>
#include <vector>

#include "src/node/config.h"

namespace node {

struct Reload {
  Config config;                     // to go on with
  std::vector<std::string> taken;    // the keys that differ in it
  std::vector<std::string> waiting;  // those that differ in what was read, and cannot be changed now
};

Reload reload(const Config& running, const Config& read);

// All keys that are looked at, for whoever wants to know that none is missing.
std::vector<std::string> reload_keys();

}  // namespace node
