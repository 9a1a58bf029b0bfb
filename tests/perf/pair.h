// Two whole nodes in one thread, linked with each other, each on a loop of its own,
// and plain sockets as their clients. A node's turn comes when it has something to
// read; its instructions are counted in its turns alone, so that nothing of what
// plays the clients is.
//
// Owned by main. Nothing here is meant to fail: what does ends the program.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "peer/ids.h"
#include "src/io/inherited.h"
#include "src/io/loop.h"
#include "src/node/node.h"

namespace perf {

// Says why on standard error and ends the program with a failure.
[[noreturn]] void give_up(std::string_view why);

// A node that is listening, on ports of its own choice.
class House {
 public:
  House(node::Config config, io::Inherited inherited);
  ~House();
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  // Polls without waiting, handles, writes.
  void turn();
  // Readable once there is something to poll for.
  int waits_on();
  // A turn is due without that.
  bool has_more();

  const peer::Address& client() const { return client_; }
  const peer::Address& peer() const { return peer_; }

 private:
  io::Loop loop_;
  io::Legacy legacy_;
  std::unique_ptr<node::Node> node_;
  peer::Address client_;
  peer::Address peer_;
};

class Pair {
 public:
  // Both serve; that they are linked is still to be seen.
  Pair();

  House& house(int n) { return n == 1 ? *first_ : *second_; }

  // Lets them have their turns until it is so.
  void until(std::string_view what, const std::function<bool()>& so);
  // Lets them finish what they have to do.
  void settle();

 private:
  bool turns();

  std::unique_ptr<House> first_, second_;
};

// A client, connected.
class Person {
 public:
  Person(Pair& pair, House& at);
  ~Person();
  Person(const Person&) = delete;
  Person& operator=(const Person&) = delete;

  void say(std::string_view lines);
  // Takes what has come; how many lines that makes in all.
  std::size_t heard();
  // Until so many lines have come since the last time.
  void hears(std::size_t lines);
  std::string_view last_line() const { return last_; }
  void login(const std::string& name, bool acknowledges);

 private:
  Pair& pair_;
  int socket_;
  std::size_t lines_ = 0;
  std::size_t expected_ = 0;
  std::string last_, partial_;
};

}  // namespace perf
