// A chat as its sender's session hands it over: checked, and the line that the
// recipient will read cut into pieces, to be copied once into its link's stream.
//
// All pieces are borrowed for the length of the call.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace chat {

struct Draft {
  std::string_view recipient;  // its name, unescaped
  std::uint64_t hash = 0;      // name_hash(recipient)

  // The line {"cmd":"chat","send":…,"recv":…,"content":…,"id":…,"ts":…} with LF.
  std::array<std::string_view, 12> pieces{};
  std::size_t count = 0;

  std::string_view id;  // the token in the line, the client's own or the server's

  // Where in the line the client's own id token stands (with its quotes);
  // length 0 where it gave none and the id is the server's. The sender's token
  // stands at peer::chat_sender_at.
  std::uint32_t id_at = 0;
  std::uint16_t id_length = 0;
  std::uint8_t sender_length = 0;
  // "retry":true: the recipient may have it already.
  bool retry = false;

  std::span<const std::string_view> line() const { return {pieces.data(), count}; }
  std::size_t size() const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < count; ++i) n += pieces[i].size();
    return n;
  }
};

}  // namespace chat
