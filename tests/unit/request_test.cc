#include "src/client/request.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using client::Code;
using client::Request;
using client::RequestParser;
using client::Token;
using client::Verb;
using suite::same;

// A line as it lies in the read buffer: more bytes follow at once, and they are
// not ours to understand.
class Lying {
 public:
  Lying(std::string_view line, char next) : bytes_(line) {
    size_ = line.size();
    bytes_.append(client::line_padding, next);
  }
  std::string_view line() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  std::string bytes_;
  std::size_t size_ = 0;
};

// The code of a refusal, "" where the line is obeyed; the same whatever follows
// the line in memory.
std::string code_of(std::string_view line) {
  std::string code;
  for (const char next : "}\n\"],\0x"sv) {
    RequestParser parser;
    const Lying lying(line, next);
    const Request& request = parser.parse(lying.line());
    const std::string now(request.refusal ? to_string(request.refusal->code) : "");
    if (next != '}') ck_assert_msg(now == code, "what follows the line changes its meaning: %.60s", line.data());
    code = now;
  }
  return code;
}

std::string why_of(std::string_view line) {
  RequestParser parser;
  const Request& request = parser.parse_copy(line);
  return std::string(request.refusal ? request.refusal->why : "");
}

std::string nested(int depth) {
  // The outer object is 1, so `depth - 1` arrays stand in it.
  const auto arrays = static_cast<std::size_t>(depth - 1);
  return R"({"cmd":"ping","x":)" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
}

std::string nested_objects(int depth) {
  std::string line = R"({"cmd":"ping","x":)";
  for (int i = 2; i < depth; ++i) line += R"({"x":)";
  line += "{}";
  for (int i = 2; i < depth; ++i) line += '}';
  return line + "}";
}

std::string with_content(std::string_view content) {
  return R"({"cmd":"chat","recv":"bob","content":)" + std::string(content) + "}";
}

std::string ping_with(std::string_view fields) { return R"({"cmd":"ping",)" + std::string(fields) + "}"; }

struct Row {
  const char* sentence;
  std::string line;
};

void expect_code(const std::vector<Row>& rows, std::string_view code) {
  for (const Row& row : rows) {
    const std::string found = code_of(row.line);
    ck_assert_msg(found == code, "%s: expected '%s', found '%s'", row.sentence, code.data(), found.c_str());
  }
}

}  // namespace

START_TEST(refuses_what_is_no_json_object) {
  expect_code(
      {
          {"nothing", ""},
          {"only white space", "   \t\r"},
          {"an array", "[]"},
          {"a string", "\"cmd\""},
          {"a number", "1"},
          {"true", "true"},
          {"null", "null"},
          {"a word", "hello"},
          {"a byte order mark before the object", "\xef\xbb\xbf{\"cmd\":\"ping\"}"},
          {"an object that is not closed", R"({"cmd":"ping")"},
          {"an object that is closed twice", R"({"cmd":"ping"}})"},
          {"two objects", R"({"cmd":"ping"}{"cmd":"ping"})"},
          {"an object and a word", R"({"cmd":"ping"} x)"},
          {"an object and a brace", R"({"cmd":"ping"} })"},
          {"only an opening brace", "{"},
          {"only a closing brace", "}"},
          {"braces the wrong way", "}{"},
          {"a brace and a string", "{\"}"},
          {"a comma in an empty object", "{,}"},
          {"a comma at the end", R"({"cmd":"ping",})"},
          {"two commas", R"({"cmd":"ping",,"x":1})"},
          {"no comma", R"({"cmd":"ping" "x":1})"},
          {"no colon", R"({"cmd" "ping"})"},
          {"two colons", R"({"cmd"::"ping"})"},
          {"a colon after the value", R"({"cmd":"ping":1})"},
          {"a colon after a nested value", R"({"cmd":"ping","x":["a":1]})"},
          {"a colon after a nested string value", R"({"cmd":"ping","x":{"a":"b":1}})"},
          {"no value", R"({"cmd":})"},
          {"no key", R"({:"ping"})"},
          {"a key without quotes", "{cmd:\"ping\"}"},
          {"a key in single quotes", "{'cmd':'ping'}"},
          {"a number as a key", R"({"cmd":"ping",1:2})"},
          {"a comment", R"({"cmd":"ping"/**/})"},
          {"a comment at the end", R"({"cmd":"ping"}//)"},
          {"a string that is not closed", R"({"cmd":"ping})"},
          {"a string closed by an escaped quote", R"({"cmd":"ping\"})"},
          {"a form feed as white space", "{\"cmd\":\f\"ping\"}"},
          {"a no-break space as white space", "{\"cmd\":\xc2\xa0\"ping\"}"},
      },
      "bad_json");
}
END_TEST

