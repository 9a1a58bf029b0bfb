// Who is online, a page at a time: what one node has of it, and all of them together.
//
// Values, and how they are made, written and read; nothing is kept, and nobody is
// asked here. A roll is made when somebody wants to know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/buffer.h"
#include "src/chat/client.h"

namespace chat {

class Users;

// Names on one page.
inline constexpr std::size_t roll_names_max = 1000;

struct Roll {
  std::vector<std::string> names{};   // in byte order
  bool more = false;                  // others follow
  std::uint64_t count = 0;            // of all who are online, on whatever page
  std::vector<std::string> silent{};  // nodes that have not told theirs
};

// What is wanted: the first names behind `after`, in byte order.
struct RollPage {
  std::string_view after;
  std::size_t limit = roll_names_max;
};

// Of one node. The names take `bytes_max` at most when they are written, so there may be
// fewer of them than asked for.
Roll roll_of(const Users& users, const RollPage& page, std::size_t bytes_max);

// The page of all, each name once. It ends where that of one that has more does.
Roll joined(const std::vector<Roll>& parts, std::size_t limit);

// All but `silent`. What does not read is nothing.
void write_roll(peer::Buffer& into, const Roll& roll);
std::optional<Roll> read_roll(std::string_view bytes);

// Whoever can ask all nodes.
class RollCall {
 public:
  // For a session of this node: Client::on_roll follows, perhaps from inside. False: not now.
  virtual bool ask(ClientId asker, const RollPage& page) = 0;

 protected:
  ~RollCall() = default;
};

}  // namespace chat
