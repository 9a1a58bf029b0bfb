#include "tools/common/utf8.h"

#include <array>
#include <cstdio>

namespace tool {

std::optional<char32_t> take_point(std::string_view& text) {
  const std::string_view bytes = text;
  const auto byte = [bytes](std::size_t n) { return static_cast<unsigned char>(bytes[n]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  text.remove_prefix(1);
  if (size == 0 || size > bytes.size()) return std::nullopt;
  char32_t point = size == 1 ? first : first & (0x7fU >> size);
  for (std::size_t n = 1; n < size; ++n) {
    if ((byte(n) & 0xc0U) != 0x80) return std::nullopt;
    point = (point << 6U) | (byte(n) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return std::nullopt;
  text.remove_prefix(size - 1);
  return point;
}

std::string to_utf8(std::u32string_view points) {
  std::string out;
  const auto tail = [&out](char32_t point, unsigned shift) {
    out += static_cast<char>(0x80U | ((point >> shift) & 0x3fU));
  };
  for (const char32_t point : points) {
    if (point < 0x80) {
      out += static_cast<char>(point);
    } else if (point < 0x800) {
      out += static_cast<char>(0xc0U | (point >> 6U));
      tail(point, 0);
    } else if (point < 0x10000) {
      out += static_cast<char>(0xe0U | (point >> 12U));
      tail(point, 6);
      tail(point, 0);
    } else {
      out += static_cast<char>(0xf0U | (point >> 18U));
      tail(point, 12);
      tail(point, 6);
      tail(point, 0);
    }
  }
  return out;
}

std::string escaped(const char* format, char32_t number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(number));
  return text.data();
}

}  // namespace tool
