#include "src/node/calls.h"

#include <utility>

#include "src/node/metrics.h"

namespace node {

namespace {

// That it comes says all: the loop turns.
void livez(const http::Request&, http::Reply reply) { reply(http::text(200, "alive\n")); }

http::Response readyz(const Vitals& vitals) {
  const std::string why = why_not_ready(vitals);
  return why.empty() ? http::text(200, "ready\n") : http::error(503, "unavailable", why);
}

http::Response metrics(const Vitals& vitals) { return {200, metrics_type, metrics_text(vitals)}; }

}  // namespace

http::Site site(const Config& config, Sources sources) {
  using http::Guard;
  using http::Reply;
  using http::Request;
  const auto vitals = std::move(sources.vitals);
  return {{{"GET", "/livez", Guard::open, livez},
           {"GET", "/readyz", Guard::open, [=](const Request&, Reply reply) { reply(readyz(vitals())); }},
           {"GET", "/metrics", Guard::open, [=](const Request&, Reply reply) { reply(metrics(vitals())); }}},
          http::Access(config.http_tokens, config.http_origins)};
}

}  // namespace node
