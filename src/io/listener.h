// A listening TCP socket.
//
// Accepts a bounded number of connections a turn. Where the process is short of
// file descriptors it lets connections wait in the backlog for a tenth of a
// second at a time; nobody is turned away for that (the kernel's backlog is
// bounded, and who does not get into it tries again). The loop is told, see
// Loop::on_shortage.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "peer/ids.h"
#include "peer/result.h"
#include "src/io/stream.h"

namespace io {

class Listener {
 public:
  // An accepted connection waits to be taken: call take() with its owner, or
  // drop the ticket to close it.
  class Ticket {
   public:
    Ticket(Loop& loop, Stream::Node* node) : loop_(loop), node_(node) {}
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    std::unique_ptr<Stream> take(Stream::Owner&, Stream::Share = Stream::Share::one);  // at most once

   private:
    Loop& loop_;
    Stream::Node* node_;
  };
  // Whether those who come in may use the last descriptors as well, which are
  // kept back for what the process needs itself (descriptors.h).
  enum class Reserve : std::uint8_t { kept, used };

  // May destroy the listener.
  using OnAccept = std::function<void(Ticket&)>;

  // An address to bind; or a socket that listens already (inherited.h), which is
  // taken over, and whose address counts.
  struct Place {
    peer::Address address;
    int socket = -1;
  };

  // Binds and listens; the host is a literal address or a name (resolved here,
  // at the start of the process, which may block). The failure names the address and what is
  // wrong: "127.0.0.1:9501: address already in use".
  static peer::Result<std::unique_ptr<Listener>> open(Loop&, const Place&, OnAccept, Reserve = Reserve::kept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // No one is accepted any more; who wants in waits in the backlog.
  void pause();
  int socket() const;

  // The address taken: the port is the real one where 0 was asked for.
  peer::Address address() const;

 private:
  struct Node;
  explicit Listener(Node*);
  Node* node_;
};

}  // namespace io
