// The set of nodes and their leases, read from Redis once: who should be there, and
// where each can be asked over HTTP.
//
// Only reads. The one place of hiredis among the tools.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/address.h"
#include "tools/common/result.h"
#include "tools/peek/cluster.h"

namespace peek {

// redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], as the server takes it. No failure
// repeats what was given: there is a password in it.
struct RedisUrl {
  tool::Address address;
  std::string user;
  std::string password;
  int database = 0;
};
tool::Result<RedisUrl> parse_redis_url(std::string_view text);

struct Door {
  std::string node;
  tool::Address http;
};

struct NodeSet {
  std::vector<Member> members{};  // by name; at most nodes_max
  std::vector<Door> doors{};      // of those whose lease tells it
};

tool::Result<NodeSet> read_set(const RedisUrl& url, const std::string& cluster, std::chrono::milliseconds timeout);

}  // namespace peek
