#include "src/node/probe.h"

#include <utility>

namespace node {

Probe::Probe(io::Loop& loop, const peer::Self& self, const peer::Address& address, peer::Incarnation expected,
             std::function<void(bool)> then)
    : self_(self),
      expected_(expected),
      then_(std::move(then)),
      // Whoever asked may destroy this inside the answer.
      deadline_(loop,
                [this] {
                  const auto tell = std::move(then_);
                  tell(alive_);
                }),
      stream_(io::Stream::dial(loop, address, self.timing.dial_timeout, *this)) {
  deadline_.at(loop.now() + self.timing.dial_timeout);
}

Probe::~Probe() = default;

void Probe::on_open() noexcept {
  words_.append(peer::preface);
  peer::write_frame(words_, peer::FrameType::hello, 0, encode(self_.hello(peer::Nonce{}, self_.name)));
  stream_->want_write();
}

void Probe::fill(peer::Buffer& out) noexcept { out.swap(words_); }

void Probe::on_bytes(std::string_view bytes) noexcept {
  switch (preface_.take(bytes)) {
    case peer::PrefaceReader::Got::more: return;
    case peer::PrefaceReader::Got::wrong: return answer(false);
    case peer::PrefaceReader::Got::whole: break;
  }
  peer::Frame frame;
  reader_.feed(bytes);
  switch (reader_.next(frame)) {
    case peer::FrameReader::Got::nothing: return;
    case peer::FrameReader::Got::broken: return answer(false);
    case peer::FrameReader::Got::frame: break;
  }
  const auto hello = peer::decode_hello(frame.body);
  answer(frame.type == peer::FrameType::hello && hello && hello->node == self_.name && hello->incarnation == expected_);
}

void Probe::on_closed(std::string_view) noexcept { answer(false); }

void Probe::answer(bool alive) {
  if (std::exchange(answered_, true)) return;
  alive_ = alive;
  deadline_.at(peer::Time(0));
}

}  // namespace node