START_TEST(refuses_bad_values_that_nobody_asked_for) {
  const std::vector<std::string> values = {
      "01",
      "-01",
      "-",
      "+1",
      ".1",
      "1.",
      "1.e1",
      "1e",
      "1e+",
      "0x1",
      "1 2",
      "--1",
      "1-1",
      "1a",
      "1.2.3",
      "NaN",
      "Infinity",
      "-Infinity",
      "nan",
      "True",
      "tru",
      "truee",
      "fals",
      "nul",
      "nulll",
      "nil",
      "[1,]",
      "[,1]",
      "[1 2]",
      "[1,,2]",
      "[",
      "]",
      "[}",
      "[1}",
      "{]",
      "[[]",
      "[]]",
      "{\"a\":}",
      "{\"a\"}",
      "{\"a\":1,}",
      "{a:1}",
      "[1:2]",
      "{\"a\":1 \"b\":2}",
      "[\"a\" \"b\"]",
      "\"a\" \"b\"",
      "\"a\"1",
      "1\"a\"",
      "[1]x",
      "\"\\x\"",
      "\"\\u12\"",
      "\"\\u12g4\"",
      "\"\\\"",
      "\"\\ud800\\\"",
      "\"\\uD83D\\n\"",
      "'a'",
      "undefined",
      "\\",
      "{1}",
  };
  for (const std::string& value : values) {
    const std::string places[] = {with_content(value), ping_with("\"x\":" + value), ping_with("\"x\":[" + value + "]"),
                                  ping_with("\"x\":{\"y\":[0," + value + "]}"),
                                  "{\"x\":" + value + ",\"cmd\":\"ping\"}"};
    for (const std::string& line : places) {
      const std::string found = code_of(line);
      // "1 2" in an array and the like are bad in one place as in another.
      ck_assert_msg(found == "bad_json", "%s: found '%s'", line.c_str(), found.c_str());
    }
  }
}
END_TEST

START_TEST(passes_every_value_on_as_written) {
  const std::string values[] = {
      "0",
      "-0",
      "1",
      "-1",
      "123456789012345678901234567890",
      "1e400",
      "-1E-400",
      "0.1e+10",
      "1.5",
      "0e1",
      "true",
      "false",
      "null",
      "\"\"",
      "\"a\"",
      "\"\\u0061\"",
      "\"\\n\\t\\\\\\/\\\"\\b\\f\\r\"",
      "\"é\"",
      "\"\xf4\x8f\xbf\xbf\"",
      "\"\\uD83D\\uDE00\"",
      "\"\\ud83d\\ude00\"",
      "\"\\uFFFF\"",
      "\"\x7f\"",
      "[]",
      "{}",
      "[ ]",
      "{ }",
      "[1, 2]",
      "[[],{}]",
      "[\"a\",\"b\"]",
      "{\"a\": {\"b\" :[true , null]}}",
      "[\"]\"]",
      "{\"}\":\"{\"}",
      "[\"a\\\"]\"]",
      "[\t1\r]",
      "{\"cmd\":1,\"id\":{\"id\":2}}",  // keys of ours mean nothing further in
  };
  for (const std::string& value : values) {
    const std::string lines[] = {with_content(value), with_content(" \t" + value + "\r "),
                                 "{\"content\":" + value + ",\"recv\":\"bob\",\"cmd\":\"chat\"}"};
    for (const std::string& line : lines) {
      RequestParser parser;
      const Lying lying(line, '}');
      const Request& request = parser.parse(lying.line());
      ck_assert_msg(!request.refusal, "%s: %s", line.c_str(),
                    std::string(request.refusal ? request.refusal->why : "").c_str());
      ck_assert_msg(request.content.raw == value, "%s: found %s", line.c_str(),
                    std::string(request.content.raw).c_str());
      ck_assert(request.content.raw.data() >= lying.line().data());
      ck_assert(request.content.raw.data() < lying.line().data() + line.size());
    }
  }
}
END_TEST

