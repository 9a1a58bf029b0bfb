#include "tools/crosstalk/message.h"

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "tests/unit/suite.h"
#include "tools/crosstalk/render.h"

namespace {

using crosstalk::Message;
using What = crosstalk::Message::What;
using suite::same;

Message read(std::string_view line) {
  const std::optional<Message> message = crosstalk::read_message(line);
  ck_assert_msg(message.has_value(), "%s", std::string(line).c_str());
  return *message;
}

void utc() {
  setenv("TZ", "UTC0", 1);
  tzset();
}

}  // namespace

START_TEST(asks) {
  same("login", crosstalk::login_line("al\"ice", ""),
       R"({"cmd":"login","name":"al\"ice","ack":true})"
       "\n");
  same("with a token", crosstalk::login_line("a", "t"),
       R"({"cmd":"login","name":"a","ack":true,"token":"t"})"
       "\n");
  same("chat", crosstalk::chat_line("bob", R"({"x":1})", "m-1", false),
       R"({"cmd":"chat","recv":"bob","content":{"x":1},"id":"m-1"})"
       "\n");
  same("again", crosstalk::chat_line("bob", R"("hi")", "m-1", true),
       R"({"cmd":"chat","recv":"bob","content":"hi","id":"m-1","retry":true})"
       "\n");
  same("ack", crosstalk::ack_line(7), "{\"cmd\":\"ack\",\"seq\":7}\n");
  same("who", crosstalk::who_line(10, ""), "{\"cmd\":\"who\",\"limit\":10}\n");
  same("who comes after", crosstalk::who_line(10, "b"), "{\"cmd\":\"who\",\"limit\":10,\"after\":\"b\"}\n");
  same("ping", crosstalk::ping_line("1"), "{\"cmd\":\"ping\",\"id\":\"1\"}\n");
  same("logout", crosstalk::logout_line(), "{\"cmd\":\"logout\"}\n");
}
END_TEST

START_TEST(reads_each_kind) {
  ck_assert(read(R"({"cmd":"hello","server":"crosstalkd/1","node":"n1","proto":1})").node == "n1");
  const Message login = read(R"({"cmd":"login","ok":true,"name":"a","node":"n2","waiting":3})");
  ck_assert(login.what == What::login && login.node == "n2" && login.waiting == 3);
  const Message ack = read(R"({"cmd":"ack","id":"m-1","status":"stored"})");
  ck_assert(ack.what == What::ack && ack.id == "m-1" && ack.status == "stored");
  const Message error =
      read(R"({"cmd":"error","code":"server_full","message":"full","in":"login","try":"h:1","maybe":true})");
  ck_assert(error.what == What::error && error.code == "server_full" && error.sentence == "full" && error.maybe);
  ck_assert(error.in == "login" && error.elsewhere == "h:1");
  const Message kicked = read(R"({"cmd":"kicked","reason":"drain","retry":true,"retry_after_ms":731})");
  ck_assert(kicked.what == What::kicked && kicked.code == "drain" && kicked.retry && kicked.retry_after_ms == 731);
  const Message who = read(R"({"cmd":"who","users":["a",1,"b"],"count":2,"more":true,"partial":["n3"]})");
  ck_assert(who.what == What::who && who.users == std::vector<std::string>({"a", "b"}));
  ck_assert(who.partial == std::vector<std::string>{"n3"} && who.count == 2 && who.more == true);
  ck_assert(read(R"({"cmd":"pong"})").what == What::pong);
  ck_assert(read(R"({"cmd":"something new"})").what == What::other);
  ck_assert(read(R"({"cmd":7})").what == What::other);
  const Message chat = read(
      R"({"cmd":"chat","send":"a","recv":"b","content":"h\u0069","id":"x","ts":1700000000000,"seq":9,"stored":true,"redelivered":true})");
  ck_assert(chat.what == What::chat && chat.send == "a" && chat.recv == "b" && chat.content == "hi");
  ck_assert(chat.ts == 1700000000000 && chat.seq == 9 && chat.stored && chat.redelivered && !chat.copy);
}
END_TEST

START_TEST(reads_no_nonsense) {
  for (const char* line : {"", "hello", "[]", "1", "{", R"({"cmd":"ack"}})", R"({"cmd":"ack"} x)", "\"x\""})
    ck_assert_msg(!crosstalk::read_message(line), "%s", line);
  const Message odd = read(R"({"cmd":"chat","seq":-1,"ts":"soon","stored":1,"content":null})");
  ck_assert(odd.seq == 0 && odd.ts == 0 && !odd.stored && odd.content == "null");
  ck_assert(read(R"({"cmd":"chat","seq":1e300,"content":1})").seq == 0);
}
END_TEST

