// Names, addresses, members, incarnations, UTF-8: what is taken and what not.
#include "peer/ids.h"

#include <string>
#include <string_view>

#include "peer/utf8.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using suite::same;

// The bytes of one code point, surrogates too: what a wrong encoder would write.
std::string utf8(char32_t c) {
  const auto tail = [](char32_t bits) { return static_cast<char>(0x80U | (bits & 0x3fU)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0U | (c >> 6U)), tail(c)};
  if (c < 0x10000) return {static_cast<char>(0xe0U | (c >> 12U)), tail(c >> 6U), tail(c)};
  return {static_cast<char>(0xf0U | (c >> 18U)), tail(c >> 12U), tail(c >> 6U), tail(c)};
}

struct NameRow {
  const char* sentence;
  std::string name;
  bool valid;
};

START_TEST(node_names) {
  const NameRow rows[] = {
      {"an empty name is none", "", false},
      {"one byte is enough", "a", true},
      {"every kind of byte that is allowed", "AZaz09._-", true},
      {"64 bytes are allowed", std::string(64, 'n'), true},
      {"65 are not", std::string(65, 'n'), false},
      {"no space", "a b", false},
      {"no @, it ends the name in a member", "a@b", false},
      {"no colon", "a:b", false},
      {"no slash", "a/b", false},
      {"no NUL", "a\0b"s, false},
      {"no line end", "a\n", false},
      {"nothing but ASCII", "n\xc3\xa9", false},
      {"no byte over 127", "n\xff", false},
  };
  for (const NameRow& row : rows) ck_assert_msg(peer::valid_node_name(row.name) == row.valid, "%s", row.sentence);
}
END_TEST

START_TEST(user_names) {
  const NameRow rows[] = {
      {"an empty name is none", "", false},
      {"a plain one", "alice", true},
      {"punctuation is fine", "a@b:c/d\"'\\{}", true},
      {"Chinese", "张三", true},
      {"an emoji of four bytes", "\xf0\x9f\x98\x80", true},
      {"no normalisation: a combining accent stands", "e\xcc\x81", true},
      {"64 bytes are allowed", std::string(64, 'x'), true},
      {"65 are not", std::string(65, 'x'), false},
      {"bytes count, not characters: 21 of three and one",
       std::string(1, 'x') +
           [] {
             std::string s;
             for (int i = 0; i < 21; ++i) s += "\xe5\xbc\xa0";
             return s;
           }(),
       true},
      {"22 of three are 66 bytes",
       [] {
         std::string s;
         for (int i = 0; i < 22; ++i) s += "\xe5\xbc\xa0";
         return s;
       }(),
       false},
      {"a lone continuation byte", "a\x80", false},
      {"a sequence cut short at the end", "a\xe5\xbc", false},
      {"an overlong slash", "\xc0\xaf", false},
      {"a surrogate", "\xed\xa0\x80", false},
      {"Latin-1", "andr\xe9", false},
      {"a NUL inside", "a\0b"s, false},
  };
  for (const NameRow& row : rows) ck_assert_msg(peer::valid_user_name(row.name) == row.valid, "%s", row.sentence);
}
END_TEST

