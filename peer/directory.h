// Who is where on the other nodes, as they told it.
//
// Keyed by owner: what node X told is replaced whole when X tells it anew and
// dropped whole when X is dead. Every telling has a slot of its own, so that a
// new one is gathered while the old one still answers. A user is known by the
// keyed hash of the name; where two names collide the owner, which has the real
// names, says "not here". More than one owner can hold a user (a move, a
// split); the newest login answers.
//
// Memory: 18 bytes an entry in open-addressed shards that grow by a quarter and
// shrink alike, so 22 to 30 bytes a remote user (the bound is 32). A shard grows
// alone: no pause and no doubling of the whole.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "peer/hlc.h"

namespace peer {

class Directory {
 public:
  using Slot = std::uint16_t;
  static constexpr Slot none = 0;  // never given out

  // A new telling by the node called `owner`; it answers from now on or, with
  // `hidden`, from publish() on. None where 65,534 slots are in use.
  Slot open(std::string_view owner, bool hidden);
  void publish(Slot);
  // Forgets all that was told in it; the slot may be given out again.
  void drop(Slot);

  // The same (user, stamp) twice is once. False: it was there (add) or was not
  // (remove).
  bool add(Slot, std::uint64_t user, Stamp);
  bool remove(Slot, std::uint64_t user, Stamp);

  struct Found {
    Slot slot = none;
    Stamp stamp = 0;
  };
  // The newest login of a user among the published slots; of equal stamps the
  // greater owner's name. Those in a slot of `refused` up to its stamp are passed
  // over: the owner has said that they are not there.
  Found newest(std::uint64_t user, std::span<const Found> refused = {}) const;

  // Grows whenever newest() may answer otherwise than before.
  std::uint64_t changes() const { return changes_; }

  std::size_t size() const { return size_; }
  std::size_t size(Slot slot) const { return slots_[slot].size; }
  std::size_t memory_bytes() const;

 private:
  static constexpr std::size_t shard_count = 256;

  // Parallel arrays: no padding. Slot `none` marks an empty place.
  struct Shard {
    std::vector<std::uint64_t> users;
    std::vector<Stamp> stamps;
    std::vector<Slot> slots;
    std::size_t used = 0;

    std::size_t home(std::uint64_t user) const;
    std::size_t after(std::size_t place) const { return place + 1 == users.size() ? 0 : place + 1; }
    std::size_t find(Slot, std::uint64_t user, Stamp) const;  // users.size(): not there
    void put(Slot, std::uint64_t user, Stamp);
    void take_out(std::size_t place);
    void resize(std::size_t places);
  };
  struct Telling {
    std::string owner;
    enum class State : std::uint8_t { free, hidden, published } state = State::free;
    std::size_t size = 0;
  };

  Shard& shard(std::uint64_t user) { return shards_[user >> 56U]; }
  const Shard& shard(std::uint64_t user) const { return shards_[user >> 56U]; }

  std::array<Shard, shard_count> shards_;
  std::vector<Telling> slots_ = std::vector<Telling>(1);
  std::size_t size_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace peer