START_TEST(content_stays_as_written) {
  const struct {
    const char* line;
    std::string_view content;
  } rows[] = {
      {R"({"cmd":"chat","content":12345678901234567890,"id":"1"})", "12345678901234567890"},
      {R"({"cmd":"chat","content":{"a": [1, "}"]},"id":"1"})", R"({"a": [1, "}"]})"},
      {R"({"cmd":"chat","send":"content","content":[],"id":"1"})", "[]"},
      {R"({"cmd":"chat","x":{"content":1},"content":2})", "2"},
      {R"({"cmd":"chat","send":"a\"b","content":true})", "true"},
      {R"({"cmd":"chat","content":{"content":{"content":1}}})", R"({"content":{"content":1}})"},
  };
  for (const auto& row : rows) same(row.line, read(row.line).content, row.content);
}
END_TEST

START_TEST(takes_one_json_value) {
  const auto taken = [](std::string_view text) { return crosstalk::one_line_json(text).value_or("(none)"); };
  same("a value", taken(R"({"a":1})"), R"({"a":1})");
  same("over lines", taken("{\"a\":\n\r\n1}\n"), "{\"a\":   1} ");
  same("numbers as they are", taken("12345678901234567890"), "12345678901234567890");
  same("a line end in a string", taken("\"a\nb\""), "(none)");
  same("more than one", taken(R"(1,"recv":"eve")"), "(none)");
  same("nothing", taken(""), "(none)");
  same("text", taken("hello"), "(none)");
  same("no UTF-8", taken("\"\xff\""), "(none)");
}
END_TEST

START_TEST(says_it_in_words) {
  utc();
  const std::int64_t noon = 1700049600000;  // 2023-11-15 12:00:00
  Message chat;
  chat.send = "bob";
  chat.recv = "alice";
  chat.content = "hi\x1b[2J";
  chat.ts = noon + 123;
  same("today", crosstalk::chat_for_people(chat, "alice", noon), R"(12:00 bob: hi\x1b[2J)");
  same("another day", crosstalk::chat_for_people(chat, "alice", noon + 86'400'000),
       R"(2023-11-15 12:00 bob: hi\x1b[2J)");
  same("for a file", crosstalk::chat_for_log(chat, "alice"), R"(2023-11-15 12:00:00 bob: hi\x1b[2J)");
  chat.content = "hi";
  chat.stored = true;
  same("stored", crosstalk::chat_for_people(chat, "alice", noon), "12:00 bob (while you were away): hi");
  chat.redelivered = true;
  same("again", crosstalk::chat_for_people(chat, "alice", noon), "12:00 bob (perhaps again): hi");
  chat.redelivered = chat.stored = false;
  chat.recv = "carol";
  same("to another", crosstalk::chat_for_people(chat, "alice", noon), "12:00 bob to carol: hi");
  chat.send =
      "b\xe2\x80\xae"
      "ob";
  chat.room = "lobby";
  same("a room", crosstalk::chat_for_people(chat, "alice", noon), R"(12:00 b\u202eob in lobby: hi)");

  same("delivered", crosstalk::outcome_for_people("delivered", "bob"), "delivered to bob");
  same("stored", crosstalk::outcome_for_people("stored", "bob"), "stored for bob, who can't be reached right now");
  Message error;
  error.code = "unavailable";
  error.sentence = "not now";
  error.maybe = true;
  same("an error", crosstalk::error_for_people(error), "unavailable: not now; it may have been done all the same");
  error.sentence = "not now; it may have arrived";
  same("once", crosstalk::error_for_people(error), "unavailable: not now; it may have arrived");
  Message page;
  same("nobody", crosstalk::users_for_people(page), "0 online");
  page.users = {"a", "b"};
  same("some", crosstalk::users_for_people(page), "2 online: a, b");
  same("for programs", crosstalk::users_json(page), R"({"users":["a","b"],"count":0,"more":false})");
  page.count = 12;
  page.more = true;
  page.partial = {"n3", "n4"};
  same("some do not answer", crosstalk::users_for_people(page),
       "12 online: a, b; /who b has more; no answer from n3, n4");
  same("for programs", crosstalk::users_json(page),
       R"({"users":["a","b"],"count":12,"more":true,"partial":["n3","n4"]})");
  same("for programs", crosstalk::error_json({crosstalk::Exit::failed, "busy", "a \"b\"", true, false}),
       R"({"error":{"code":"busy","message":"a \"b\"","maybe":true}})");
  same("a time", crosstalk::local_time(noon + 42), "2023-11-15 12:00:00.042");
  same("microseconds", crosstalk::in_ms(68), "0.068 ms");
  same("milliseconds", crosstalk::in_ms(2'345), "2.3 ms");
  same("more", crosstalk::in_ms(234'567), "235 ms");
}
END_TEST

SUITE(asks, reads_each_kind, reads_no_nonsense, content_stays_as_written, takes_one_json_value, says_it_in_words)