// PROTOCOL.md §1: no Unicode white space, C0, C1, DEL, U+200B–200F, 202A–202E,
// 2066–2069, FEFF. Every edge, with its neighbours outside.
START_TEST(user_names_forbid_these_and_only_these) {
  const struct {
    const char* sentence;
    char32_t first, last;
    bool before, after;  // are the neighbours allowed?
  } rows[] = {
      {"C0 and the space", 0x00, 0x20, true, true},
      {"DEL, C1 and the no-break space", 0x7f, 0xa0, true, true},
      {"the Ogham space mark", 0x1680, 0x1680, true, true},
      {"the spaces, zero-width characters and direction marks", 0x2000, 0x200f, true, true},
      {"line and paragraph separator, embeddings and overrides, narrow no-break space", 0x2028, 0x202f, true, true},
      {"the medium mathematical space", 0x205f, 0x205f, true, true},
      {"the isolates", 0x2066, 0x2069, true, true},
      {"the ideographic space", 0x3000, 0x3000, true, true},
      {"the byte order mark", 0xfeff, 0xfeff, true, true},
  };
  const auto allowed = [](char32_t c) { return peer::valid_user_name("a" + utf8(c) + "b"); };
  for (const auto& row : rows) {
    for (char32_t c = row.first; c <= row.last; ++c)
      ck_assert_msg(!allowed(c), "%s: U+%04X is allowed", row.sentence, static_cast<unsigned>(c));
    if (row.first > 0) ck_assert_msg(allowed(row.first - 1) == row.before, "%s: the one before", row.sentence);
    ck_assert_msg(allowed(row.last + 1) == row.after, "%s: the one after", row.sentence);
  }
  // Nothing else: all others of Unicode, but the surrogates, are allowed.
  int forbidden = 0;
  for (char32_t c = 0; c <= 0x10ffff; ++c) forbidden += !allowed(c);
  ck_assert_int_eq(forbidden, 33 + 34 + 1 + 16 + 8 + 1 + 4 + 1 + 1 + 0x800);
}
END_TEST

START_TEST(utf8_round_trip) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    const std::string bytes = utf8(c);
    const peer::Utf8 next = peer::next_utf8(bytes + "x");
    const bool surrogate = c >= 0xd800 && c <= 0xdfff;
    bool good = surrogate ? next.length == 0 : next.length == bytes.size() && next.code_point == c;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut)
      good = good && peer::next_utf8(std::string_view(bytes).substr(0, cut)).length == 0;
    if (!good) ck_abort_msg("U+%04X", static_cast<unsigned>(c));  // a ck_assert a time would take seconds
  }
}
END_TEST

START_TEST(utf8_refuses) {
  const struct {
    const char* sentence;
    std::string_view bytes;
  } rows[] = {
      {"a continuation byte first", "\x80"sv},
      {"the last continuation byte first", "\xbf"sv},
      {"an overlong NUL of two bytes", "\xc0\x80"sv},
      {"C1 begins only overlong forms", "\xc1\xbf"sv},
      {"an overlong form of three bytes", "\xe0\x9f\xbf"sv},
      {"an overlong form of four bytes", "\xf0\x8f\xbf\xbf"sv},
      {"over U+10FFFF", "\xf4\x90\x80\x80"sv},
      {"F5 begins nothing", "\xf5\x80\x80\x80"sv},
      {"FE", "\xfe\x80\x80\x80"sv},
      {"FF", "\xff"sv},
      {"an ASCII byte where a continuation should be", "\xc3("sv},
      {"the third byte is none", "\xe2\x82("sv},
      {"the fourth byte is none", "\xf0\x9f\x98("sv},
      {"a lead where a continuation should be", "\xe2\xe2\x82"sv},
  };
  for (const auto& row : rows) ck_assert_msg(peer::next_utf8(row.bytes).length == 0, "%s", row.sentence);
}
END_TEST

START_TEST(incarnations) {
  same(to_string(peer::Incarnation{0x0123456789abcdefU}), "0123456789abcdef");
  same(to_string(peer::Incarnation::none), "0000000000000000");
  same(to_string(peer::Incarnation{~0ULL}), "ffffffffffffffff");
  ck_assert(*peer::parse_incarnation("00000000deadbeef") == peer::Incarnation{0xdeadbeefU});
  ck_assert(*peer::parse_incarnation("00000000DEADBEEF") == peer::Incarnation{0xdeadbeefU});
  for (const std::string_view bad : {"", "0", "0123456789abcde", "0123456789abcdef0", "0x23456789abcdef",
                                     "-123456789abcdef", "+123456789abcdef", " 123456789abcdef", "0123456789abcdeg"})
    ck_assert_msg(!peer::parse_incarnation(bad), "%s", std::string(bad).c_str());
}
END_TEST

