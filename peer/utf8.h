// UTF-8, one code point at a time, strictly (RFC 3629): no overlong forms, no
// surrogates, nothing over U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace peer {

struct Utf8 {
  char32_t code_point = 0;
  std::size_t length = 0;  // bytes; 0: what stands there is not UTF-8
};

// The code point at the front of `text`, which is not empty.
inline Utf8 next_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t code_point = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    code_point = (code_point << 6U) | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (overlong || surrogate || code_point > 0x10ffff) return {};
  return {code_point, length};
}

}  // namespace peer
