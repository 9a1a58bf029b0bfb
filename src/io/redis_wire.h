// One connection to a server that speaks Redis's protocol.
//
// Commands go out in order, and each is given the next answer that comes; where
// channels are subscribed, their messages come in between. hiredis's reader and
// formatter over a Stream of ours. Knows nothing of who the server is or whether
// to come back. Owned by Redis and by RedisSearch, which share it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "peer/buffer.h"
#include "peer/ring.h"
#include "src/io/redis.h"
#include "src/io/stream.h"

struct redisReader;

namespace io {

class RedisWire final : private Stream::Owner {
 public:
  enum class Purpose : std::uint8_t { commands, channels };
  using Argv = std::vector<std::string>;

  class Watcher {
   public:
    virtual void on_wire_open(RedisWire& wire) noexcept = 0;
    virtual void on_wire_message(std::string_view channel, std::string_view payload) noexcept {
      (void)channel, (void)payload;
    }
    // An error was answered; who asked has it already.
    virtual void on_wire_error(std::string_view text) noexcept { (void)text; }
    // The owner closes the wire inside.
    virtual void on_wire_lost(std::string why) noexcept = 0;

   protected:
    ~Watcher() = default;
  };

  RedisWire(Loop& loop, Purpose purpose, Watcher& watcher);
  ~RedisWire();
  RedisWire(const RedisWire&) = delete;
  RedisWire& operator=(const RedisWire&) = delete;

  Purpose purpose() const { return purpose_; }

  // Takes Redis::silence_max at most.
  void dial(const peer::Address& address);
  // What was asked and not answered goes to `orphans`, in order.
  void close(std::vector<Redis::Then>& orphans);
  // Only while open.
  void ask(const Argv& argv, Redis::Then then);
  bool full() const { return asked_.size() >= Redis::commands_max; }

  // Called every so often: whether the server is silent though it was asked. One
  // with which nothing was spoken for a while is asked.
  bool silent(peer::Time now);
  // The silence was ours.
  void forgive(peer::Time now) { quiet_since_ = now; }

 private:
  struct FreeReader {
    void operator()(redisReader* reader) const;
  };

  void on_open() noexcept override;
  void on_bytes(std::string_view bytes) noexcept override;
  void on_closed(std::string_view why) noexcept override;
  void fill(peer::Buffer& out) noexcept override;
  void answered(const Reply& reply);

  Loop& loop_;
  const Purpose purpose_;
  Watcher& watcher_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<redisReader, FreeReader> reader_;
  peer::Buffer out_;
  peer::Ring<Redis::Then> asked_;
  peer::Time quiet_since_{};  // the last byte heard, or the first question since all were answered
  bool open_ = false;
};

}  // namespace io
