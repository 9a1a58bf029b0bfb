// One connection's talk: requests out of bytes, each answered before the next is
// read, responses into bytes; and when it is over.
//
//              first byte            head and body are there
//      idle ──────────────▶ reading ────────────────────────▶ answering
//       ▲                      │                                  │
//       └──────────────────────┼────────── answer ◀───────────────┤
//                              ▼ wrong, too late, Connection: close, the other side's end
//                           closing
//
// Pure: told the time and what came, asked what to send and whether to go on.
// Knows no socket. Owned by the server's connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "peer/buffer.h"
#include "peer/time.h"
#include "src/http/parse.h"
#include "src/http/site.h"

namespace http {

struct Bounds {
  Parser::Bounds message;
  peer::Millis head_time{10'000};   // from a request's first byte, or the connection's begin, to the end of its headers
  peer::Millis body_time{10'000};   // from there to its end
  peer::Millis idle_time{60'000};   // between two requests
  peer::Millis write_time{30'000};  // in which the other side takes nothing of what waits for it
  // Responses that wait for a reader: beyond, no more requests are read. One more may come on top.
  std::size_t waiting_bytes = 65536;
  std::size_t connections = 1024;
};

struct Clock {
  peer::Time now{0};
  std::int64_t wall_ms = 0;
};

class Conversation {
 public:
  class Owner : public Answers {
   public:
    // For those who count.
    virtual void on_response(int status) = 0;

   protected:
    ~Owner() = default;
  };

  // `loopback`: the other side is on this host.
  Conversation(const Site& site, const Bounds& bounds, std::uint64_t id, bool loopback, Owner& owner, Clock clock);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  void on_bytes(std::string_view bytes, Clock clock);
  // The other side has said all.
  void on_end(Clock clock);
  // Of the request of that number; of any other it is dropped.
  void answer(std::uint64_t request, Response response, Clock clock);
  // Now and then: what takes too long is ended.
  void tick(Clock clock);

  // What is to be sent, and how much of it the kernel has.
  void fill(peer::Buffer& out);
  void on_written(std::size_t n, Clock clock);

  bool has_output() const { return !out_.empty(); }
  // Whether more bytes are welcome.
  bool wants_bytes() const { return state_ < State::answering && !full(); }
  // All is said but what fill() gives.
  bool closing() const { return state_ == State::closing; }
  // The other side does not read: not even that is to be waited for.
  bool stuck() const { return stuck_; }
  // Between two requests, with nothing to be sent; since when.
  bool idle() const { return state_ == State::idle && waiting() == 0; }
  peer::Time since() const { return since_; }

 private:
  enum class State : std::uint8_t { idle, head, body, answering, closing };

  std::size_t waiting() const { return out_.size() + unwritten_; }
  bool full() const { return waiting() >= bounds_.waiting_bytes; }
  void advance();
  void enter(State state);
  void on_head();
  void on_message();
  void respond(const Response& response, bool closes);
  void refuse(const Response& response);

  const Site& site_;
  const Bounds& bounds_;
  const std::uint64_t id_;
  const bool loopback_;
  Owner& owner_;
  Clock clock_;
  Parser parser_;
  State state_ = State::idle;
  peer::Time since_;     // the state was entered
  peer::Time taken_at_;  // something of the output was taken, or there was none
  std::uint64_t requests_ = 0;
  Site::Found found_;          // for the request being read
  peer::Buffer in_;            // not parsed yet
  peer::Buffer out_;           // not given to the stream yet
  std::size_t unwritten_ = 0;  // given, but not with the kernel
  bool advancing_ = false;
  bool other_ended_ = false;
  bool stuck_ = false;
};

}  // namespace http
