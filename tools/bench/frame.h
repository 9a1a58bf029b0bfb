// What the bare relay is told: whom it is for, and how long it is. Nothing in it is
// looked at.
//
// A frame of no length, from a client, says who that is; the relay sends it back.
// In the byte order of the machine: both ends are this program, on one machine.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bench {

struct FrameHead {
  std::uint32_t size = 0;  // of what follows
  std::uint32_t to = 0;    // a client's serial
};

inline constexpr std::size_t frame_head_bytes = sizeof(FrameHead);
inline constexpr std::uint32_t frame_size_max = 64 * 1024;

inline std::string frame_head(std::size_t size, std::uint32_t to) {
  const FrameHead head{static_cast<std::uint32_t>(size), to};
  return {reinterpret_cast<const char*>(&head), sizeof head};
}

// `bytes` has frame_head_bytes at least.
inline FrameHead read_frame_head(std::string_view bytes) {
  FrameHead head;
  std::memcpy(&head, bytes.data(), sizeof head);
  return head;
}

}  // namespace bench
