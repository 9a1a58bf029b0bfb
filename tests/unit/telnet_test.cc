#include "src/client/telnet.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using namespace std::string_literals;
using client::Telnet;

constexpr std::size_t answers_max = 4096;

struct Row {
  const char* sentence;
  std::string bytes;
  std::string data;
  std::string answers;
  bool understood = true;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"plain text", "hello\r\n", "hello\r\n", ""},
      {"a command between letters", "he\xff\xf1llo", "hello", ""},
      {"WILL is answered DONT",
       "a\xff\xfb\x1f"
       "b",
       "ab", "\xff\xfe\x1f"},
      {"DO is answered WONT",
       "a\xff\xfd\x01"
       "b",
       "ab", "\xff\xfc\x01"},
      {"WONT and DONT want no answer",
       "a\xff\xfc\x01\xff\xfe\x03"
       "b",
       "ab", ""},
      {"asked twice, refused twice", "\xff\xfd\x06\xff\xfd\x06", "", "\xff\xfc\x06\xff\xfc\x06"},
      {"option 255",
       "a\xff\xfd\xff"
       "b",
       "ab", "\xff\xfc\xff"},
      {"a subnegotiation is swallowed",
       "a\xff\xfa\x18\x00xterm\xff\xf0"
       "b"s,
       "ab", ""},
      {"one with an escaped IAC in it",
       "a\xff\xfa\x1f\x00\xff\xff\x00\x18\xff\xf0"
       "b"s,
       "ab", ""},
      {"an empty one",
       "a\xff\xfa\x18\xff\xf0"
       "b",
       "ab", ""},
      {"one that ends in another command",
       "a\xff\xfa\x18xy\xff\xfd\x01"
       "b",
       "ab", "\xff\xfc\x01"},
      {"what the terminal type might be",
       "a\xff\xfa\x18\x07zz\xff\xf0"
       "b",
       "ab", ""},
      {"an environment",
       "a\xff\xfa\x27\x00\x00USER\x01me\xff\xf0"
       "b"s,
       "ab", ""},
      {"interrupt and timing mark, as Ctrl-C sends them", "\xff\xf4\xff\xfd\x06/help\r\n", "/help\r\n", "\xff\xfc\x06"},
      {"an escaped 255 is data",
       "a\xff\xff"
       "b",
       "a\xff"
       "b",
       ""},
      {"commands that are none",
       "a\xff\x01\xff\x7f\xff\xef"
       "b",
       "ab", ""},
      {"compression nobody asked for", "a\xff\xfa\x56\xff\xf0\x78\x9c garbage", "a", "", false},
      {"what Debian's telnet says first on port 23",
       "\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x21\xff\xfb\x22\xff\xfb\x27\xff\xfd\x05/login al\r\n",
       "/login al\r\n",
       "\xff\xfc\x03\xff\xfe\x18\xff\xfe\x1f\xff\xfe\x20\xff\xfe\x21\xff\xfe\x22\xff\xfe\x27\xff\xfc\x05"},
  };
  return all;
}

struct Heard {
  std::string data;
  std::string answers;
  bool understood = true;
};

void take(Telnet& telnet, std::string_view bytes, Heard& heard) {
  if (heard.understood) heard.understood = telnet.take(bytes, heard.data, heard.answers, answers_max);
}

void expect(const Row& row, const Heard& heard) {
  ck_assert_msg(heard.data == row.data, "%s: data '%s'", row.sentence, heard.data.c_str());
  ck_assert_msg(heard.answers == row.answers, "%s: %zu bytes of answers", row.sentence, heard.answers.size());
  ck_assert_msg(heard.understood == row.understood, "%s", row.sentence);
}

}  // namespace

START_TEST(understands_each_row) {
  for (const Row& row : rows()) {
    Telnet telnet;
    Heard heard;
    take(telnet, row.bytes, heard);
    expect(row, heard);
  }
}
END_TEST

START_TEST(understands_each_row_in_every_two_pieces) {
  for (const Row& row : rows())
    for (std::size_t at = 0; at <= row.bytes.size(); ++at) {
      Telnet telnet;
      Heard heard;
      take(telnet, std::string_view(row.bytes).substr(0, at), heard);
      take(telnet, std::string_view(row.bytes).substr(at), heard);
      expect(row, heard);
    }
}
END_TEST

START_TEST(understands_each_row_byte_by_byte) {
  for (const Row& row : rows()) {
    Telnet telnet;
    Heard heard;
    for (std::size_t i = 0; i < row.bytes.size(); ++i) take(telnet, std::string_view(row.bytes).substr(i, 1), heard);
    expect(row, heard);
  }
}
END_TEST

START_TEST(bounds_its_answers) {
  Telnet telnet;
  Heard heard;
  std::string flood;
  for (int i = 0; i < 20'000; ++i) flood += {'\xff', i % 2 ? '\xfd' : '\xfb', static_cast<char>(i % 200)};
  take(telnet, flood, heard);
  ck_assert(heard.understood);
  ck_assert_uint_le(heard.answers.size(), answers_max);
  ck_assert_uint_gt(heard.answers.size(), answers_max - 3);
  ck_assert(heard.data.empty());
  // With no room at all nothing is answered, and all goes on.
  std::string none;
  ck_assert(telnet.take("\xff\xfd\x01/quit\r\n", heard.data, none, 0));
  ck_assert(none.empty() && heard.data == "/quit\r\n");
}
END_TEST

START_TEST(bounds_a_subnegotiation) {
  const auto heard_of = [](std::size_t bytes) {
    Telnet telnet;
    Heard heard;
    take(telnet,
         "a\xff\xfa\x18" + std::string(bytes, 'x') +
             "\xff\xf0"
             "b",
         heard);
    return heard;
  };
  const Heard most = heard_of(16384);
  ck_assert(most.understood && most.data == "ab");
  const Heard over = heard_of(16385);
  ck_assert(!over.understood && over.data == "a");
  const Heard endless = heard_of(1'000'000);
  ck_assert(!endless.understood && endless.data == "a");
}
END_TEST

// What bytes in any order do: nothing crashes and no command comes through but
// as escaped data.
START_TEST(survives_any_bytes) {
  std::uint64_t seed = 1;
  const auto next = [&seed] { return (seed = seed * 6364136223846793005U + 1442695040888963407U) >> 33U; };
  const std::string_view often = "\xff\xff\xff\xfa\xf0\xfb\xfc\xfd\xfe\x18\x27\x45\x5d\x01\x02";
  for (int run = 0; run < 2000; ++run) {
    Telnet telnet;
    Heard heard;
    std::string bytes;
    const std::size_t size = next() % 600;
    for (std::size_t i = 0; i < size; ++i)
      bytes += next() % 3 ? often[next() % often.size()] : static_cast<char>(next());
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = 1 + next() % 50;
      take(telnet, std::string_view(bytes).substr(at, n), heard);
      at += n;
    }
    ck_assert_uint_le(heard.data.size(), bytes.size());
    ck_assert_uint_le(heard.answers.size(), answers_max);
  }
}
END_TEST

SUITE(understands_each_row, understands_each_row_in_every_two_pieces, understands_each_row_byte_by_byte,
      bounds_its_answers, bounds_a_subnegotiation, survives_any_bytes)
