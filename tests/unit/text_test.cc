#include "src/client/text.h"

#include <string>
#include <string_view>

#include "src/client/human.h"
#include "src/client/id_maker.h"
#include "src/client/request.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

void expect_same(const char* sentence, std::string_view found, std::string_view expected) {
  ck_assert_msg(found == expected, "%s: expected '%s', found '%s'", sentence, std::string(expected).c_str(),
                std::string(found).c_str());
}

std::string quoted(std::string_view text) {
  std::string out;
  client::append_quoted(out, text);
  return out;
}

std::string shown(std::string_view text) {
  std::string out;
  client::append_shown(out, text);
  return out;
}

std::string utf8(char32_t c) {
  const auto tail = [c](unsigned shift) { return static_cast<char>(0x80U | (c >> shift & 0x3fU)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0U | c >> 6U), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0U | c >> 12U), tail(6), tail(0)};
  return {static_cast<char>(0xf0U | c >> 18U), tail(12), tail(6), tail(0)};
}

std::string rendered(std::string_view text_template, std::string_view content) {
  client::RequestParser parser;
  const std::string line =
      R"({"cmd":"chat","send":"al","recv":"b\u006fb","content":)" + std::string(content) + R"(,"id":"1","ts":1})";
  const client::Request& chat = parser.parse_copy(line);
  ck_assert(!chat.refusal);
  std::string out;
  client::append_rendered(out, text_template, chat);
  return out;
}

}  // namespace

START_TEST(quotes_for_programs) {
  const struct {
    const char* sentence;
    std::string text;
    std::string_view expected;
  } rows[] = {
      {"nothing", "", R"("")"},
      {"plain text", "how are you", R"("how are you")"},
      {"quote and backslash", R"(a"b\c)", R"("a\"b\\c")"},
      {"control characters", "a\x01\t\n\r\x1f"s, R"("a\u0001\u0009\u000a\u000d\u001f")"},
      {"DEL and letters of all lengths as they are", "\x7f é € 😀", "\"\x7f é € 😀\""},
  };
  for (const auto& row : rows) expect_same(row.sentence, quoted(row.text), row.expected);
}
END_TEST

START_TEST(what_is_quoted_reads_back) {
  client::RequestParser parser;
  for (char32_t c = 1; c < 0x110000; c = c < 0x3000 ? c + 1 : c + 997) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const std::string text = "a" + utf8(c) + "b";
    const client::Request& request = parser.parse_copy(R"({"cmd":"login","name":)" + quoted(text) + "}");
    ck_assert_msg(!request.refusal && request.name.text == text, "U+%04X", static_cast<unsigned>(c));
  }
}
END_TEST

START_TEST(shows_what_would_deceive) {
  const struct {
    const char* sentence;
    std::string text;
    std::string_view expected;
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
      {"right-to-left override",
       "a\xe2\x80\xae"
       "b",
       R"(a\u202eb)"},
      {"the byte order mark",
       "\xef\xbb\xbf"
       "a",
       R"(\ufeffa)"},
      {"what is no UTF-8", "a\xff\xc3(\xed\xa0\x80", R"(a\xff\xc3(\xed\xa0\x80)"},
      {"a character cut off", "a\xe2\x82", R"(a\xe2\x82)"},
  };
  for (const auto& row : rows) expect_same(row.sentence, shown(row.text), row.expected);
}
END_TEST

// Every character of the plane that holds them all, against the list as it is
// written in the protocol.
START_TEST(shows_every_character_right) {
  for (char32_t c = 0; c < 0x10000; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
    const bool hidden = c == 0x61c || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) || c == 0x2028 ||
                        c == 0x2029 || (c >= 0x2060 && c <= 0x2064) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
    char escape[8];
    snprintf(escape, sizeof escape, control ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
    expect_same(escape, shown(utf8(c)), control || hidden ? std::string(escape) : utf8(c));
  }
}
END_TEST

START_TEST(cuts_between_characters) {
  ck_assert(client::cut("hello", 5) == "hello");
  ck_assert(client::cut("hello", 3) == "hel");
  ck_assert(client::cut("h€llo", 1) == "h");
  ck_assert(client::cut("h€llo", 2) == "h");
  ck_assert(client::cut("h€llo", 3) == "h");
  ck_assert(client::cut("h€llo", 4) == "h€");
  ck_assert(client::cut("😀", 3).empty());
}
END_TEST

START_TEST(knows_plain_utf8) {
  ck_assert(client::is_plain_utf8(""));
  ck_assert(client::is_plain_utf8("a\x1b\x7f é 😀"));
  ck_assert(!client::is_plain_utf8("a\0b"sv));
  ck_assert(!client::is_plain_utf8("a\xff"));
  ck_assert(!client::is_plain_utf8("\xed\xa0\x80"));
  ck_assert(!client::is_plain_utf8("\xe2\x82"));
}
END_TEST

