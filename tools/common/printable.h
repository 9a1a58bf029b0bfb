// What others wrote, made fit for a terminal: nothing in it can move the cursor,
// change a colour, or turn the line around.
#pragma once

#include <string>
#include <string_view>

namespace tool {

enum class Charset : bool { ascii, utf8 };

// That of the locale, once setlocale was called.
Charset charset_of_locale();

// Printable ASCII as it is, other bytes as \xNN. With utf8 also code points that
// take exactly one column stay; the rest of them become \u{N}.
std::string printable(std::string_view text, Charset charset = Charset::ascii);

// The same as code points, each one column wide.
std::u32string printable_points(std::string_view text, Charset charset);

// The same JSON in ASCII alone: what is not, becomes \uNNNN.
std::string ascii_json(std::string_view json);

}  // namespace tool