START_TEST(refuses_bytes_that_are_no_utf8) {
  const std::string_view bad[] = {
      "\x80",         "\xc3",         "\xc0\xaf",         "\xc1\xbf",         "\xe0\x80\xaf",
      "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xff",         "\xfe",         "\xe2\x82",         "a\xe2\x82z"};
  for (const std::string_view bytes : bad) {
    const std::string text(bytes);
    expect_code({{"in a string", with_content("\"" + text + "\"")},
                 {"in a key", ping_with("\"" + text + "\":1")},
                 {"in a nested key", ping_with("\"x\":{\"" + text + "\":1}")},
                 {"between tokens", "{\"cmd\":" + text + "\"ping\"}"},
                 {"after the object", "{\"cmd\":\"ping\"}" + text}},
                "bad_json");
  }
}
END_TEST

START_TEST(refuses_nul_and_control_characters) {
  expect_code(
      {
          {"a raw NUL in a string", with_content("\"a\0b\""s)},
          {"a raw NUL in a key", ping_with("\"a\0b\":1"s)},
          {"a raw NUL between tokens", "{\"cmd\":\0\"ping\"}"s},
          {"a raw NUL before the object", "\0{\"cmd\":\"ping\"}"s},
          {"a raw NUL after the object", "{\"cmd\":\"ping\"}\0"s},
          {"an escaped NUL in the content", with_content(R"("a\u0000b")")},
          {"an escaped NUL in a nested content", with_content(R"([{"x":["\u0000"]}])")},
          {"an escaped NUL in a key", ping_with(R"("a\u0000":1)")},
          {"an escaped NUL in a nested key", ping_with(R"("x":{"a\u0000":1})")},
          {"an escaped NUL in recv", R"({"cmd":"chat","recv":"b\u0000","content":1})"},
          {"an escaped NUL in cmd", R"({"cmd":"ping\u0000"})"},
          {"a raw tab in a string", with_content("\"a\tb\"")},
          {"a raw CR in a string", with_content("\"a\rb\"")},
          {"a raw escape byte in a string", with_content("\"a\x1b[1m\"")},
          {"a raw control byte in a key", ping_with("\"a\x01\":1")},
      },
      "bad_json");
}
END_TEST

START_TEST(refuses_lone_surrogates_everywhere) {
  const std::string_view bad[] = {R"(\ud800)",       R"(\uDBFF)",       R"(\udc00)",        R"(\uDFFF)",
                                  R"(\ud800\ud800)", R"(\udc00\ud800)", R"(\ud800a)",       R"(\ud800\n)",
                                  R"(a\udc00b)",     R"(\ud83d\u0041)", R"(\ud83d\\ude00)", R"(\ud83d\ude00\ude00)"};
  for (const std::string_view escape : bad) {
    const std::string text(escape);
    expect_code({{"in the content", with_content("\"" + text + "\"")},
                 {"in a nested content", with_content("{\"x\":[\"" + text + "\"]}")},
                 {"in a key", ping_with("\"" + text + "\":1")},
                 {"in a nested key", ping_with("\"x\":[{\"" + text + "\":1}]")},
                 {"in a field nobody asked for", ping_with("\"x\":\"" + text + "\"")},
                 {"in recv", "{\"cmd\":\"chat\",\"recv\":\"" + text + "\",\"content\":1}"}},
                "bad_json");
  }
}
END_TEST

