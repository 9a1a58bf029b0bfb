// What a node answers over HTTP: the table of its calls.
//
// Knows nothing of connections.
#pragma once

#include "src/http/site.h"

namespace node {

http::Site site();

}  // namespace node
