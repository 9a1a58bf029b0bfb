#include "src/node/calls.h"

namespace node {

namespace {

// That it comes says all: the loop turns.
void livez(const http::Request&, http::Reply reply) { reply(http::text(200, "alive\n")); }

}  // namespace

http::Site site() { return http::Site({{"GET", "/livez", livez}}); }

}  // namespace node
