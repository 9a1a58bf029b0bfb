// Lines out of bytes that arrive in pieces. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace crosstalk {

class Lines {
 public:
  // A line of the server's is not longer than what it takes and a little more;
  // whoever sends this much without an end is no chat server.
  static constexpr std::size_t bytes_max = std::size_t{4} << 20U;

  void add(std::string_view bytes) { bytes_ += bytes; }

  // The next whole line without its end (LF or CR LF).
  std::optional<std::string> next() {
    const std::size_t end = bytes_.find('\n', at_);
    if (end == std::string::npos) {
      bytes_.erase(0, at_);
      at_ = 0;
      return std::nullopt;
    }
    std::string line = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }

  // What is left has no end. Asked when next() has nothing.
  std::string rest() { return std::exchange(bytes_, {}); }
  bool overlong() const { return bytes_.size() > bytes_max; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;  // taken up to here
};

}  // namespace crosstalk
