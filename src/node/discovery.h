// How nodes find each other in Redis: the set, the leases, the channel.
//
// Keeps this node's entry and lease alive, reads the others', and hands what it
// read to the mesh, which judges; entries that the mesh wants out are taken out
// by compare-and-delete, so that no two survivors can hurt a node that has come
// back. Redis is never on the way of a chat. PROTOCOL.md §4 has the keys.
//
// Owned by the node. Losing Redis is reported and waited out.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "peer/mesh.h"
#include "src/io/redis.h"
#include "src/io/timer.h"
#include "src/node/flaps.h"
#include "src/node/log.h"
#include "src/node/probe.h"

namespace node {

class Discovery final : private io::Redis::Watcher {
 public:
  struct Events {
    // The first outcome of all: this node is in the set, or Redis can't be reached.
    std::function<void()> settled;
    // Another living node bears this node's name: the sentence for the log.
    std::function<void(std::string)> name_taken;
    // Redis works (again).
    std::function<void()> up;
  };

  // `http` is where this node is asked over HTTP, as the lease tells it.
  Discovery(io::Loop& loop, Log& log, peer::Mesh& mesh, peer::Address http, io::RedisPlace place, Events events);
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  // The process was paused: is this node still in the set under its lease?
  // Answers `true` also where Redis can't say.
  void check(std::function<void(bool)> then);

  // This node has a new incarnation: the lease is to bear it now.
  void renew();

  // Takes this node out of the set; `then` once, also where Redis is down.
  void leave(std::function<void()> then);

  bool up() const { return redis_.up(); }
  void try_soon() { redis_.try_soon(); }
  // The set of nodes was read, and the mesh knows who is in it.
  bool has_looked() const { return has_looked_; }
  // How long Redis took to answer the last look; nothing while it is down.
  std::optional<peer::Micros> latency() const { return latency_; }

 private:
  void on_redis_up() noexcept override;
  void on_redis_down(std::string_view why) noexcept override;
  void on_redis_message(std::string_view channel, std::string_view payload) noexcept override;

  std::string key(std::string_view what) const { return prefix_ + std::string(what); }
  std::string lease() const;
  void renewed(const io::Reply& reply);
  void contest(std::string_view held);
  void look();
  void seen_members(const io::Reply& reply);
  void clear_away(const std::set<std::string, std::less<>>& nonsense);
  void seen_leases(std::vector<peer::Member> members, const io::Reply& leases);
  void take_out(const peer::Member& member);
  void settle();

  io::Loop& loop_;
  Log& log_;
  peer::Mesh& mesh_;
  Events events_;
  const std::string prefix_;
  const peer::Member self_;
  const peer::Address http_;
  bool settled_ = false;
  bool joined_ = false;
  bool leaving_ = false;
  bool checking_ = false;  // after a pause: not to be renewed before it is known
  bool looking_ = false;   // an answer is awaited
  bool has_looked_ = false;
  peer::Time asked_at_{0};
  std::optional<peer::Micros> latency_;
  bool look_again_ = false;  // something changed meanwhile
  bool force_ = false;       // the lease that stands under our name is a dead node's
  std::map<std::string, peer::Time, std::less<>> nonsense_since_;  // entries of the set that are none
  Repeats repeats_;
  Flaps flaps_;
  std::unique_ptr<Probe> probe_;
  io::Timer renew_timer_;
  io::Timer look_timer_;
  io::Redis redis_;  // last: its callbacks use all of the above
};

}  // namespace node