START_TEST(refuses_a_key_given_twice) {
  std::string many = "{\"cmd\":\"ping\",\"x\":{";
  for (int i = 0; i < 3000; ++i) many += "\"k" + std::to_string(i) + "\":{\"k0\":0},";
  const std::string differ = many + "\"k3000\":0}}";
  const std::string twice = many + "\"k1234\":0}}";
  expect_code(
      {
          {"cmd", R"({"cmd":"ping","cmd":"ping"})"},
          {"cmd, once escaped", R"({"cmd":"ping","\u0063md":"ping"})"},
          {"a known key that ping ignores", R"({"cmd":"ping","recv":"a","recv":"b"})"},
          {"an unknown key", R"({"cmd":"ping","x":1,"y":2,"x":3})"},
          {"an unknown key, once escaped", R"({"x":1,"cmd":"ping","\u0078":3})"},
          {"the empty key", R"({"cmd":"ping","":1,"":2})"},
          {"in a nested object", R"({"cmd":"ping","x":{"a":1,"a":1}})"},
          {"in an object in an array", R"({"cmd":"ping","x":[0,{"a":1,"b":[],"a":1}]})"},
          {"in the content", with_content(R"({"a":{"b":1,"c":{},"b":2}})")},
          {"around a nested object", R"({"cmd":"ping","x":{"a":{"b":1},"a":1}})"},
          {"among thousands", twice},
      },
      "bad_json");
  expect_code(
      {
          {"the same key at different depths", R"({"cmd":"ping","a":{"a":{"a":1}}})"},
          {"the same key in neighbours", R"({"cmd":"ping","x":[{"a":1},{"a":1}]})"},
          {"a key of ours further in", R"({"cmd":"ping","x":{"cmd":1}})"},
          {"keys that differ in case", R"({"cmd":"ping","x":1,"X":1})"},
          {"keys of which one begins the other", R"({"cmd":"ping","x":1,"xx":1})"},
          {"thousands of different keys", differ},
      },
      "");
}
END_TEST

