// What a node answers over HTTP: the table of its calls.
//
// Knows nothing of connections, and of the node only what it is told when somebody
// asks. Keeps nothing.
#pragma once

#include <functional>

#include "src/http/site.h"
#include "src/node/config.h"
#include "src/node/vitals.h"

namespace node {

// Asked at each call; good as long as the site is.
struct Sources {
  std::function<Vitals()> vitals;
};

http::Site site(const Config& config, Sources sources);

}  // namespace node
