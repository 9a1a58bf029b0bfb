#include "src/client/lines.h"

#include <string>
#include <string_view>
#include <vector>

#include "src/client/request.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::string_literals;
using client::Lines;
using Found = Lines::Found;
using Ends = Lines::Ends;

constexpr std::size_t limit = 8;

// One read: the bytes with what lies behind them in the read buffer.
void feed(Lines& lines, std::string_view bytes, Ends ends, std::vector<std::string>& found) {
  std::string buffer(bytes);
  buffer.append(client::line_padding, '\n');  // must not be taken for ends of lines
  std::string_view rest = std::string_view(buffer).substr(0, bytes.size());
  for (;;) {
    const Lines::Next next = lines.next(rest, limit, ends);
    switch (next.found) {
      case Found::nothing: ck_assert(rest.empty()); return;
      case Found::line: {
        // All the padding is readable; a sanitizer sees to it.
        unsigned sum = 0;
        for (std::size_t i = 0; i < client::line_padding; ++i)
          sum += static_cast<unsigned char>(next.line.data()[next.line.size() + i]);
        ck_assert_uint_lt(sum, 256 * client::line_padding);
        found.push_back("<" + std::string(next.line) + ">");
        break;
      }
      case Found::too_large: found.push_back("too large"); break;
      case Found::far_too_large: found.push_back("far too large"); break;
    }
  }
}

std::string listed(const std::vector<std::string>& found) {
  std::string all;
  for (const std::string& one : found) all += one + " ";
  return all;
}

struct Row {
  const char* sentence;
  Ends ends;
  std::string bytes;
  std::vector<std::string> expected;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"nothing", Ends::lf, "", {}},
      {"an empty line", Ends::lf, "\n", {"<>"}},
      {"one line", Ends::lf, "abc\n", {"<abc>"}},
      {"a line without its end is no line", Ends::lf, "abc\ndef", {"<abc>"}},
      {"CR LF", Ends::lf, "abc\r\ndef\r\n", {"<abc>", "<def>"}},
      {"both ends mixed, empty lines between", Ends::lf, "a\n\r\n\nb\r\n", {"<a>", "<>", "<>", "<b>"}},
      {"a CR that ends nothing stays", Ends::lf, "a\rb\r\r\n\rc\n", {"<a\rb\r>", "<\rc>"}},
      {"NUL is a byte like others where CR NUL ends no line", Ends::lf, "a\r\0b\0\n"s, {"<a\r\0b\0>"s}},
      {"CR NUL where it does", Ends::lf_or_cr_nul, "a\r\0b\r\nc\nd\r\0"s, {"<a>", "<b>", "<c>", "<d>"}},
      {"NUL without CR ends nothing", Ends::lf_or_cr_nul, "a\0b\r\r\0\0\n"s, {"<a\0b\r>"s, "<\0>"s}},
      {"only CR NUL", Ends::lf_or_cr_nul, "\r\0\r\0"s, {"<>", "<>"}},
      {"a CR that ends nothing, for people", Ends::lf_or_cr_nul, "a\rb\n", {"<a\rb>"}},
      {"exactly the limit", Ends::lf, "12345678\n", {"<12345678>"}},
      {"exactly the limit with CR LF", Ends::lf, "12345678\r\n", {"<12345678>"}},
      {"exactly the limit with CR NUL", Ends::lf_or_cr_nul, "12345678\r\0"s, {"<12345678>"}},
      {"one over the limit", Ends::lf, "123456789\n", {"too large"}},
      {"one over with CR LF", Ends::lf, "123456789\r\n", {"too large"}},
      {"one over, being a CR", Ends::lf, "12345678\r\r\n", {"too large"}},
      {"over the limit, without an end yet", Ends::lf, "123456789", {"too large"}},
      {"the limit and a CR is not over it yet", Ends::lf, "12345678\r", {}},
      {"after one too large the next is read", Ends::lf, "1234567890\nabc\n", {"too large", "<abc>"}},
      {"and so for people", Ends::lf_or_cr_nul, "1234567890\r\0abc\n"s, {"too large", "<abc>"}},
      {"two too large, each told", Ends::lf, "1234567890\n1234567890\n", {"too large", "too large"}},
      {"twice the limit is only too large", Ends::lf, "1234567890123456\r\nabc\n", {"too large", "<abc>"}},
      {"one over twice the limit", Ends::lf, "12345678901234567\nabc\n", {"too large", "far too large"}},
      {"one over twice the limit, being a CR", Ends::lf, "1234567890123456\r\r\nabc\n", {"too large", "far too large"}},
      {"over twice the limit without end",
       Ends::lf,
       std::string(100, 'x') + "\nabc\n" + std::string(100, 'x'),
       {"too large", "far too large"}},
  };
  return all;
}

}  // namespace

