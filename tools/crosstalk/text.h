// Text for a terminal: what others wrote is shown, never obeyed.
//
// Nothing in it moves the cursor, turns the writing around, hides, or begins a
// new line. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace crosstalk {

// `text` with every control character (C0, DEL, C1) and every byte that is not
// UTF-8 in the form \x1b, and every zero-width, bidirectional and separating
// character in the form \u202e: as crosstalk-protocol(7) has it for people.
std::string shown(std::string_view text);

// True for valid UTF-8 without NUL: what may stand in a JSON string.
bool is_plain_utf8(std::string_view text);

// `text`, which is valid UTF-8, as a JSON string with its quotes.
std::string quoted(std::string_view text);

// Where the cursor is after this on a terminal with so many columns, in rows below
// the first; as libedit lays out what is typed. UTF-8 by the locale.
std::size_t rows_below(std::string_view text, std::size_t columns);

}  // namespace crosstalk
