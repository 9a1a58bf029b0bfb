// All connections of a run, on one epoll: dialled, read, written, closed.
//
// It is not libuv, the project's loop, on purpose: the load generator has to share the
// machine with the servers that it measures, and each microsecond that it takes is
// missing there. So a turn is one epoll_wait, one recv for each connection that has
// something, into one buffer, and one send for each that has something to say; nothing
// is allocated, and no callback stands between a message and whoever counts it.
//
// Interrupts (SIGINT, SIGTERM) are an event like others: the first ends the run early,
// the second the process. Clients belong to the owner and outlive the loop's interest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/client.h"
#include "tools/bench/dialect.h"
#include "tools/bench/nanos.h"
#include "tools/bench/place.h"

namespace bench {

class Loop {
 public:
  class Owner : public Audience {
   public:
    // The connection was refused, or has ended; it is closed by now.
    virtual void lost(Client& client, Client::State before, const std::string& why) = 0;
  };

  Loop(const Dialect& dialect, Owner& owner);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // What becomes of it is told later; what fails at once, here: empty where it does not.
  std::string dial(Client& client, const Place& place);
  // At once, with a reset: thousands of connections that linger would use up the ports.
  void close(Client& client);

  // It has something to be written at the next turn.
  void mark(Client& client) {
    if (client.marked) return;
    client.marked = true;
    marked_.push_back(&client);
  }

  // Whether what comes is read, or left to the kernel and then to the server.
  void listen(Client& client, bool listens);
  // Of a client that does not: so many bytes at most, which nobody looks at.
  void sip(Client& client, std::size_t bytes);

  // Writes what is marked, waits for events until then, and takes them.
  void turn(Nanos until);

  // When the message came that the audience is being told of.
  Nanos read_at() const { return read_at_; }
  bool interrupted() const { return interrupted_; }

 private:
  std::string bind_source(const Client& client) const;
  void watch(Client& client, int operation);
  void write_marked();
  void write(Client& client);
  void take_event(Client& client, std::uint32_t events);
  void take_connected(Client& client);
  void read(Client& client);
  void lose(Client& client, std::string why);
  void take_signal();

  const Dialect& dialect_;
  Owner& owner_;
  int epoll_;
  int signals_;
  bool interrupted_ = false;
  Nanos read_at_ = 0;
  std::vector<Client*> marked_;
  std::vector<char> buffer_;
};

}  // namespace bench
