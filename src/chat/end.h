// How a delivery to a session of this node ended.
#pragma once

#include <cstdint>

#include "peer/self.h"

namespace chat {

enum class End : std::uint8_t {
  delivered,  // its client has confirmed it
  written,    // the kernel has it, and its client does not confirm
  unwritten,  // the session ended before; nothing of it was seen
  unread,     // the session ended before its client confirmed it; it may have been seen
};

constexpr bool reached(End end) { return end == End::delivered || end == End::written; }

constexpr peer::WireOutcome wire(End end) {
  switch (end) {
    case End::delivered: return peer::WireOutcome::delivered;
    case End::written: return peer::WireOutcome::written;
    case End::unwritten: return peer::WireOutcome::not_here;
    case End::unread: return peer::WireOutcome::unread;
  }
  return peer::WireOutcome::not_here;
}

}  // namespace chat
