// A client session as the chat layer sees it.
//
// Implemented by client::Session. The chat layer never owns one; it knows
// those that are logged in (chat::Users) by an id that is never used twice, and
// looks them up again after any wait.
#pragma once

#include <cstdint>
#include <string_view>

#include "peer/ids.h"

namespace chat {

// Slot and generation; 0 is nobody.
using ClientId = std::uint64_t;

// Which chat a delivery is, so that its outcome finds the way back: the node
// it came from (or this one), that node's stream, its place there.
struct Origin {
  std::uint16_t peer = 0;
  std::uint32_t era = 0;
  peer::Seq seq = 0;
  std::uint64_t user = 0;  // the hash of the recipient's name
  ClientId to = 0;         // the session that has it
};

// How a chat ended. `written`: the kernel has it for a live connection.
enum class Outcome : std::uint8_t { written, no_such_user, busy, unavailable };

// Why a session is ended by the server.
enum class KickReason : std::uint8_t { replaced, slow_consumer, drain };

class Client {
 public:
  // A chat for this session: one JSON line with its LF, as the recipient reads
  // it; borrowed. Once its last byte is with the kernel the session says
  // Desk::on_written(origin), in order; what is not written when the session
  // ends it gives back through Desk::on_unwritten(origin), in order.
  virtual void deliver(std::string_view line, const Origin& origin) = 0;

  // A chat that this session sent is settled. `id` is the client's own id as it
  // stood in its request, a JSON string with its quotes; empty where it gave
  // none. `size` is what Draft::size() was.
  // `maybe`: the failure leaves it open whether the recipient got it.
  virtual void on_outcome(std::string_view id, std::size_t size, Outcome outcome, bool maybe) = 0;

  // Says why, flushes what is queued, closes. The session has already left
  // chat::Users.
  virtual void kick(KickReason why) = 0;

 protected:
  ~Client() = default;
};

}  // namespace chat
