// One connection of ours to a server, and the user behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tools/bench/nanos.h"

namespace bench {

enum class Role : std::uint8_t { sender, receiver, idler };

struct Client {
  enum class State : std::uint8_t { closed, dialling, greeting, ready };

  std::string name{};
  std::uint32_t serial = 0;  // no other client of this run has it
  Role role = Role::idler;
  std::uint32_t index = 0;  // of its pair
  std::size_t node = 0;     // of --nodes

  State state = State::closed;
  int socket = -1;
  bool marked = false;    // has something to be written in this turn
  bool writing = false;   // the kernel has no room; it is watched for some
  bool deaf = false;      // does not read
  std::string partial{};  // the beginning of a message
  std::string out{};      // to be written, from out_at on
  std::size_t out_at = 0;

  // The dialect's own.
  std::size_t content_at = 0;    // where the last delivery had its content
  std::uint64_t to_confirm = 0;  // the last seq that came
  std::uint64_t confirmed = 0;
  std::string farewell{};  // why the server said it would hang up

  std::size_t waiting() const { return out.size() - out_at; }
};

}  // namespace bench
