#include "src/node/calls.h"

namespace node {

namespace {

// That it comes says all: the loop turns.
void livez(const http::Request&, http::Reply reply) { reply(http::text(200, "alive\n")); }

}  // namespace

http::Site site(const Config& config) {
  using http::Guard;
  return {{{"GET", "/livez", Guard::open, livez}}, http::Access(config.http_tokens, config.http_origins)};
}

}  // namespace node
