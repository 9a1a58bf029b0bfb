// Ids for chats whose senders gave none: short, and never given twice in a
// cluster: the node, the low half of its incarnation, a count.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "peer/ids.h"

namespace client {

class IdMaker {
 public:
  IdMaker(std::string_view node, peer::Incarnation incarnation) : token_('"' + std::string(node) + '.') {
    append(static_cast<std::uint32_t>(incarnation));
    token_ += '.';
    front_ = token_.size();
  }

  // A JSON string with its quotes, borrowed until the next call.
  std::string_view next() {
    token_.resize(front_);
    append(++count_);
    token_ += '"';
    return token_;
  }

 private:
  void append(std::uint64_t number) {
    char digits[16];  // 2^64 has 13 digits in base 36
    const auto end = std::to_chars(digits, digits + sizeof digits, number, 36).ptr;
    token_.append(digits, end);
  }

  std::string token_;
  std::size_t front_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace client
