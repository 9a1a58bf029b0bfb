// What a node answers over HTTP: the table of its calls.
//
// Knows nothing of connections.
#pragma once

#include "src/http/site.h"
#include "src/node/config.h"

namespace node {

http::Site site(const Config& config);

}  // namespace node
