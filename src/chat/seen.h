// The chats that this node has lately handed to its users' sessions, by sender
// and id: what comes a second time is not seen a second time. An id that is used
// for something else, and not as a retry, is a new chat: nothing that was never
// delivered is told to have been.
//
// Remembers for 10 minutes, 4,096 ids a recipient and 524,288 in all; beyond
// that the recipient's oldest is forgotten first, and one who has none to forget
// is not remembered. Kept by the recipient's name, not by session: who comes
// back finds it. A value that remembers; owned by Arrivals.
#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "peer/hash.h"
#include "peer/ring.h"
#include "peer/time.h"
#include "src/chat/client.h"
#include "src/chat/end.h"

namespace chat {

class Seen {
 public:
  static constexpr peer::Millis kept{600'000};
  static constexpr std::size_t each_max = 4096;
  static constexpr std::size_t all_max = 524'288;

  explicit Seen(peer::HashKey key) : hash_key_(key) {}

  // Names a chat among all; never 0. Sender and id are tokens of its line.
  std::uint64_t key(std::uint64_t user, std::string_view sender, std::string_view id) const;

  // What a chat says, told from its line: all but its sender, id and time.
  static std::uint32_t said(std::string_view line, std::string_view sender, std::string_view id);

  struct Mark {
    enum class State : std::uint8_t { pending, written, delivered };
    State state = State::pending;
    std::uint16_t peer = 0;  // of the first: where its outcome goes
    std::uint32_t era = 0;
    peer::Seq seq = 0;
    std::uint32_t serial = 0;
    std::uint32_t said = 0;
  };
  // Null where it is not known. `retry`: what it says need not be the same.
  // Borrowed until the next call that is not const.
  const Mark* find(std::uint64_t key, std::uint32_t said, bool retry) const;

  // Handed to a session; find() has not found it.
  void note(const Origin& origin, std::uint32_t said, peer::Time now);
  // A delivery's end. What did not reach its client may come again.
  void settle(const Origin& origin, End end);

  // Forgets what is too old; cheap to call often.
  void sweep(peer::Time now);

  std::size_t size() const { return size_; }

 private:
  struct Past {
    std::uint64_t key = 0;
    std::uint32_t serial = 0;
    std::uint32_t at_s = 0;
  };
  struct Plain {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };
  using Pasts = std::unordered_map<std::uint64_t, peer::Ring<Past>, Plain>;
  void forget_oldest(peer::Ring<Past>& pasts);

  peer::HashKey hash_key_;
  tsl::robin_map<std::uint64_t, Mark, Plain> marks_;
  Pasts pasts_;           // by recipient
  std::size_t size_ = 0;  // of all of them
  std::uint32_t serial_ = 0;
  peer::Time swept_at_{0};
};

}  // namespace chat
