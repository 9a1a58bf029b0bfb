#include "tools/bench/dialect.h"

#include <utility>

namespace bench {

namespace {

constexpr std::pair<Proto, std::string_view> names[] = {
    {Proto::crosstalk, "crosstalk"}, {Proto::nats, "nats"}, {Proto::redis, "redis"}, {Proto::relay, "relay"}};

}  // namespace

std::string_view name_of(Proto proto) {
  for (const auto& [one, name] : names)
    if (one == proto) return name;
  return {};
}

std::optional<Proto> proto_named(std::string_view name) {
  for (const auto& [one, known] : names)
    if (known == name) return one;
  return std::nullopt;
}

std::unique_ptr<Dialect> make_dialect(Proto proto, const Manner& manner) {
  switch (proto) {
    case Proto::crosstalk: return make_crosstalk(manner);
    case Proto::nats: return make_nats();
    case Proto::redis: return make_redis();
    case Proto::relay: return make_relay();
  }
  return nullptr;
}

}  // namespace bench
