#include "tools/common/printable.h"

#include <langinfo.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <cwchar>

namespace tool {

namespace {

constexpr char32_t replacement = 0xfffd;

// Takes one code point off the front; false, with one byte taken, where there is
// none (RFC 3629: shortest form, no surrogates).
bool take_point(std::string_view& text, char32_t& point) {
  const auto byte = [&text](std::size_t n) { return static_cast<unsigned char>(text[n]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  point = size == 1 ? first : first & (0x7fU >> size);
  bool good = size > 0 && size <= text.size();
  for (std::size_t n = 1; good && n < size; ++n) {
    good = (byte(n) & 0xc0U) == 0x80;
    point = (point << 6U) | (byte(n) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  good = good && point >= least[size] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
  if (!good) point = first;
  text.remove_prefix(good ? size : 1);
  return good;
}

template <class String>
void append_ascii(String& to, const char* text) {
  for (; *text != '\0'; ++text) to += static_cast<typename String::value_type>(*text);
}

template <class String>
void append_number(String& to, const char* format, char32_t number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(number));
  append_ascii(to, text.data());
}

}  // namespace

Charset charset_of_locale() { return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? Charset::utf8 : Charset::ascii; }

std::u32string printable_points(std::string_view text, Charset charset) {
  std::u32string out;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    char32_t point = 0;
    if (charset == Charset::ascii) {
      point = byte;
      text.remove_prefix(1);
    } else if (!take_point(text, point)) {
      append_number(out, "\\x%02x", byte);
      continue;
    }
    if (point >= 0x20 && point < 0x7f)
      out += point;
    else if (point < 0x80 || charset == Charset::ascii)
      append_number(out, "\\x%02x", point);
    else if (point > 0x9f && wcwidth(static_cast<wchar_t>(point)) == 1)
      out += point;
    else
      append_number(out, "\\u{%x}", point);
  }
  return out;
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

std::string printable(std::string_view text, Charset charset) { return to_utf8(printable_points(text, charset)); }

std::string ascii_json(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    char32_t point = 0;
    if (!take_point(json, point)) point = replacement;
    if (point < 0x7f) {
      out += static_cast<char>(point);
    } else if (point < 0x10000) {
      append_number(out, "\\u%04x", point);
    } else {
      append_number(out, "\\u%04x", 0xd800U + ((point - 0x10000) >> 10U));
      append_number(out, "\\u%04x", 0xdc00U + ((point - 0x10000) & 0x3ffU));
    }
  }
  return out;
}

}  // namespace tool