START_TEST(addresses) {
  const struct {
    const char* sentence;
    std::string text;
    std::string host;  // empty: refused
    int port;
  } rows[] = {
      {"IPv4", "127.0.0.1:9601", "127.0.0.1", 9601},
      {"a name", "node-1.example_x.org:1", "node-1.example_x.org", 1},
      {"IPv6 in brackets", "[::1]:9601", "::1", 9601},
      {"IPv6 with a zone", "[fe80::1%25]:9601", "fe80::1%25", 9601},
      {"IPv4 in IPv6", "[::ffff:10.0.0.1]:5", "::ffff:10.0.0.1", 5},
      {"port 0", "localhost:0", "localhost", 0},
      {"the greatest port", "localhost:65535", "localhost", 65535},
      {"a host of 253 bytes", std::string(253, 'h') + ":1", std::string(253, 'h'), 1},
      {"a longer one", std::string(254, 'h') + ":1", "", 0},
      {"nothing", "", "", 0},
      {"no port", "localhost", "", 0},
      {"an empty port", "localhost:", "", 0},
      {"an empty host", ":9601", "", 0},
      {"empty brackets", "[]:9601", "", 0},
      {"brackets around no IPv6", "[127.0.0.1]:9601", "", 0},
      {"IPv6 without brackets", "::1:9601", "", 0},
      {"a bracket that is not closed", "[::1:9601", "", 0},
      {"brackets with letters of no hexadecimal digit", "[::g]:1", "", 0},
      {"a port too great", "localhost:65536", "", 0},
      {"a port far too great", "localhost:99999999999999999999", "", 0},
      {"a negative port", "localhost:-1", "", 0},
      {"a port with a sign", "localhost:+1", "", 0},
      {"a port with a space", "localhost: 1", "", 0},
      {"something behind the port", "localhost:1x", "", 0},
      {"a space in the host", "a b:1", "", 0},
      {"a URL", "tcp://localhost:1", "", 0},
  };
  for (const auto& row : rows) {
    const auto address = peer::parse_address(row.text);
    ck_assert_msg(static_cast<bool>(address) == !row.host.empty(), "%s", row.sentence);
    if (!address) continue;
    ck_assert_msg(address->host == row.host && address->port == row.port, "%s", row.sentence);
    ck_assert_msg(to_string(*address) == row.text, "%s: back to text", row.sentence);
  }
  same(peer::parse_address("x").why(), "expected HOST:PORT, for example 127.0.0.1:9601 or [::1]:9601, found \"x\"");
  same(peer::parse_address("x:y").why(), "expected a port from 0 to 65535 after the last colon, found \"y\"");
}
END_TEST

START_TEST(kinds_of_addresses) {
  const struct {
    const char* host;
    bool wildcard, loopback;
  } rows[] = {
      {"0.0.0.0", true, false},
      {"::", true, false},
      {"0", true, false},
      {"0:0:0:0:0:0:0:0", true, false},
      {"::0.0.0.0", true, false},
      {"127.0.0.1", false, true},
      {"127.255.0.9", false, true},
      {"::1", false, true},
      {"localhost", false, true},
      {"10.0.0.1", false, false},
      {"100.0.0.0", false, false},
      {"::2", false, false},
      {"127.evil.org", false, false},
      {"localhost.org", false, false},
      {"128.0.0.1", false, false},
  };
  for (const auto& row : rows) {
    ck_assert_msg(peer::is_wildcard({row.host, 1}) == row.wildcard, "%s", row.host);
    ck_assert_msg(peer::is_loopback({row.host, 1}) == row.loopback, "%s", row.host);
  }
}
END_TEST

START_TEST(members) {
  const auto member = peer::parse_member("n1@[::1]:9601");
  ck_assert(member && member->name == "n1" && member->address == (peer::Address{"::1", 9601}));
  same(to_string(*member), "n1@[::1]:9601");
  for (const std::string_view bad :
       {"", "n1", "@h:1", "n1@", "n1@h", "n 1@h:1", "n1@@h:1", "n1@h:1@h:1", "n1@h:70000", "n\n1@h:1"})
    ck_assert_msg(!peer::parse_member(bad), "%s", std::string(bad).c_str());
  same(peer::parse_member("h:1").why(),
       "expected NAME@HOST:PORT with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -, found \"h:1\"");
}
END_TEST

}  // namespace

SUITE(node_names, user_names, user_names_forbid_these_and_only_these, utf8_round_trip, utf8_refuses, incarnations,
      addresses, kinds_of_addresses, members)
