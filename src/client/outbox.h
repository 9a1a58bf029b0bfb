// What waits to be written to a session's connection, and which deliveries lie
// in it.
//
// A session has one only while something waits: an idle session holds none, and
// a busy process makes none, since they go round through a pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "peer/buffer.h"
#include "peer/ring.h"
#include "src/chat/client.h"

namespace client {

struct Outbox {
  struct Mark {
    std::uint64_t end = 0;  // where in the stream of bytes the delivery ends
    chat::Origin origin;
  };

  peer::Buffer bytes;         // not yet handed to the connection
  peer::Ring<Mark> marks;     // of deliveries that the kernel does not have whole
  std::uint64_t queued = 0;   // bytes since it was taken from the pool
  std::uint64_t written = 0;  // of them, those that the kernel has

  void append(std::string_view more) {
    bytes.append(more);
    queued += more.size();
  }
  std::size_t waiting() const { return static_cast<std::size_t>(queued - written); }
};

class Outboxes {
 public:
  std::unique_ptr<Outbox> take() {
    if (spare_.empty()) return std::make_unique<Outbox>();
    auto outbox = std::move(spare_.back());
    spare_.pop_back();
    return outbox;
  }

  // Of an outbox in which nothing waits. One that has grown large is not kept.
  void give_back(std::unique_ptr<Outbox> outbox) {
    if (spare_.size() == spare_max || outbox->queued > spare_bytes_max) return;
    outbox->queued = outbox->written = 0;
    spare_.push_back(std::move(outbox));
  }

 private:
  static constexpr std::size_t spare_max = 256;
  static constexpr std::uint64_t spare_bytes_max = 65536;
  std::vector<std::unique_ptr<Outbox>> spare_;
};

}  // namespace client
