// The mailboxes, in Redis: a stream for each user who has something waiting, at
// crosstalk:{CLUSTER}:mail:USER, worked on by one script (mail_script.h).
//
// What is asked within a turn leaves at its end, in the order in which it was
// asked, many operations in one command; few commands are out at a time, so that
// under load they get fuller instead of more. Where more is to be stored than can
// be out, as when a link was lost, a login does not wait behind all that: every
// other command has what sessions ask for first. It has a Redis connection of its
// own: mail never delays a lease. Never waits for Redis: what can't be asked is
// answered at once, and what was asked is answered when Redis is lost.
//
// Owned by the node. Calls its Keeper from the loop, never from inside a call,
// and not any more once it is being destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peer/time.h"
#include "src/chat/store.h"
#include "src/io/loop.h"
#include "src/io/redis.h"
#include "src/io/timer.h"
#include "src/node/log.h"

namespace node {

class MailStore final : public chat::Store, private io::Redis::Watcher, private io::Flushable {
 public:
  // Commands out at the same time.
  static constexpr std::size_t commands_max = 4;
  // One command: operations (a take counts as four, a removal by its entries) and
  // bytes of lines, but at least one operation.
  static constexpr std::size_t command_size_max = 64;
  static constexpr std::size_t command_bytes_max = std::size_t{256} << 10U;
  // More than that to be stored is a crowd.
  static constexpr std::size_t crowd = commands_max * command_size_max;
  // What may wait to be sent: operations and bytes. Beyond, appends and takes are
  // answered as if Redis were down, and wakes are not told.
  static constexpr std::size_t waiting_max = 65'536;
  static constexpr std::size_t waiting_bytes_max = std::size_t{16} << 20U;
  // Entries to be removed, while Redis is down as well. Beyond, they stay in
  // their mailboxes and their users see them again.
  static constexpr std::size_t removals_max = 100'000;
  // The same of marks; beyond, what is seen again may bear none.
  static constexpr std::size_t marks_max = 50'000;
  // What Redis refused, though it is up, is tried again after so long, doubling.
  static constexpr peer::Millis retry_after{1000};
  static constexpr peer::Millis retry_after_max{32'000};

  struct Limits {
    std::size_t max = 1000;  // mailbox.max
    peer::Millis ttl{};      // mailbox.ttl_s
    std::size_t page_bytes = std::size_t{256} << 10U;
  };

  struct Events {
    std::function<void()> settled;  // once: Redis can be asked, or is not there
    std::function<void()> up;       // Redis works (again)
  };

  MailStore(io::Loop& loop, Log& log, std::string_view cluster, std::string_view node, io::RedisPlace place,
            Limits limits, chat::Store::Keeper& keeper, Events events);
  ~MailStore();
  MailStore(const MailStore&) = delete;
  MailStore& operator=(const MailStore&) = delete;

  bool up() const override { return redis_.up(); }
  void try_soon() { redis_.try_soon(); }
  std::size_t page_bytes() const override { return limits_.page_bytes; }
  void append(std::uint64_t token, const chat::Mail& mail) override;
  void take(std::uint64_t token, std::string_view user, chat::EntryId after) override;
  void remove(std::string_view user, chat::EntryId at) override;
  void mark(std::string_view user, std::string_view sender, std::string_view id) override;
  void wake(std::string_view node, std::string_view user) override;

  // Operations that wait to be sent to Redis.
  std::size_t waiting() const { return looks_.size() + stores_.size(); }

  // Nothing is asked that could be answered.
  bool idle() const { return waiting() == 0 && refused_.empty() && out_.empty(); }

 private:
  struct Op {
    enum class Kind : std::uint8_t { append, take, remove, mark, wake };
    Kind kind = Kind::wake;
    std::uint64_t token = 0;
    std::string name;                // of the user; of a wake, of the node
    std::vector<std::string> words;  // of an append, a mark and a wake, as the script wants them
    std::vector<chat::EntryId> at;   // what to remove; after what to take
    std::uint64_t number = 0;        // in the order of asking

    std::size_t size() const;
    bool owed() const { return kind == Kind::remove || kind == Kind::mark; }
    std::size_t bytes() const { return words.empty() ? 0 : words.front().size(); }
  };

  void on_redis_up() noexcept override;
  void on_redis_down(std::string_view why) noexcept override;
  void on_redis_message(std::string_view channel, std::string_view payload) noexcept override;
  void flush() noexcept override;

  std::string due() const;
  void note_clock(const io::Reply& answers, peer::Time sent);
  void load_script();
  void warn_if_forgetful();
  void ask(Op op);
  std::deque<Op>& queue_of(Op::Kind kind);
  std::deque<Op>& next_queue();
  void send_some();
  std::vector<std::string> command(std::vector<Op>& batch) const;
  void answered(std::vector<Op>& batch, const io::Reply& reply);
  void settle(Op& op, const io::Reply& reply);
  void appended(std::uint64_t token, const io::Reply& reply);
  void taken(Op& op, const io::Reply& reply);
  void seen_to(Op& op, const io::Reply& reply);
  void fail(const Op& op, Stored how);
  bool may_owe(std::size_t& entries, std::size_t max, std::string_view otherwise);
  void complain(std::string_view what, const io::Reply& reply);
  void content();
  void retry_later();
  void retry();
  void forget_retry();

  io::Loop& loop_;
  Log& log_;
  const std::string prefix_;
  const Limits limits_;
  Keeper& keeper_;
  Events events_;
  Repeats repeats_;
  bool was_up_ = false;
  bool complaining_ = false;
  bool retrying_ = false;     // the timer is set
  bool take_failed_ = false;  // the keeper is to be told then that it may ask again
  peer::Millis retry_in_ = retry_after;
  bool closing_ = false;
  std::string script_sha_;   // empty: this Redis may not know it
  std::deque<Op> looks_;     // takes, removals and marks, to be sent
  std::deque<Op> stores_;    // appends and wakes, to be sent
  std::deque<Op> owed_;      // removals and marks that Redis could not do yet
  std::vector<Op> refused_;  // never sent; to be answered
  std::size_t waiting_bytes_ = 0;
  std::uint64_t asked_ = 0;
  bool looks_first_ = false;    // in a command, where there is a crowd
  std::size_t removals_ = 0;    // entries of all removals that are not done
  std::size_t marks_ = 0;       // that are not done
  std::deque<peer::Time> out_;  // commands: when each was sent
  // Redis's clock is so far ahead of the loop's, as a prompt answer said.
  std::optional<peer::Millis> redis_ahead_;
  io::Timer refusal_timer_;
  io::Timer retry_timer_;
  io::Redis redis_;  // last: its callbacks use all of the above
};

}  // namespace node