START_TEST(bounds_the_nesting) {
  expect_code({{"31 arrays in the object", nested(32)}, {"32 objects", nested_objects(32)}}, "");
  expect_code({{"32 arrays in the object", nested(33)},
               {"33 objects", nested_objects(33)},
               {"10,000 arrays", nested(10'000)},
               {"10,000 arrays, never closed", "{\"x\":" + std::string(10'000, '[')},
               {"10,000 objects, never closed",
                [] {
                  std::string line;
                  for (int i = 0; i < 10'000; ++i) line += "{\"x\":";
                  return line;
                }()}},
              "bad_json");
  same(why_of(nested(33)), "nested more than 32 deep");
}
END_TEST

START_TEST(says_what_a_bad_request_lacks) {
  const struct {
    std::string line;
    const char* why;
  } rows[] = {
      {"{}", "cmd must be a string, the name of a command"},
      {R"({"cmd":1})", "cmd must be a string, the name of a command"},
      {R"({"cmd":null})", "cmd must be a string, the name of a command"},
      {R"({"cmd":["ping"]})", "cmd must be a string, the name of a command"},
      {R"({"cmd":"login"})", "name must be a string, the name to be known by"},
      {R"({"cmd":"login","name":1})", "name must be a string, the name to be known by"},
      {R"({"cmd":"login","name":"a","format":"xml"})", "format must be json or text"},
      {R"({"cmd":"login","name":"a","format":null})", "format must be json or text"},
      {R"({"cmd":"login","name":"a","token":5})", "token must be a string"},
      {R"({"cmd":"login","name":"a","ack":1})", "ack must be true or false"},
      {R"({"cmd":"login","name":"a","ack":"true"})", "ack must be true or false"},
      {R"({"cmd":"login","name":"a","ack":null})", "ack must be true or false"},
      {R"({"cmd":"login","name":"a","ack":true,"format":"text"})",
       "a line of text shows no seq: ack needs the format json"},
      {R"({"cmd":"ack"})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":"1"})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":true})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":null})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":[1]})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":-1})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":0})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":-0})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":1.0})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":1e2})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"ack","seq":18446744073709551616})", "seq must be a whole number, that of a delivery"},
      {R"({"cmd":"chat","content":1})", "recv must be a string, the name of the recipient"},
      {R"({"cmd":"chat","room":"lobby","content":1})", "recv must be a string, the name of the recipient"},
      {R"({"cmd":"chat","recv":{},"content":1})", "recv must be a string, the name of the recipient"},
      {R"({"cmd":"chat","recv":"b"})", "content is missing: any JSON value"},
      {R"({"cmd":"chat","recv":"b","content":1,"send":1})", "send must be a string, your own name"},
      {R"({"cmd":"chat","recv":"b","content":1,"send":null})", "send must be a string, your own name"},
      {R"({"cmd":"chat","recv":"b","content":1,"retry":"true"})", "retry must be true or false"},
      {R"({"cmd":"chat","recv":"b","content":1,"id":1})", "id must be a string of 1 to 128 bytes"},
      {R"({"cmd":"chat","recv":"b","content":1,"id":""})", "id must be a string of 1 to 128 bytes"},
      {R"({"cmd":"chat","recv":"b","content":1,"id":null})", "id must be a string of 1 to 128 bytes"},
      {R"({"cmd":"chat","recv":"b","content":1,"id":")" + std::string(129, 'i') + "\"}",
       "id must be a string of 1 to 128 bytes"},
      {R"({"cmd":"ping","id":7})", "id must be a string of 1 to 128 bytes"},
      {R"({"cmd":"who","room":"lobby"})", "rooms are not available"},
      {R"({"cmd":"who","limit":0})", "limit must be a whole number from 1 to 1000"},
      {R"({"cmd":"who","limit":1001})", "limit must be a whole number from 1 to 1000"},
      {R"({"cmd":"who","limit":-1})", "limit must be a whole number from 1 to 1000"},
      {R"({"cmd":"who","limit":1.0})", "limit must be a whole number from 1 to 1000"},
      {R"({"cmd":"who","limit":"7"})", "limit must be a whole number from 1 to 1000"},
      {R"({"cmd":"who","limit":99999999999999999999})", "limit must be a whole number from 1 to 1000"},
      {R"({"cmd":"who","after":7})", "after must be a string of at most 64 bytes, a name"},
      {R"({"cmd":"who","after":")" + std::string(65, 'x') + "\"}",
       "after must be a string of at most 64 bytes, a name"},
      {R"({"cmd":"presence"})", "users must be an array of names"},
      {R"({"cmd":"presence","users":"bob"})", "users must be an array of names"},
      {R"({"cmd":"presence","users":{}})", "users must be an array of names"},
      {R"({"cmd":"presence","users":["bob",1]})", "users must be an array of names"},
      {R"({"cmd":"presence","users":[["bob"]]})", "users must be an array of names"},
      {R"({"cmd":"presence","users":[],"watch":1})", "watch must be true or false"},
      {R"({"cmd":"presence","users":[],"watch":true})", "watching is not available"},
  };
  for (const auto& row : rows) {
    same(code_of(row.line), "bad_request");
    same(why_of(row.line), row.why);
  }
}
END_TEST

START_TEST(names_an_unknown_command) {
  const struct {
    std::string line;
    const char* why;
  } rows[] = {
      {R"({"cmd":"join","room":"x"})", "there is no command join"},
      {R"({"cmd":"forward"})", "there is no command forward"},
      {R"({"cmd":"Ping"})", "there is no command Ping"},
      {R"({"cmd":""})", "there is no command "},
      {R"({"cmd":"\u001b[2Jx"})", "there is no command \\x1b[2Jx"},
      {R"({"cmd":")" + std::string(63, 'c') + "\xc3\xa9\"}",
       "there is no command ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"},
  };
  for (const auto& row : rows) {
    same(code_of(row.line), "unknown_cmd");
    same(why_of(row.line), row.why);
  }
}
END_TEST

