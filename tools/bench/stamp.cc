#include "tools/bench/stamp.h"

#include <algorithm>
#include <array>

namespace bench {

namespace {

constexpr std::string_view alphabet = "0123456789abcdef";

// 16 for what is no digit.
constexpr std::array<std::uint8_t, 256> values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(16);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}();

}  // namespace

void write_digits(char* to, std::uint64_t value, std::size_t digits) {
  while (digits > 0) {
    to[--digits] = alphabet[value & 15U];
    value >>= 4U;
  }
}

std::optional<std::uint64_t> read_digits(std::string_view text) {
  std::uint64_t value = 0;
  std::uint8_t wrong = 0;
  for (const char c : text) {
    const std::uint8_t digit = values[static_cast<unsigned char>(c)];
    wrong |= digit & 16U;
    value = value << 4U | digit;
  }
  return wrong == 0 && !text.empty() ? std::optional(value) : std::nullopt;
}

void write_stamp(char* to, const Stamp& stamp) {
  write_digits(to, stamp.due, due_digits);
  write_digits(to + due_digits, stamp.number, number_digits);
}

std::optional<Stamp> read_stamp(std::string_view payload) {
  if (payload.size() < stamp_bytes) return std::nullopt;
  const auto due = read_digits(payload.substr(0, due_digits));
  const auto number = read_digits(payload.substr(due_digits, number_digits));
  if (!due || !number) return std::nullopt;
  return Stamp{*due, static_cast<std::uint32_t>(*number)};
}

std::string blank_payload(std::size_t bytes) {
  std::string payload(std::max(bytes, stamp_bytes), '0');
  constexpr std::string_view filler = "how are you, and what is new ";
  for (std::size_t i = stamp_bytes; i < payload.size(); ++i) payload[i] = filler[(i - stamp_bytes) % filler.size()];
  return payload;
}

}  // namespace bench
