// What became of the chats of late at this node, step by step, and nothing of what was
// in them: the newest steps, in a ring.
//
// A chat is found by its id as it stands in its line, token and all. Of a long one only
// both ends are kept, and its length. Written for every chat, so a step is a copy of a
// few bytes and no more. Owned by the router.
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
  // 1.5 MB; at 1,000 chats a second about the last ten seconds.
  static constexpr std::size_t steps_max = 32'768;
  // Ids are used again and again by some.
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

  void note(std::string_view id, const Step& step);
  // Oldest first; the newest found_max of them.
  std::vector<Step> of(std::string_view id) const;

 private:
  struct Name {
    explicit Name(std::string_view id);
    bool operator==(const Name&) const = default;
    std::array<char, 24> ends{};
    std::size_t length;
  };
  struct Entry {
    Name name;
    Step step;
  };
  std::vector<Entry> ring_;
  std::size_t next_ = 0;  // where the oldest stands, once the ring is full
};

}  // namespace chat
