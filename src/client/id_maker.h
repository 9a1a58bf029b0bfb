// Ids for chats whose senders gave none: short, and never given twice in a
// cluster: the node, the low half of its incarnation, a count.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "peer/ids.h"

namespace client {

class IdMaker {
 public:
  IdMaker(std::string_view node, peer::Incarnation incarnation) : token_('"' + std::string(node) + '.') {
    char digits[7];  // 2^32 has so many in base 36
    const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<std::uint32_t>(incarnation), 36).ptr;
    token_.append(digits, end);
    token_ += '.';
    front_ = token_.size();
    token_ += "0\"";
  }

  // A JSON string with its quotes, borrowed until the next call.
  std::string_view next() {
    std::size_t at = token_.size() - 2;  // the last digit, before the quote
    for (; at >= front_ && token_[at] == 'z'; --at) token_[at] = '0';
    if (at < front_)
      token_.insert(front_, 1, '1');
    else
      token_[at] = token_[at] == '9' ? 'a' : static_cast<char>(token_[at] + 1);
    return token_;
  }

 private:
  std::string token_;      // the last one; the count is in base 36
  std::size_t front_ = 0;  // where the count stands
};

}  // namespace client
