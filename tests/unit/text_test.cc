#include "src/client/text.h"

#include <string>
#include <string_view>

#include "src/client/human.h"
#include "src/client/id_maker.h"
#include "src/client/request.h"
#include "tests/unit/for_people.h"
#include "tests/unit/suite.h"

namespace {

using suite::same;

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

START_TEST(quotes_for_programs) { for_people::quotes_for_programs(quoted); }
END_TEST

START_TEST(what_is_quoted_reads_back) {
  client::RequestParser parser;
  for (char32_t c = 1; c < 0x110000; c = c < 0x3000 ? c + 1 : c + 997) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const std::string text = "a" + for_people::utf8(c) + "b";
    const client::Request& request = parser.parse_copy(R"({"cmd":"login","name":)" + quoted(text) + "}");
    ck_assert_msg(!request.refusal && request.name.text == text, "U+%04X", static_cast<unsigned>(c));
  }
}
END_TEST

START_TEST(shows_what_would_deceive) { for_people::shows_what_would_deceive(shown); }
END_TEST

START_TEST(shows_every_character_right) { for_people::shows_every_character_right(shown); }
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

START_TEST(knows_plain_utf8) { for_people::knows_plain_utf8(client::is_plain_utf8); }
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
  for (const auto& row : rows) same(row.sentence, rendered(row.text_template, row.content), row.expected);
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
    same(line.c_str(), typed.name, row.name);
    same(line.c_str(), typed.text, row.text);
  }
}
END_TEST

START_TEST(makes_ids_that_differ) {
  client::IdMaker ids("n1", peer::Incarnation{0x123456789abcdef0});
  const std::string first(ids.next());
  const std::string second(ids.next());
  same("the first", first, "\"n1.16xmrqo.1\"");
  same("the second", second, "\"n1.16xmrqo.2\"");
  for (int i = 0; i < 33; ++i) ids.next();
  same("the thirty-sixth", ids.next(), "\"n1.16xmrqo.10\"");
}
END_TEST

SUITE(quotes_for_programs, what_is_quoted_reads_back, shows_what_would_deceive, shows_every_character_right,
      cuts_between_characters, knows_plain_utf8, renders_a_delivery, reads_what_people_type, makes_ids_that_differ)
