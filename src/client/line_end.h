// How the line of a chat ends: its time, the brace, LF. Made anew when the
// millisecond changes.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace client {

class LineEnd {
 public:
  // Borrowed until the next call.
  std::string_view at(std::int64_t wall_ms) {
    if (wall_ms != made_for_ || size_ == 0) make(wall_ms);
    return {text_, size_};
  }

 private:
  static constexpr std::string_view front = ",\"ts\":";
  static constexpr std::string_view back = "}\n";

  void make(std::int64_t wall_ms) {
    made_for_ = wall_ms;
    std::memcpy(text_, front.data(), front.size());
    char* const end = std::to_chars(text_ + front.size(), text_ + sizeof text_ - back.size(), wall_ms).ptr;
    std::memcpy(end, back.data(), back.size());
    size_ = static_cast<std::size_t>(end - text_) + back.size();
  }

  char text_[front.size() + 20 + back.size()] = {};  // 20: a 64-bit number
  std::size_t size_ = 0;
  std::int64_t made_for_ = 0;
};

}  // namespace client
