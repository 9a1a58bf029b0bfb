#include "tools/common/printable.h"

#include <langinfo.h>

#include <cstring>
#include <cwchar>
#include <optional>

#include "tools/common/utf8.h"

namespace tool {

namespace {

constexpr char32_t replacement = 0xfffd;

}  // namespace

Charset charset_of_locale() { return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? Charset::utf8 : Charset::ascii; }

std::u32string printable_points(std::string_view text, Charset charset) {
  std::u32string out;
  const auto escape = [&out](const char* format, char32_t number) {
    const std::string ascii = escaped(format, number);
    out.append(ascii.begin(), ascii.end());
  };
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    std::optional<char32_t> point;
    if (charset == Charset::utf8)
      point = take_point(text);
    else
      text.remove_prefix(1);
    const bool is_byte = !point || *point < 0x80;
    if (is_byte && byte >= 0x20 && byte < 0x7f)
      out += static_cast<char32_t>(byte);
    else if (is_byte)
      escape("\\x%02x", byte);
    else if (*point > 0x9f && wcwidth(static_cast<wchar_t>(*point)) == 1)
      out += *point;
    else
      escape("\\u{%x}", *point);
  }
  return out;
}

std::string printable(std::string_view text, Charset charset) { return to_utf8(printable_points(text, charset)); }

std::string ascii_json(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    const char32_t point = take_point(json).value_or(replacement);
    if (point < 0x7f)
      out += static_cast<char>(point);
    else if (point < 0x10000)
      out += escaped("\\u%04x", point);
    else
      out += escaped("\\u%04x", 0xd800U + ((point - 0x10000) >> 10U)) +
             escaped("\\u%04x", 0xdc00U + ((point - 0x10000) & 0x3ffU));
  }
  return out;
}

}  // namespace tool
