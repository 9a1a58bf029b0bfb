// What a node answers over HTTP: the table of its calls.
//
// Knows nothing of connections, and of the node only what it is told when somebody
// asks. Keeps nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/http/site.h"
#include "src/node/bouncer.h"
#include "src/node/cluster.h"
#include "src/node/config.h"
#include "src/node/tracer.h"
#include "src/node/vitals.h"

namespace node {

// A session of a user.
struct Sighting {
  std::string node;
  std::int64_t since_ms = 0;  // of the login, since the epoch
};

// Asked at each call; good as long as the site is.
struct Sources {
  std::function<Vitals()> vitals;
  std::function<Cluster()> cluster;
  // By a valid name; the newest first.
  std::function<std::vector<Sighting>(std::string_view)> sightings;
  // As Bouncer::kick.
  std::function<bool(const std::string&, std::function<void(Bouncer::Ended)>)> kick;
  // As Tracer::trace.
  std::function<bool(std::string_view, std::function<void(Tracer::Story)>)> trace;
  std::function<void()> drain;
  std::function<bool()> take_back_drain;  // false: the node is about to stop
};

http::Site site(const Config& config, const Sources& sources);

}  // namespace node
