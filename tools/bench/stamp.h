// What a measured message says: when it was due, and its number. The rest is filler.
//
// Hexadecimal digits, so that it passes through any text protocol as it is. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tools/bench/nanos.h"

namespace bench {

struct Stamp {
  Nanos due = 0;
  std::uint32_t number = 0;
};

inline constexpr std::size_t due_digits = 16;
inline constexpr std::size_t number_digits = 8;
inline constexpr std::size_t stamp_bytes = due_digits + number_digits;

void write_digits(char* to, std::uint64_t value, std::size_t digits);
// Nothing where they are no digits.
std::optional<std::uint64_t> read_digits(std::string_view text);

// `to` has room for stamp_bytes.
void write_stamp(char* to, const Stamp& stamp);
// Nothing where it is none of ours.
std::optional<Stamp> read_stamp(std::string_view payload);

// A payload of that many bytes, stamp_bytes at least, with an empty stamp.
std::string blank_payload(std::size_t bytes);

}  // namespace bench