START_TEST(renders_a_delivery) {
  const std::string_view demo = "{send}给您发了消息：{content}";
  const struct {
    const char* sentence;
    std::string_view text_template;
    std::string_view content;
    std::string_view expected;
  } rows[] = {
      {"the demos' line", demo, R"("how are you")", "al给您发了消息：how are you"},
      {"escapes are undone", demo, R"("a\u0062c \"d\"")", "al给您发了消息：abc \"d\""},
      {"and what they hid is shown", demo, R"("x\r\nbob\u001b[0m\u202e")",
       R"(al给您发了消息：x\x0d\x0abob\x1b[0m\u202e)"},
      {"raw bidirectional characters too", demo, "\"\xe2\x80\xae\"", R"(al给您发了消息：\u202e)"},
      {"an object as JSON", demo, R"({"a": [1,null]})", R"(al给您发了消息：{"a": [1,null]})"},
      {"JSON's own white space cannot forge a line", demo, "[1,\r2]", R"(al给您发了消息：[1,\x0d2])"},
      {"a number", demo, "-1.5e3", "al给您发了消息：-1.5e3"},
      {"an empty string", demo, R"("")", "al给您发了消息："},
      {"all places, more than once", "{recv}<{send}>{content}|{recv}", R"("c")", "bob<al>c|bob"},
      {"a content that looks like a place", "{content}", R"("{send}")", "{send}"},
      {"braces that are no places", "{}{x}{send{send}}", R"("c")", "{}{x}{sendal}"},
  };
  for (const auto& row : rows) expect_same(row.sentence, rendered(row.text_template, row.content), row.expected);
}
END_TEST

START_TEST(reads_what_people_type) {
  using What = client::Typed::What;
  const struct {
    std::string_view line;
    What what;
    std::string_view name;
    std::string_view text;
  } rows[] = {
      {"", What::nothing, "", ""},
      {" \t ", What::nothing, "", ""},
      {"hello bob", What::text, "", "hello bob"},
      {"  indented", What::text, "", "  indented"},
      {"{\"cmd\":\"ping\"}", What::json, "", "{\"cmd\":\"ping\"}"},
      {"  {oops", What::json, "", "{oops"},
      {"/help", What::help, "", ""},
      {"/help me", What::help, "", ""},
      {" /quit ", What::quit, "", ""},
      {"/login alice", What::login, "alice", ""},
      {"/login  alice  secret", What::login, "alice", ""},
      {"/login", What::misused, "", "type /login NAME"},
      {"/login  ", What::misused, "", "type /login NAME"},
      {"/msg bob hello you", What::msg, "bob", "hello you"},
      {"/msg\tbob\thello", What::msg, "bob", "hello"},
      {"/msg bob  two blanks ", What::msg, "bob", " two blanks "},
      {"/msg bob {not json}", What::msg, "bob", "{not json}"},
      {"/msg bob /help", What::msg, "bob", "/help"},
      {"/msg bob", What::misused, "", "type /msg NAME TEXT"},
      {"/msg bob  ", What::misused, "", "type /msg NAME TEXT"},
      {"/msg", What::misused, "", "type /msg NAME TEXT"},
      {"/", What::unknown, "", ""},
      {"/Help", What::unknown, "", ""},
      {"/join lobby", What::unknown, "", ""},
      {"/loginalice", What::unknown, "", ""},
  };
  for (const auto& row : rows) {
    const client::Typed typed = client::read_typed(row.line);
    const std::string line(row.line);
    ck_assert_msg(typed.what == row.what, "%s", line.c_str());
    expect_same(line.c_str(), typed.name, row.name);
    expect_same(line.c_str(), typed.text, row.text);
  }
}
END_TEST

START_TEST(makes_ids_that_differ) {
  client::IdMaker ids("n1", peer::Incarnation{0x123456789abcdef0});
  const std::string first(ids.next());
  const std::string second(ids.next());
  expect_same("the first", first, "\"n1.16xmrqo.1\"");
  expect_same("the second", second, "\"n1.16xmrqo.2\"");
  for (int i = 0; i < 33; ++i) ids.next();
  expect_same("the thirty-sixth", ids.next(), "\"n1.16xmrqo.10\"");
}
END_TEST

SUITE(quotes_for_programs, what_is_quoted_reads_back, shows_what_would_deceive, shows_every_character_right,
      cuts_between_characters, knows_plain_utf8, renders_a_delivery, reads_what_people_type, makes_ids_that_differ)
