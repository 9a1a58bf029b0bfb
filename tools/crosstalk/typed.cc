#include "tools/crosstalk/typed.h"

#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

using What = Typed::What;

constexpr std::string_view blanks = " \t\r\n";

std::string_view without_leading_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

// Takes the first word off `text`, and the one blank behind it.
std::string_view take_word(std::string_view& text) {
  text = without_leading_blanks(text);
  const std::size_t end = text.find_first_of(blanks);
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

}  // namespace

Typed read_typed(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  std::string_view rest = without_leading_blanks(line);
  if (rest.empty()) return {};
  if (!is_plain_utf8(line)) return {What::misused, {}, "a line must be UTF-8 without NUL"};
  if (rest.starts_with("//")) return {What::text, {}, std::string(rest.substr(1))};
  if (rest.front() != '/') return {What::text, {}, std::string(line)};

  const std::string_view command = take_word(rest);
  if (command == "/help") return {What::help, {}, {}};
  if (command == "/quit") return {What::quit, {}, {}};
  if (command == "/who") return {What::who, std::string(take_word(rest)), {}};
  if (command == "/msg") {
    const std::string_view name = take_word(rest);
    if (without_leading_blanks(rest).empty()) return {What::misused, {}, "type /msg NAME TEXT"};
    return {What::msg, std::string(name), std::string(rest)};
  }
  return {What::misused, {}, "there is no such command; /help names those there are"};
}

}  // namespace crosstalk
