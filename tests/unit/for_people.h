// Text that others wrote, as crosstalk-protocol(7) has it for people and for programs.
// The server and the crosstalk command each have their own code for it, which this tests.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "tests/unit/suite.h"

namespace for_people {

using Rewrite = std::string (*)(std::string_view);

inline std::string utf8(char32_t c) {
  const auto tail = [c](unsigned shift) { return static_cast<char>(0x80U | (c >> shift & 0x3fU)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0U | c >> 6U), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0U | c >> 12U), tail(6), tail(0)};
  return {static_cast<char>(0xf0U | c >> 18U), tail(12), tail(6), tail(0)};
}

inline void quotes_for_programs(Rewrite quoted) {
  using namespace std::string_literals;
  const struct {
    const char* sentence;
    std::string text;
    std::string_view wanted;
  } rows[] = {
      {"nothing", "", R"("")"},
      {"plain text", "how are you", R"("how are you")"},
      {"quote and backslash", R"(a"b\c)", R"("a\"b\\c")"},
      {"control characters", "a\x01\t\n\r\x1f"s, R"("a\u0001\u0009\u000a\u000d\u001f")"},
      {"DEL and letters of all lengths as they are", "\x7f é € 😀", "\"\x7f é € 😀\""},
  };
  for (const auto& row : rows) suite::same(row.sentence, quoted(row.text), row.wanted);
}

inline void shows_what_would_deceive(Rewrite shown) {
  using namespace std::string_literals;
  const struct {
    const char* sentence;
    std::string text;
    std::string_view wanted;
  } rows[] = {
      {"nothing", "", ""},
      {"text in any language", "hello, 你好, שלום, é 😀", "hello, 你好, שלום, é 😀"},
      {"a backslash stays what it is", R"(a\nb)", R"(a\nb)"},
      {"a terminal's command", "\x1b[31mred\x07", R"(\x1b[31mred\x07)"},
      {"line ends and tabs", "a\nb\r\nc\td", R"(a\x0ab\x0d\x0ac\x09d)"},
      {"NUL", "a\0b"s, R"(a\x00b)"},
      {"DEL", "a\x7f", R"(a\x7f)"},
      {"C1, which is a terminal's command in one character", "\xc2\x80\xc2\x9b\xc2\x9f", R"(\x80\x9b\x9f)"},
      {"a no-break space is no control", "\xc2\xa0", "\xc2\xa0"},
      {"the line separators", "\xe2\x80\xa8\xe2\x80\xa9\xc2\x85", R"(\u2028\u2029\x85)"},
      {"right-to-left override", "a\xe2\x80\xae.b", R"(a\u202e.b)"},
      {"the isolates", "\xe2\x81\xa6\xe2\x81\xa9", R"(\u2066\u2069)"},
      {"the byte order mark", "\xef\xbb\xbf.a", R"(\ufeff.a)"},
      {"what is no UTF-8", "a\xff\xc3(\xed\xa0\x80", R"(a\xff\xc3(\xed\xa0\x80)"},
      {"a character cut off", "a\xe2\x82", R"(a\xe2\x82)"},
  };
  for (const auto& row : rows) suite::same(row.sentence, shown(row.text), row.wanted);
}

// Every character of the plane that holds them all, against the list as it is
// written in the protocol.
inline void shows_every_character_right(Rewrite shown) {
  for (char32_t c = 0; c < 0x10000; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
    const bool hidden = c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || c == 0x2028 ||
                        c == 0x2029 || (c >= 0x2060 && c <= 0x2064) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
    char escape[8];
    snprintf(escape, sizeof escape, control ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
    suite::same(escape, shown(utf8(c)), control || hidden ? std::string(escape) : utf8(c));
  }
}

inline void knows_plain_utf8(bool (*is_plain)(std::string_view)) {
  using namespace std::string_view_literals;
  for (const std::string_view good : {""sv, "a\x1b\x7f é 😀"sv}) ck_assert(is_plain(good));
  for (const std::string_view bad : {"a\0b"sv, "a\xff"sv, "\xed\xa0\x80"sv, "\xe2\x82"sv}) ck_assert(!is_plain(bad));
}

}  // namespace for_people