START_TEST(finds_lines_in_one_piece) {
  for (const Row& row : rows()) {
    Lines lines;
    std::vector<std::string> found;
    feed(lines, row.bytes, row.ends, found);
    ck_assert_msg(found == row.expected, "%s: %s", row.sentence, listed(found).c_str());
  }
}
END_TEST

START_TEST(finds_them_in_every_two_pieces) {
  for (const Row& row : rows())
    for (std::size_t at = 0; at <= row.bytes.size(); ++at) {
      Lines lines;
      std::vector<std::string> found;
      feed(lines, std::string_view(row.bytes).substr(0, at), row.ends, found);
      feed(lines, std::string_view(row.bytes).substr(at), row.ends, found);
      ck_assert_msg(found == row.expected, "%s, cut at %zu: %s", row.sentence, at, listed(found).c_str());
    }
}
END_TEST

START_TEST(finds_them_in_every_three_pieces) {
  for (const Row& row : rows())
    for (std::size_t a = 0; a <= row.bytes.size(); ++a)
      for (std::size_t b = a; b <= row.bytes.size(); ++b) {
        Lines lines;
        std::vector<std::string> found;
        feed(lines, std::string_view(row.bytes).substr(0, a), row.ends, found);
        feed(lines, std::string_view(row.bytes).substr(a, b - a), row.ends, found);
        feed(lines, std::string_view(row.bytes).substr(b), row.ends, found);
        ck_assert_msg(found == row.expected, "%s, cut at %zu and %zu: %s", row.sentence, a, b, listed(found).c_str());
      }
}
END_TEST

START_TEST(finds_them_byte_by_byte) {
  for (const Row& row : rows()) {
    Lines lines;
    std::vector<std::string> found;
    for (std::size_t i = 0; i < row.bytes.size(); ++i)
      feed(lines, std::string_view(row.bytes).substr(i, 1), row.ends, found);
    ck_assert_msg(found == row.expected, "%s: %s", row.sentence, listed(found).c_str());
  }
}
END_TEST

START_TEST(borrows_a_whole_line) {
  Lines lines;
  const std::string bytes = "abc\ndef\n" + std::string(client::line_padding, ' ');
  std::string_view rest = std::string_view(bytes).substr(0, 8);
  ck_assert(lines.next(rest, limit, Ends::lf).line.data() == bytes.data());
  ck_assert(lines.next(rest, limit, Ends::lf).line.data() == bytes.data() + 4);
  ck_assert(lines.next(rest, limit, Ends::lf).found == Found::nothing);
}
END_TEST

START_TEST(a_long_line_in_small_pieces) {
  constexpr std::size_t size = 1 << 20;
  Lines lines;
  std::string whole;
  const std::string piece = "0123456789abcdef0";
  while (whole.size() < size) whole += piece;
  whole.resize(size);
  for (std::size_t at = 0; at < size; at += piece.size()) {
    std::string_view rest = std::string_view(whole).substr(at, piece.size());
    ck_assert(lines.next(rest, size, Ends::lf).found == Found::nothing);
  }
  std::string_view end = "\n";
  const Lines::Next next = lines.next(end, size, Ends::lf);
  ck_assert(next.found == Found::line && next.line == whole);
}
END_TEST

SUITE(finds_lines_in_one_piece, finds_them_in_every_two_pieces, finds_them_in_every_three_pieces,
      finds_them_byte_by_byte, borrows_a_whole_line, a_long_line_in_small_pieces)