START_TEST(reads_a_chat) {
  RequestParser parser;
  const Request& request = parser.parse_copy(
      R"( { "cmd" : "chat" , "recv" : "b\u006fb" , "content" : "hi \"you\"" , "id" : "\u0069d" , "send":"al","retry":true, "x":[1] } )");
  ck_assert(!request.refusal);
  ck_assert(request.verb == Verb::chat);
  ck_assert(request.recv.text == "bob");
  ck_assert(request.recv.raw == R"("b\u006fb")");
  ck_assert(request.content.kind == Token::Kind::string);
  ck_assert(request.content.raw == R"("hi \"you\"")");
  ck_assert(request.content.text == "hi \"you\"");
  ck_assert(request.id.text == "id");
  ck_assert(request.id.raw == R"("\u0069d")");
  ck_assert(request.send.text == "al");
  ck_assert(request.retry.raw == "true");
}
END_TEST

START_TEST(reads_the_other_commands) {
  RequestParser parser;
  const Request& request =
      parser.parse_copy(R"({"name":"\u00e9","cmd":"login","format":"text","token":"t","x":{"a":1},"ack":false})");
  ck_assert(!request.refusal);
  ck_assert(request.verb == Verb::login);
  ck_assert(request.name.text == "é");
  ck_assert(request.format.text == "text");

  parser.parse_copy(R"({"cmd":"login","name":"a"})");
  ck_assert(!request.refusal && !request.format && !request.ack);

  parser.parse_copy(R"({"cmd":"login","name":"a","ack":true,"format":"json"})");
  ck_assert(!request.refusal && request.ack.raw == "true");

  parser.parse_copy(R"({"cmd":"ack","seq":1})");
  ck_assert(!request.refusal && request.verb == Verb::ack && request.number == 1);

  parser.parse_copy(R"({ "seq" : 18446744073709551615 , "cmd":"ack"})");
  ck_assert(!request.refusal && request.verb == Verb::ack && request.number == ~std::uint64_t{0});

  parser.parse_copy(R"({"cmd":"ping","seq":-1,"ack":7})");
  ck_assert_msg(!request.refusal, "fields that the command does not ask for");

  parser.parse_copy(R"({"cmd":"who"})");
  ck_assert(!request.refusal && request.verb == Verb::who && request.number == 100 && !request.after);
  parser.parse_copy(R"({"cmd":"who","limit":1000,"after":""})");
  ck_assert(!request.refusal && request.number == 1000 && request.after && request.after.text.empty());

  parser.parse_copy(R"({"cmd":"presence","users":["bob","b\u006fb",""],"watch":false})");
  ck_assert(!request.refusal && request.verb == Verb::presence);
  ck_assert_uint_eq(request.names.size(), 3);
  ck_assert(request.names[0] == "bob" && request.names[1] == "bob" && request.names[2].empty());

  parser.parse_copy(R"({"cmd":"presence","users":[]})");
  ck_assert(!request.refusal && request.names.empty());

  parser.parse_copy(R"({"cmd":"\u0070ing","id":"7"})");
  ck_assert(!request.refusal && request.verb == Verb::ping && request.id.raw == "\"7\"");

  parser.parse_copy(R"({"cmd":"logout","id":7,"users":[1,2],"format":3})");
  ck_assert(!request.refusal && request.verb == Verb::logout && !request.id);
}
END_TEST

START_TEST(bounds_a_presence_request) {
  std::string names;
  for (int i = 0; i < 1024; ++i) names += (i == 0 ? "\"n" : ",\"n") + std::to_string(i) + "\"";
  expect_code({{"1024 names", R"({"cmd":"presence","users":[)" + names + "]}"}}, "");
  expect_code({{"1025 names", R"({"cmd":"presence","users":[)" + names + ",\"x\"]}"}}, "bad_request");
}
END_TEST

START_TEST(an_id_may_have_128_bytes) {
  RequestParser parser;
  const std::string id(128, 'i');
  const Request& request = parser.parse_copy(R"({"cmd":"ping","id":")" + id + "\"}");
  ck_assert(!request.refusal && request.id.text == id);

  std::string escaped;  // what counts is the id, not its spelling
  for (int i = 0; i < 128; ++i) escaped += "\\u0069";
  parser.parse_copy(R"({"cmd":"ping","id":")" + escaped + "\"}");
  ck_assert(!request.refusal && request.id.text == id);
}
END_TEST

