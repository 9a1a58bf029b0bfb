// What became of the chats of late at this node, step by step, and nothing of what was
// in them: the newest, in a ring.
//
// A chat is found by its id as it stands in its line, token and all. Of a long one only
// both ends are kept, and its length. Written for every chat, so an entry is one line of
// the processor's cache, and what follows the first step goes there too. Owned by the
// router.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "peer/self.h"
#include "src/chat/client.h"

namespace chat {

class Trail {
 public:
  // 1 MB; at 1,000 chats a second the last 16 seconds.
  static constexpr std::size_t entries_max = 16'384;
  // Steps that are found: ids are used again and again by some.
  static constexpr std::size_t found_max = 256;

  enum class What : std::uint8_t {
    accepted,   // from a session of this node
    held,       // others to its recipient are on a detour
    forwarded,  // to the node `place`
    storing,    // the mailbox was asked to take it
    arrived,    // for a session of this node, from the node `place` or from here
    fetched,    // out of the mailbox, for a session of this node
    refused,    // by `place`: its recipient is not there, or has not read it
    rerouted,   // `place` has died, or cannot be reached
    settled,    // `outcome` was told to its sender
  };
  struct Step {
    std::int64_t at_ms = 0;  // since the epoch
    What what{};
    Outcome outcome{};
    peer::PeerId place = peer::no_peer;
  };

  // Which entry further steps of a chat belong to: a count of all entries, that goes
  // round after 2^32 of them; 0 is none.
  using Entry = std::uint32_t;

  // The first step, or the first after an entry was full or forgotten.
  Entry note(std::string_view id, const Step& step);
  // A further one; false where the entry is full or forgotten.
  bool add(Entry entry, const Step& step);

  // By time, and as they were written where that is the same; the newest found_max.
  std::vector<Step> of(std::string_view id) const;

 private:
  struct Name {
    Name() = default;
    explicit Name(std::string_view id);
    bool operator==(const Name&) const = default;
    std::array<char, 24> ends{};
    std::uint32_t length = 0;
  };
  // The time is that of the first, and how much later.
  struct Brief {
    std::uint32_t later_ms = 0;
    What what{};
    Outcome outcome{};
    peer::PeerId place = peer::no_peer;
  };
  static constexpr std::size_t steps_max = 3;  // accepted, forwarded, settled
  struct Record {
    Name name;
    std::uint32_t steps = 0;
    std::int64_t at_ms = 0;
    std::array<Brief, steps_max> step{};
  };
  static_assert(sizeof(Record) == 64);

  std::vector<Record> ring_ = std::vector<Record>(1);  // by the count; none has 0
  Entry newest_ = 0;
};

}  // namespace chat
