// Does a living node answer at an address, and which one? One dial, one hello.
//
// Asked when another lease stands under this node's own name: is it a node that
// died a moment ago, or one that lives? Nothing is proven to it or believed
// beyond that. Owned by discovery.
#pragma once

#include <functional>
#include <memory>

#include "peer/hello.h"
#include "peer/self.h"
#include "src/io/stream.h"
#include "src/io/timer.h"

namespace node {

class Probe final : private io::Stream::Owner {
 public:
  // `then` is called once: is the node of that name and incarnation there?
  Probe(io::Loop& loop, const peer::Self& self, const peer::Address& address, peer::Incarnation expected,
        std::function<void(bool)> then);
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  void on_open() noexcept override;
  void on_bytes(std::string_view bytes) noexcept override;
  void on_closed(std::string_view why) noexcept override;
  void fill(peer::Buffer& out) noexcept override;
  void answer(bool alive);

  const peer::Self& self_;
  peer::Incarnation expected_;
  std::function<void(bool)> then_;
  peer::PrefaceReader preface_;
  peer::FrameReader reader_;
  peer::Buffer words_;
  bool answered_ = false;
  bool alive_ = false;
  io::Timer deadline_;  // also brings the answer out of the stream's own callbacks
  std::unique_ptr<io::Stream> stream_;
};

}  // namespace node