START_TEST(a_refusal_names_command_and_id_where_known) {
  RequestParser parser;
  const Request& request = parser.parse_copy(R"({"cmd":"chat","id":"7","content":1})");
  ck_assert(request.refusal && request.cmd.text == "chat" && request.id.raw == "\"7\"");
  parser.parse_copy(R"({"id":"7"})");
  ck_assert(request.refusal && !request.cmd && request.id.raw == "\"7\"");
  parser.parse_copy(R"({"cmd":8,"id":7})");
  ck_assert(request.refusal && !request.cmd && !request.id);
  parser.parse_copy(R"({"cmd":"frobnicate","id":"7"})");
  ck_assert(request.refusal && request.cmd.text == "frobnicate" && request.id.raw == "\"7\"");
  parser.parse_copy(R"({"cmd":"chat","id":"7","content":1)");
  ck_assert(request.refusal && !request.cmd && !request.id);
}
END_TEST

START_TEST(nothing_of_one_line_is_left_in_the_next) {
  RequestParser parser;
  const Request& request =
      parser.parse_copy(R"({"cmd":"chat","recv":"bob","content":1,"id":"7","send":"a","users":["x"],"retry":true})");
  ck_assert(!request.refusal);
  parser.parse_copy(R"({"cmd":"presence","users":["y"]})");
  ck_assert(!request.refusal && request.names.size() == 1 && !request.recv && !request.content && !request.id);
  parser.parse_copy("{\"a\":{\"x\":");
  ck_assert(request.refusal.has_value());
  parser.parse_copy(R"({"a":1,"x":2,"cmd":"ping"})");
  ck_assert(!request.refusal && request.names.empty());
}
END_TEST

START_TEST(reads_lines_of_every_length) {
  RequestParser parser;
  for (std::size_t n = 0; n < 300; ++n) {
    const std::string content = "\"" + std::string(n, 'c') + "\"";
    const Lying lying(with_content(content), '"');
    const Request& request = parser.parse(lying.line());
    ck_assert(!request.refusal && request.content.raw == content);
  }
  const std::string huge = "\"" + std::string((std::size_t{1} << 20U) - 64, 'h') + "\"";
  const Request& request = parser.parse_copy(with_content(huge));
  ck_assert(!request.refusal && request.content.raw == huge);
}
END_TEST

// Whatever is cut off or changed by a byte, the answer is a verdict, not a crash,
// and a line cut short is never obeyed.
START_TEST(every_front_of_a_line_is_refused) {
  const std::string line =
      R"({"cmd":"chat","recv":"b\u006fb","content":{"a":[1,-2.5e3,"x\n"],"b":{"c":null}},"id":"7","retry":false})";
  same(code_of(line), "");
  for (std::size_t n = 0; n < line.size(); ++n) same(code_of(line.substr(0, n)), "bad_json");
  for (std::size_t at = 0; at < line.size(); ++at)
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = line;
      changed[at] = static_cast<char>(byte);
      RequestParser parser;
      const Request& request = parser.parse_copy(changed);
      if (!request.refusal) ck_assert(request.verb == Verb::chat && request.content);
    }
}
END_TEST

SUITE(refuses_what_is_no_json_object, refuses_bad_values_that_nobody_asked_for, passes_every_value_on_as_written,
      refuses_bytes_that_are_no_utf8, refuses_nul_and_control_characters, refuses_lone_surrogates_everywhere,
      refuses_a_key_given_twice, bounds_the_nesting, says_what_a_bad_request_lacks, names_an_unknown_command,
      reads_a_chat, reads_the_other_commands, bounds_a_presence_request, an_id_may_have_128_bytes,
      a_refusal_names_command_and_id_where_known, nothing_of_one_line_is_left_in_the_next, reads_lines_of_every_length,
      every_front_of_a_line_is_refused)
