#include "tools/crosstalk/text.h"

#include <clocale>
#include <string>
#include <string_view>

#include "tests/unit/for_people.h"
#include "tests/unit/suite.h"
#include "tools/crosstalk/lines.h"
#include "tools/crosstalk/typed.h"

namespace {

using suite::same;

}  // namespace

START_TEST(shows_what_would_deceive) {
  for_people::shows_what_would_deceive(crosstalk::shown);
  same("a tag", crosstalk::shown("\xf3\xa0\x80\x81"), R"(\ue0001)");
}
END_TEST

START_TEST(shows_every_character_right) { for_people::shows_every_character_right(crosstalk::shown); }
END_TEST

START_TEST(quotes_for_programs) { for_people::quotes_for_programs(crosstalk::quoted); }
END_TEST

START_TEST(knows_plain_utf8) { for_people::knows_plain_utf8(crosstalk::is_plain_utf8); }
END_TEST

START_TEST(counts_the_rows_of_what_is_typed) {
  ck_assert(std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr);
  const struct {
    const char* sentence;
    std::string text;
    std::size_t columns;
    std::size_t rows;
  } cases[] = {
      {"nothing", "", 10, 0},
      {"less than a row", "bob> hi", 10, 0},
      {"a row filled to its end goes on in the next", "0123456789", 10, 1},
      {"one more", "0123456789a", 10, 1},
      {"three rows", std::string(25, 'x'), 10, 2},
      {"wide characters", "你好你好", 10, 0},
      {"five of them fill it", "你好你好你", 10, 1},
      {"one that does not fit goes to the next row whole", "012345678你", 10, 1},
      {"… and there the rest has less room", "012345678你12345678", 10, 2},
      {"a control character is shown as two", "123456789\x01", 10, 1},
      {"an accent takes no room", "012345678e\xcc\x81", 10, 1},
  };
  for (const auto& row : cases)
    ck_assert_msg(crosstalk::rows_below(row.text, row.columns) == row.rows, "%s: %zu", row.sentence,
                  crosstalk::rows_below(row.text, row.columns));
}
END_TEST

START_TEST(reads_what_people_type) {
  using What = crosstalk::Typed::What;
  const struct {
    std::string_view line;
    What what;
    std::string_view name;
    std::string_view text;
  } rows[] = {
      {"", What::nothing, "", ""},
      {" \t ", What::nothing, "", ""},
      {"hello bob", What::text, "", "hello bob"},
      {"hello\r\n", What::text, "", "hello"},
      {"  indented", What::text, "", "  indented"},
      {"{\"a\":1}", What::text, "", "{\"a\":1}"},
      {"//etc is a directory", What::text, "", "/etc is a directory"},
      {"/help", What::help, "", ""},
      {" /quit ", What::quit, "", ""},
      {"/who", What::who, "", ""},
      {"/who bob", What::who, "bob", ""},
      {"/msg bob hello you", What::msg, "bob", "hello you"},
      {"/msg\tbob\thello", What::msg, "bob", "hello"},
      {"/msg bob  two blanks ", What::msg, "bob", " two blanks "},
      {"/msg bob /help", What::msg, "bob", "/help"},
      {"/msg bob", What::misused, "", "type /msg NAME TEXT"},
      {"/msg", What::misused, "", "type /msg NAME TEXT"},
      {"/", What::misused, "", "there is no such command; /help names those there are"},
      {"/msgbob hi", What::misused, "", "there is no such command; /help names those there are"},
      {"caf\xe9", What::misused, "", "a line must be UTF-8 without NUL"},
  };
  for (const auto& row : rows) {
    const crosstalk::Typed typed = crosstalk::read_typed(row.line);
    const std::string line(row.line);
    ck_assert_msg(typed.what == row.what, "%s", line.c_str());
    same(line.c_str(), typed.name, row.name);
    same(line.c_str(), typed.text, row.text);
  }
}
END_TEST

START_TEST(finds_lines_however_they_are_cut) {
  const std::string all = "one\ntwo\r\n\nthree";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    crosstalk::Lines lines;
    std::string found;
    for (const std::string& piece : {all.substr(0, cut), all.substr(cut)}) {
      lines.add(piece);
      while (const auto line = lines.next()) found += "[" + *line + "]";
    }
    same("whole lines", found, "[one][two][]");
    same("the rest", lines.rest(), "three");
  }
}
END_TEST

START_TEST(a_line_without_an_end_has_one) {
  crosstalk::Lines lines;
  lines.add(std::string(crosstalk::Lines::bytes_max, 'x'));
  ck_assert(!lines.next() && !lines.overlong());
  lines.add("x");
  ck_assert(!lines.next() && lines.overlong());
}
END_TEST

SUITE(shows_what_would_deceive, shows_every_character_right, quotes_for_programs, knows_plain_utf8,
      counts_the_rows_of_what_is_typed, reads_what_people_type, finds_lines_however_they_are_cut,
      a_line_without_an_end_has_one)
