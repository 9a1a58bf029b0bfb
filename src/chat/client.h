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

struct Roll;

// Slot and generation; 0 is nobody.
using ClientId = std::uint64_t;

// Which chat a delivery is, so that its outcome finds the way back: the node
// it came from (or this one, or the mailbox), that node's stream, its place there.
struct Origin {
  std::uint16_t peer = 0;
  std::uint32_t era = 0;
  peer::Seq seq = 0;
  std::uint64_t user = 0;  // the hash of the recipient's name
  ClientId to = 0;         // the session that has it
  std::uint64_t key = 0;   // of its sender and id among those seen (chat::Seen); 0: the id is a server's
};

// A chat for a session: one JSON line with its LF, as the recipient reads it but
// for the marks, which the session puts before the line's last brace. Borrowed.
struct Delivery {
  std::string_view line;
  bool stored = false;       // it waited in the mailbox: "stored":true
  bool redelivered = false;  // it may have been seen before: "redelivered":true
};

// How a chat ended (PROTOCOL.md §3). `written`: the kernel has it for a live
// connection. `delivered`: the recipient's client has confirmed it.
enum class Outcome : std::uint8_t { delivered, written, stored, no_such_user, mailbox_full, busy, unavailable };

// Why a session is ended by the server.
enum class KickReason : std::uint8_t { replaced, admin, slow_consumer, drain };

class Client {
 public:
  // The login is done and `waiting` messages from the mailbox will follow: called
  // once, from inside Desk::login or later, before the first delivery; not at all
  // where the session ends first.
  virtual void on_ready(std::size_t waiting) = 0;

  // A chat for this session. Its end is told to the desk exactly once, in the
  // order of the deliveries: Desk::on_written once its last byte is with the
  // kernel, or, in a session that acknowledges, Desk::on_delivered once its client
  // has. What has no end when the session is over is given back, in order:
  // Desk::on_unread where the client may have read it, since the connection was
  // given all of it, Desk::on_unwritten for the rest.
  virtual void deliver(const Delivery& delivery, const Origin& origin) = 0;

  // Bytes of deliveries and all else that the kernel has not taken, or that wait
  // for the client's confirmations of others: who empties a mailbox into a session
  // goes on when this is little.
  virtual std::size_t waiting_bytes() const = 0;

  // A chat that this session sent is settled. `id` is the client's own id as it
  // stood in its request, a JSON string with its quotes; empty where it gave
  // none. `size` is what Draft::size() was.
  // `maybe`: the failure leaves it open whether the recipient got it.
  virtual void on_outcome(std::string_view id, std::size_t size, Outcome outcome, bool maybe) = 0;

  // The answer to Desk::who.
  virtual void on_roll(const Roll& roll) = 0;

  // Says why, flushes what is queued, closes. The session has already left
  // chat::Users.
  virtual void kick(KickReason why) = 0;

 protected:
  ~Client() = default;
};

}  // namespace chat
