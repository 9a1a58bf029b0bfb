// A chat as its sender's session hands it over: checked, and the line that the
// recipient will read cut into pieces, to be copied once into its link's stream.
//
// All pieces are borrowed for the length of the call.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace chat {

class Draft {
 public:
  std::string_view recipient;  // its name, unescaped
  std::uint64_t hash = 0;      // name_hash(recipient)

  std::string_view id;     // the token in the line, the client's own or the server's
  std::int64_t at_ms = 0;  // when it came, since the epoch

  // Where in the line the client's own id token stands (with its quotes);
  // length 0 where it gave none and the id is the server's. The sender's token
  // stands at peer::chat_sender_at.
  std::uint32_t id_at = 0;
  std::uint16_t id_length = 0;
  std::uint8_t sender_length = 0;
  // "retry":true: the recipient may have it already.
  bool retry = false;

  // The line {"cmd":"chat","send":…,"recv":…,"content":…,"id":…,"ts":…} with LF.
  void lay(std::initializer_list<std::string_view> pieces) {
    assert(pieces.size() <= pieces_max);
    for (const std::string_view piece : pieces) {
      pieces_[count_++] = piece;
      bytes_ += piece.size();
    }
  }
  std::span<const std::string_view> line() const { return {pieces_, count_}; }
  std::size_t size() const { return bytes_; }

 private:
  static constexpr std::size_t pieces_max = 9;

  std::string_view pieces_[pieces_max];
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace chat
