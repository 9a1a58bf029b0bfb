// The deliveries of a session that acknowledges: those handed out and not
// confirmed, in the order of their numbers, and those that wait behind them.
//
//   deliver --room--> handed out --> given to the connection --ack--> gone
//      |                 ^
//      '--none--> behind-'
//
// So is what comes for a session that departs, whichever it is: all of it behind.
// A confirmation confirms all before it. Who knows the numbers is the session,
// which has a window only while there is something in it. Bytes are counted as
// they came from the chat layer, without marks.
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

class Window {
 public:
  // Handed out and not confirmed. A line longer than that is handed out alone.
  static constexpr std::size_t chats_max = 256;
  static constexpr std::size_t bytes_max = std::size_t{1} << 20U;

  bool empty() const { return out_.empty() && behind_.empty(); }

  // Whether a line of so many bytes may be handed out now.
  bool has_room(std::size_t bytes) const { return behind_.empty() && fits(bytes); }
  void hand_out(const chat::Origin& origin, std::size_t bytes) {
    out_.push_back({origin, peer::Time{0}, bytes});
    out_bytes_ += bytes;
  }
  // The next of those handed out is with the connection now.
  void give(peer::Time now) { out_[given_++].given_at = now; }
  // The oldest handed out is over.
  chat::Origin take() {
    const Out oldest = out_.front();
    out_.pop_front();
    out_bytes_ -= oldest.bytes;
    if (given_ > 0) --given_;
    return oldest.origin;
  }
  std::size_t out() const { return out_.size(); }
  std::size_t given() const { return given_; }  // of them
  // When the oldest was given.
  peer::Time oldest() const { return given_ > 0 ? out_.front().given_at : peer::never; }

  void put_behind(const chat::Delivery& delivery, const chat::Origin& origin) {
    behind_.push_back({origin, delivery.line.size(), delivery.stored, delivery.redelivered});
    behind_lines_.append(delivery.line);
  }
  std::size_t behind_bytes() const { return behind_lines_.size(); }
  bool has_behind() const { return !behind_.empty(); }
  bool may_follow() const { return has_behind() && fits(behind_.front().bytes); }
  // The oldest behind; the line is borrowed until it is taken.
  chat::Delivery next() const {
    const Behind& next = behind_.front();
    return {behind_lines_.view().substr(0, next.bytes), next.stored, next.redelivered};
  }
  const chat::Origin& next_origin() const { return behind_.front().origin; }
  void take_behind() {
    behind_lines_.consume(behind_.front().bytes);
    behind_.pop_front();
  }

  // See Spares; nothing is in it.
  bool renew() {
    assert(empty() && out_bytes_ == 0 && given_ == 0);
    behind_.clear();
    behind_lines_.release();
    return true;
  }

 private:
  struct Out {
    chat::Origin origin;
    peer::Time given_at{0};
    std::size_t bytes = 0;
  };
  struct Behind {
    chat::Origin origin;
    std::size_t bytes = 0;
    bool stored = false;
    bool redelivered = false;
  };

  bool fits(std::size_t bytes) const {
    return out_.empty() || (out_.size() < chats_max && out_bytes_ + bytes <= bytes_max);
  }

  peer::Ring<Out> out_;
  std::size_t out_bytes_ = 0;
  std::size_t given_ = 0;  // of out_, from its front
  peer::Ring<Behind> behind_;
  peer::Buffer behind_lines_;
};

}  // namespace client
