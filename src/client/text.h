// Text as others may see it: the one place that escapes.
//
// Quoting makes a JSON string of it, for programs. Showing makes it safe for a
// terminal: nothing in what somebody else wrote moves the cursor, turns the
// writing around, hides, or begins a new line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace client {

struct Request;

// True for valid UTF-8 without NUL: what may stand in a JSON string.
bool is_plain_utf8(std::string_view text);

// Appends `text`, which is valid UTF-8, as it stands in a JSON string.
void append_escaped(std::string& out, std::string_view text);
// The same with quotes around it.
void append_quoted(std::string& out, std::string_view text);

// Appends `text` with every control character (C0, DEL, C1) and every byte that
// is not UTF-8 in the form \x1b, and every zero-width, bidirectional and
// separating character in the form \u202e.
void append_shown(std::string& out, std::string_view text);

// The longest front of `text` of at most `bytes` that cuts no character.
std::string_view cut(std::string_view text, std::size_t bytes);

// Appends a delivered chat as one line for people, without its end: the template
// with {send}, {recv} and {content} filled in. A content that is a string
// is shown as its text, any other as JSON.
void append_rendered(std::string& out, std::string_view text_template, const Request& chat);

}  // namespace client
