// Where the picture comes from: one node, or whichever node of those in the Redis
// set answers first.
//
// Waits for the network; owned by whoever looks, one look at a time. Remembers who
// answered last and asks that one first.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/common/http.h"
#include "tools/peek/cluster.h"
#include "tools/peek/redis.h"

namespace peek {

struct Sighting {
  Cluster cluster;
  std::string body;         // as it was answered
  std::vector<Member> set;  // empty where none was read
  tool::Address asked;
  std::chrono::steady_clock::time_point at;
  std::string remark{};  // what did not go well on the way, though it was answered
};

class Source {
 public:
  using Look = tool::Result<Sighting>;

  Source(tool::Address http, std::string token) : token_(std::move(token)), http_(std::move(http)) {}
  Source(RedisUrl redis, std::string cluster, std::string token)
      : token_(std::move(token)), redis_(std::move(redis)), cluster_(std::move(cluster)) {}

  // Each node is waited for no longer than `patience`, all of them no longer than
  // four times that.
  Look look(std::chrono::milliseconds patience);

  // What is looked at, for a heading.
  std::string place() const;

 private:
  Look ask(const tool::Address& at, std::chrono::milliseconds timeout) const;
  Look look_around(std::chrono::milliseconds patience);

  std::string token_;
  tool::Address http_{};             // asked, or that has answered last
  std::optional<RedisUrl> redis_{};  // absent: http_ alone
  std::string cluster_{};
  NodeSet set_{};  // as read last
};

}  // namespace peek
