// Where a Redis is: at an address, or wherever some Sentinels say that it is.
//
// A value, made from the settings and given to each Redis (redis.h) that is to
// use that server. Knows nothing of how one gets there.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "peer/ids.h"
#include "peer/result.h"

namespace io {

// redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]; default port 6379, database 0.
// USER and PASSWORD may be percent-encoded. No sentence of a failure repeats
// what was given: there is a password in it.
struct RedisUrl {
  peer::Address address;
  std::string user;
  std::string password;
  int database = 0;
};
peer::Result<RedisUrl> parse_redis_url(std::string_view);

// The Redis that these Sentinels call the master of that name: without a
// password, database 0.
struct RedisSentinels {
  std::vector<peer::Address> addresses;  // at least one
  std::string master;
};

using RedisPlace = std::variant<RedisUrl, RedisSentinels>;

}  // namespace io
