#include "tools/crosstalk/text.h"

#include <cwchar>
#include <optional>

#include "tools/common/utf8.h"

namespace crosstalk {

namespace {

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

// Unicode's Bidi_Control, zero-width characters, line and paragraph separator,
// the byte order mark; and the tags, with which text is hidden.
bool is_deceptive(char32_t c) {
  return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2064) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
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
    const std::string_view rest = text;
    const std::optional<char32_t> point = tool::take_point(text);
    if (!point)
      out += tool::escaped("\\x%02x", static_cast<unsigned char>(rest.front()));
    else if (is_control(*point))
      out += tool::escaped("\\x%02x", *point);
    else if (is_deceptive(*point))
      out += tool::escaped("\\u%04x", *point);
    else
      out += rest.substr(0, rest.size() - text.size());
  }
  return out;
}

bool is_plain_utf8(std::string_view text) {
  while (!text.empty()) {
    // No character there, or NUL.
    if (tool::take_point(text).value_or(0) == 0) return false;
  }
  return true;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += tool::escaped("\\u%04x", byte);
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
    const std::optional<char32_t> point = tool::take_point(text);
    const std::size_t width = point ? columns_of(*point) : 1;
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
  }
  return row;
}

}  // namespace crosstalk
