// Code points out of bytes that nobody vouches for, and back. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tool {

// Takes one code point off the front of `text`, which is not empty; nothing, with one
// byte taken, where there is none (RFC 3629: shortest form, no surrogates).
std::optional<char32_t> take_point(std::string_view& text);

std::string to_utf8(std::u32string_view points);

// One that is not shown, by its number: `format` is printf's, for an unsigned, and what
// it makes of one is short.
std::string escaped(const char* format, char32_t number);

}  // namespace tool
