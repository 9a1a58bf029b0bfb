// Which server is the master now? Asks the Sentinels, one after the other, until
// one says.
//
// Its answer is a rumour: whoever dials it asks the server itself (ROLE). The
// Sentinel that answered is asked first the next time, unless it was doubted.
// Owned by Redis.
#pragma once

#include <functional>
#include <string>

#include "peer/result.h"
#include "src/io/redis_place.h"
#include "src/io/redis_wire.h"
#include "src/io/timer.h"

namespace io {

class RedisSearch final : private RedisWire::Watcher {
 public:
  using Done = std::function<void(peer::Result<peer::Address>)>;

  // `done` is called from the loop, once a search.
  RedisSearch(Loop& loop, RedisSentinels sentinels, Done done);

  // Begins a search, unless one is under way. Each Sentinel has
  // Redis::silence_max to answer.
  void start();
  // No call comes of it any more.
  void stop();

  // What the last search found is no master: another is asked first next time,
  // lest one that is cut off from the others be believed for ever.
  void doubt() { ++first_; }

 private:
  void on_wire_open(RedisWire& wire) noexcept override;
  void on_wire_lost(std::string why) noexcept override { pass_on(why); }

  const peer::Address& asked() const { return sentinels_.addresses[first_ % sentinels_.addresses.size()]; }
  void ask();
  void hang_up();
  void answered(const Reply& reply);
  void pass_on(std::string why);
  void next();
  void finish(peer::Result<peer::Address> result);

  Loop& loop_;
  const RedisSentinels sentinels_;
  const Done done_;
  RedisWire wire_{loop_, RedisWire::Purpose::commands, *this};
  Timer timer_{loop_, [this] { next(); }};
  std::string why_;  // what it means when the timer fires
  std::size_t first_ = 0;
  std::size_t tried_ = 0;
  bool searching_ = false;
};

}  // namespace io
