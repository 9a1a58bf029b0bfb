#include "tools/crosstalk/text.h"

#include <array>
#include <cstdio>
#include <cwchar>

namespace crosstalk {

namespace {

struct Point {
  char32_t value = 0;
  std::size_t length = 0;  // bytes; 0: what stands there is not UTF-8
};

// RFC 3629: no overlong forms, no surrogates. `text` is not empty.
Point next_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t point = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    point = (point << 6U) | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return {};
  return {point, length};
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

// Unicode's Bidi_Control, zero-width characters, line and paragraph separator,
// the byte order mark; and the tags, with which text is hidden.
bool is_deceptive(char32_t c) {
  return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2064) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

void append_escape(std::string& out, const char* format, char32_t value) {
  std::array<char, 12> text{};
  std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(value));
  out += text.data();
}

// How many columns libedit gives a character of what is typed: a control
// character is shown as ^X, one that can't be printed as \U+XXXX.
std::size_t columns_of(char32_t c) {
  if (c < 0x20 || c == 0x7f) return 2;
  const int width = wcwidth(static_cast<wchar_t>(c));
  if (width >= 0) return static_cast<std::size_t>(width);
  return c > 0xffff ? 8 : 7;
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Point next = next_point(text);
    const std::size_t length = next.length == 0 ? 1 : next.length;
    if (next.length == 0) {
      append_escape(out, "\\x%02x", static_cast<unsigned char>(text.front()));
    } else if (is_control(next.value)) {
      append_escape(out, "\\x%02x", next.value);
    } else if (is_deceptive(next.value)) {
      append_escape(out, "\\u%04x", next.value);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

bool is_plain_utf8(std::string_view text) {
  while (!text.empty()) {
    const Point next = next_point(text);
    if (next.length == 0 || next.value == 0) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      append_escape(out, "\\u%04x", byte);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

std::size_t rows_below(std::string_view text, std::size_t columns) {
  std::size_t row = 0;
  std::size_t column = 0;
  while (!text.empty()) {
    const Point next = next_point(text);
    const std::size_t width = next.length == 0 ? 1 : columns_of(next.value);
    // What does not fit goes to the next row whole.
    if (column + width > columns) {
      ++row;
      column = 0;
    }
    column += width;
    if (column >= columns) {
      ++row;
      column = 0;
    }
    text.remove_prefix(next.length == 0 ? 1 : next.length);
  }
  return row;
}

}  // namespace crosstalk
