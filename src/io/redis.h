// One Redis server: a connection for commands, one for channels, both kept up.
// Where Sentinels say which server it is, they are asked before each connecting
// and every second, and so is the server itself whether it is the master.
//
// Takes the protocol from hiredis, its reader and its formatter, and carries it
// over two Streams of ours. Its asynchronous interface (0.14) is not used: it
// aborts the process at an answer nobody asked for, swallows a refused
// SUBSCRIBE, keeps a record for ever of each PING among channels, and resolves
// names in the loop.
//
// A refused, reset or silent server is reported, and so is a replica, which would
// take no write; every command has a deadline. Commands are argument vectors, never format strings. Owned by
// whoever made it, not to be destroyed from inside its calls; destroying it
// answers every command still out with Kind::none, then no call comes any more.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/io/loop.h"
#include "src/io/redis_place.h"

struct redisReply;

namespace io {

// A borrowed view of an answer: dies when the callback returns.
class Reply {
 public:
  enum class Kind { none, nil, error, text, integer, list };  // none: no answer came (down, late, closing)
  explicit Reply(const redisReply* raw) : raw_(raw) {}
  Kind kind() const;
  bool ok() const { return kind() != Kind::none && kind() != Kind::error; }
  std::string_view text() const;  // of text and error; empty otherwise
  long long integer() const;      // 0 where it is none
  std::size_t size() const;       // of a list; 0 otherwise
  Reply operator[](std::size_t) const;

 private:
  const redisReply* raw_;
};

class Redis {
 public:
  // Silence for this long, while an answer is due, makes the server count as
  // down; so does a connection that takes longer to come about.
  static constexpr peer::Millis silence_max{1000};
  // A connection with nothing to say is asked (PING) this often; Sentinels,
  // and who they say is the master (ROLE), in any case.
  static constexpr peer::Millis ping_every{1000};
  // Commands out at the same time; one more is answered with Kind::none.
  static constexpr std::size_t commands_max = 100'000;

  class Watcher {
   public:
    // Commands work again (after AUTH, SELECT), channels are subscribed anew.
    virtual void on_redis_up() noexcept = 0;
    // `why` is a sentence for the log. Called once per loss, after the commands
    // that were out are answered, and once per try that failed.
    virtual void on_redis_down(std::string_view why) noexcept = 0;
    // Only while up.
    virtual void on_redis_message(std::string_view channel, std::string_view payload) noexcept = 0;

   protected:
    ~Watcher() = default;
  };

  // Connects at once and reconnects for as long as it lives: full-jitter
  // backoff, 100 ms doubling to 2 s, from peer/backoff.h.
  Redis(Loop&, RedisPlace, std::vector<std::string> channels, Watcher&);
  ~Redis();
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  bool up() const;
  // Of the server in use, or of the last; of port 0 while none is known.
  const peer::Address& address() const;
  // Somebody else has reached it: if the next try is waited for, that is within
  // 100 ms, but for the hard bound of peer/backoff.h.
  void try_soon();

  // `then` is called exactly once, from the loop, never from inside; where the
  // server is down it is called with Kind::none.
  using Then = std::function<void(Reply)>;
  void command(const std::vector<std::string>& argv, Then then);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace io
