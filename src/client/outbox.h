// What waits to be written to a session's connection, and which deliveries lie
// in it.
//
// Bytes are queued, then given to the connection, then written: the kernel has
// them. Given and not written, the kernel may have them or not: a connection
// tells of a large write only when it is done.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "peer/buffer.h"
#include "peer/ring.h"
#include "peer/time.h"
#include "src/chat/client.h"

namespace client {

struct Outbox {
  struct Mark {
    std::uint64_t end = 0;  // where in the stream of bytes the delivery ends
    chat::Origin origin;
  };

  peer::Buffer bytes;                 // not yet given to the connection
  peer::Ring<Mark> marks;             // of deliveries whose end is not known
  std::uint64_t queued = 0;           // bytes since it was taken from the spares
  std::uint64_t written = 0;          // of them, those that the kernel has
  peer::Time given_at = peer::never;  // when the connection last took some

  void append(std::string_view more) {
    bytes.append(more);
    queued += more.size();
  }
  std::uint64_t given() const { return queued - bytes.size(); }
  std::size_t waiting() const { return static_cast<std::size_t>(queued - written); }

  // See Spares; nothing waits in it.
  bool renew() {
    assert(marks.empty());
    if (queued > spare_bytes_max) return false;
    queued = written = 0;
    given_at = peer::never;
    return true;
  }

 private:
  static constexpr std::uint64_t spare_bytes_max = 65536;
};

}  // namespace client
