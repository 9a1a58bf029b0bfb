#include "src/client/session.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/suite.h"
#include "tests/unit/wire.h"

namespace {

using namespace std::string_literals;
using chat::Outcome;
using client::Session;

struct Transcript {
  const char* sentence;
  std::string said;     // all that the client sends
  std::string answers;  // all that it reads after the hello
  bool closed = false;  // at the end
};

// In each, bob is logged in, in JSON; the speaker is a fresh connection.
const std::vector<Transcript>& transcripts() {
  static const std::string in = R"({"cmd":"login","ok":true,"name":"al","node":"n1","waiting":0})"
                                "\n";
  static const std::string in_plain = "logged in as al on n1\r\n";
  static const std::string log_in = login("al") + "\n";
  static const auto error = [](const std::string& code, const std::string& message, const std::string& rest = "") {
    return R"({"cmd":"error","code":")" + code + R"(","message":")" + message + "\"" + rest + "}\n";
  };
  static const std::string name_rule =
      "a name has 1 to 64 bytes of UTF-8 without white space, control or invisible characters";
  static const std::vector<Transcript> all = {
      {"ping needs no login", "{\"cmd\":\"ping\"}\n{\"cmd\":\"ping\",\"id\":\"\\u0061\"}\r\n",
       "{\"cmd\":\"pong\"}\n{\"cmd\":\"pong\",\"id\":\"\\u0061\"}\n"},
      {"blank lines before anything else mean nothing", "\r\n \t\n\r\0\n {\"cmd\":\"ping\"}\n"s,
       "{\"cmd\":\"pong\"}\n"},
      {"log in and out", log_in + "{\"cmd\":\"logout\"}\n{\"cmd\":\"ping\"}\n", in, true},
      {"what a login may say besides",
       R"({"cmd":"login","name":"al","token":"t","ack":false,"format":"json","x":[]})"
       "\n",
       in},
      {"a second login", log_in + login("ed") + "\n",
       in + error("already_logged_in", "you are logged in already", R"(,"in":"login")")},
      {"a name that is none, then a good one", login("a l") + "\n" + log_in,
       error("bad_name", name_rule, R"(,"in":"login")") + in},
      {"a name in JSON escapes", "{\"cmd\":\"login\",\"name\":\"\\u0061\\\"\\\\\"}\n",
       R"({"cmd":"login","ok":true,"name":"a\"\\","node":"n1","waiting":0})"
       "\n"},
      {"what needs a login",
       chat_to("bob", R"("content":1,"id":"7")") + "\n" +
           R"({"cmd":"presence","users":[]})"
           "\n",
       error("not_logged_in", "log in first", R"(,"in":"chat","id":"7")") +
           error("not_logged_in", "log in first", R"(,"in":"presence")")},
      {"a chat with an id, written", log_in + chat_to("bob", R"("content":"hi","id":"\u0037")") + "\n",
       in + R"({"cmd":"ack","id":"7","status":"written"})"
            "\n"},
      {"a chat without an id, written", log_in + chat_to("bob", R"("content":"hi")") + "\n", in},
      {"a chat to nobody",
       log_in + chat_to("ann", R"("content":"hi","id":"7")") + "\n" + chat_to("ann", R"("content":"hi")") + "\n",
       in + error("no_such_user", "nobody called ann is online", R"(,"in":"chat","id":"7")") +
           error("no_such_user", "nobody called ann is online", R"(,"in":"chat")")},
      {"a chat to a name that is none", log_in + chat_to("a\\u0020b", R"("content":"hi","id":"7")") + "\n",
       in + error("bad_name", name_rule, R"(,"in":"chat","id":"7")")},
      {"one's own name as the sender", log_in + chat_to("bob", R"("content":1,"send":"\u0061l","id":"7")") + "\n",
       in + R"({"cmd":"ack","id":"7","status":"written"})"
            "\n"},
      {"another's name as the sender", log_in + chat_to("bob", R"("content":1,"send":"bob","id":"7")") + "\n",
       in + error("not_you", "send must be your own name, or be left out", R"(,"in":"chat","id":"7")")},
      {"a chat to oneself", log_in + chat_to("al", R"("content":{"a": 1},"id":"7")") + "\n",
       in +
           R"({"cmd":"chat","send":"al","recv":"al","content":{"a": 1},"id":"7","ts":1700000000000})"
           "\n" +
           R"({"cmd":"ack","id":"7","status":"written"})"
           "\n"},
      {"a request that lacks something",
       log_in + R"({"cmd":"chat","recv":"bob","id":"7"})"
                "\n",
       in + error("bad_request", "content is missing: any JSON value", R"(,"in":"chat","id":"7")")},
      {"no command at all", "{}\n", error("bad_request", "cmd must be a string, the name of a command")},
      {"commands that do not exist (yet)",
       R"({"cmd":"forward","id":"1"})"
       "\n"
       R"({"cmd":"a\u001b\"b"})"
       "\n",
       error("unknown_cmd", "there is no command forward", R"(,"in":"forward","id":"1")") +
           error("unknown_cmd", R"(there is no command a\\x1b\"b)", R"(,"in":"a\u001b\"b")")},
      {"presence",
       log_in + R"({"cmd":"presence","users":["zed","bob","al","bob"]})"
                "\n"
                R"({"cmd":"presence","users":[]})"
                "\n",
       in + R"({"cmd":"presence","users":{"al":true,"bob":true,"zed":false}})"
            "\n"
            R"({"cmd":"presence","users":{}})"
            "\n"},
      {"presence of a name that is none",
       log_in + R"({"cmd":"presence","users":["bob",""]})"
                "\n",
       in + error("bad_name", name_rule, R"(,"in":"presence")")},
      {"presence, watched",
       log_in + R"({"cmd":"presence","users":["bob"],"watch":true})"
                "\n",
       in + error("bad_request", "watching is not available", R"(,"in":"presence")")},
      {"the third bad line in a row closes", "{\n{]\nhello\n{\"cmd\":\"ping\"}\n",
       error("bad_json", "that is not JSON") + error("bad_json", "that is not JSON") +
           error("bad_json", "expected one JSON object"),
       true},
      {"a good one in between", "{\n{\n{\"cmd\":\"ping\"}\n{\n{\n{}\n{\n{\n",
       error("bad_json", "that is not JSON") + error("bad_json", "that is not JSON") + "{\"cmd\":\"pong\"}\n" +
           error("bad_json", "that is not JSON") + error("bad_json", "that is not JSON") +
           error("bad_request", "cmd must be a string, the name of a command") + error("bad_json", "that is not JSON") +
           error("bad_json", "that is not JSON")},
      {"who is logged in survives them", log_in + "{\n{\n{\n\n{\"cmd\":\"ping\"}\n",
       in + error("bad_json", "that is not JSON") + error("bad_json", "that is not JSON") +
           error("bad_json", "that is not JSON") + error("bad_json", "expected one JSON object") +
           "{\"cmd\":\"pong\"}\n"},
      {"a line too large, of a guest", "{" + std::string(100, ' ') + "\n{\"cmd\":\"ping\"}\n",
       error("too_large", "a line may have at most 100 bytes"), true},
      {"a line too large, of a user", log_in + "{" + std::string(100, ' ') + "\n{\"cmd\":\"ping\"}\n",
       in + error("too_large", "a line may have at most 100 bytes") + "{\"cmd\":\"pong\"}\n"},
      {"a line twice too large, of a user", log_in + "{" + std::string(200, ' ') + "\n{\"cmd\":\"ping\"}\n",
       in + error("too_large", "a line may have at most 100 bytes"), true},
      {"telnet commands among JSON", "\xff\xfd\x01{\"cmd\":\xff\xfb\x18\"ping\"}\r\n",
       "\xff\xfc\x01\xff\xfe\x18{\"cmd\":\"pong\"}\n"},
      {"telnet compression nobody asked for", "{\"cmd\":\"ping\"}\n\xff\xfa\x56\xff\xf0xyz\n", "{\"cmd\":\"pong\"}\n",
       true},

      {"a person logs in, writes, leaves", "/login al\r\n/msg bob hello \"you\"\r\nand more\r\n\r\n/quit\r\n/help\r\n",
       in_plain, true},
      {"bare returns end a person's lines", "/login al\r\0/msg bob hello\r\0/help\r\0"s,
       in_plain +
           "/login NAME     log in under a name\r\n/msg NAME TEXT  send somebody a message; lines that follow "
           "go there too\r\n/who            who is online\r\n/help           this list\r\n/quit           leave\r\n"},
      {"a person's mistakes",
       "hi\n/msg bob hi\n/login\n/login a\x01\n/login al\nhi\n/login al\n/msg bob\n/dance\n/msg ann hi\nhi again\n/msg "
       "a\xe2\x80\x8b"
       "b hi\n/msg bob a\xfe\n",
       "error not_logged_in: log in first: /login NAME, or /help\r\n"
       "error not_logged_in: log in first: /login NAME, or /help\r\n"
       "error bad_request: type /login NAME\r\n"
       "error bad_name: " +
           name_rule + "\r\n" + in_plain +
           "error bad_request: say to whom first: /msg NAME TEXT, or /help\r\n"
           "error already_logged_in: you are logged in already\r\n"
           "error bad_request: type /msg NAME TEXT\r\n"
           "error unknown_cmd: there is no such command; /help names those there are\r\n"
           "error no_such_user: nobody called ann is online\r\n"
           "error no_such_user: nobody called ann is online\r\n"
           "error bad_name: " +
           name_rule +
           "\r\n"
           "error bad_request: a line must be UTF-8 without NUL\r\n"},
      {"a person writes to themselves", "/login al\n/msg al \x1b[1m\"x\"\n",
       in_plain + "al给您发了消息：\\x1b[1m\"x\"\r\n"},
      {"a person pastes JSON",
       "/help me\r\n {\"cmd\":\"ping\"}\r\n{\"cmd\":\"chat\"}\r\n" + log_in + chat_to("ann", R"("content":1)") +
           "\r\n{\"x\":\xfe}\r\n" + chat_to("al", R"("content":1,"id":"7")") + "\r\n",
       "/login NAME     log in under a name\r\n/msg NAME TEXT  send somebody a message; lines that follow go there "
       "too\r\n/who            who is online\r\n/help           this list\r\n/quit           leave\r\n"
       "{\"cmd\":\"pong\"}\r\n"
       R"({"cmd":"error","code":"bad_request","message":"recv must be a string, the name of the recipient","in":"chat"})"
       "\r\n"
       R"({"cmd":"login","ok":true,"name":"al","node":"n1","waiting":0})"
       "\r\n"
       R"({"cmd":"error","code":"no_such_user","message":"nobody called ann is online","in":"chat"})"
       "\r\n"
       R"({"cmd":"error","code":"bad_json","message":"that is not valid UTF-8"})"
       "\r\n"
       "al给您发了消息：1\r\n"
       R"({"cmd":"ack","id":"7","status":"written"})"
       "\r\n"},
      {"a person's line is too large", std::string(101, 'x') + "\n/help\n",
       "error too_large: a line may have at most 100 bytes\r\n", true},
      {"a person behind a telnet that negotiates", "\xff\xfb\x1f/login\xff\xf1 al\r\n\xff\xf4\xff\xfd\x06\r\n",
       "\xff\xfe\x1f\xff\xfc\x06" + in_plain},
  };
  return all;
}

client::SessionSettings short_lines() {
  client::SessionSettings settings = usual();
  settings.line_bytes = 100;
  return settings;
}

// `slow`: the mailbox, so that a login takes until all of a piece was read.
void play(const Transcript& transcript, const std::vector<std::string_view>& pieces, bool slow, const char* how) {
  World world(short_lines());
  User bob(world, "bob");
  world.desk.mailbox_is_slow = slow;
  Wire wire(world);
  std::string heard;
  for (const std::string_view piece : pieces) {
    wire.bytes(piece);
    // What bob reads brings outcomes, and those go out before the next bytes come.
    bob.flush();
    heard += wire.heard();
    world.desk.ready();
    for (int rounds = 0; rounds < 3; ++rounds) {
      heard += wire.heard();
      bob.flush();
    }
  }
  // How answers of telnet and of the session mix depends on the pieces.
  if (transcript.said.find('\xff') == std::string::npos || (pieces.size() == 1 && !slow))
    expect(transcript.sentence, heard, hello + transcript.answers);
  ck_assert_uint_eq(heard.size(), hello.size() + transcript.answers.size());
  ck_assert_msg(wire.finished == transcript.closed, "%s, %s: %s", transcript.sentence, how,
                wire.finished ? "closed" : "still open");
}

}  // namespace

START_TEST(follows_the_transcripts) {
  for (const bool slow : {false, true})
    for (const Transcript& transcript : transcripts()) play(transcript, {transcript.said}, slow, "whole");
}
END_TEST

START_TEST(follows_them_in_every_two_pieces) {
  for (const bool slow : {false, true})
    for (const Transcript& transcript : transcripts()) {
      const std::string_view said = transcript.said;
      for (std::size_t at = 1; at < said.size(); ++at)
        play(transcript, {said.substr(0, at), said.substr(at)}, slow, "in two pieces");
    }
}
END_TEST

START_TEST(follows_them_byte_by_byte) {
  for (const Transcript& transcript : transcripts()) {
    std::vector<std::string_view> pieces;
    for (std::size_t i = 0; i < transcript.said.size(); ++i)
      pieces.push_back(std::string_view(transcript.said).substr(i, 1));
    for (const bool slow : {false, true}) play(transcript, pieces, slow, "byte by byte");
  }
}
END_TEST

START_TEST(the_recipient_reads_what_was_written) {
  const struct {
    const char* sentence;
    std::string chat;
    std::string_view read;
  } rows[] = {
      {"with an id", R"({"cmd":"chat","send":"al","recv":"bob","content":"how are you","id":"a-1"})",
       R"({"cmd":"chat","send":"al","recv":"bob","content":"how are you","id":"a-1","ts":1700000000000})"},
      {"without: the server makes one", R"({"cmd":"chat","recv":"bob","content":"hi"})",
       R"({"cmd":"chat","send":"al","recv":"bob","content":"hi","id":"n1.1.1","ts":1700000000000})"},
      {"spelling and order are kept but for the id's, white space around goes, other fields too",
       "{ \"id\" : \"\\u0031\" ,\"x\":1, \"content\" : {\"b\" : [1, 2.50 ,\"\\u00e9\\/\"] } , \"retry\":true,\"recv\" "
       ":\"b\\u006fb\", \"cmd\":\"chat\" }",
       R"({"cmd":"chat","send":"al","recv":"b\u006fb","content":{"b" : [1, 2.50 ,"\u00e9\/"] },"id":"1","ts":1700000000000})"},
      {"a return in the JSON forges no line",
       "{\"cmd\":\"chat\",\"recv\":\"bob\",\"id\":\"1\",\"content\":[1,\r{\"cmd\":\"kicked\"}\r,2]}",
       R"({"cmd":"chat","send":"al","recv":"bob","content":[1, {"cmd":"kicked"} ,2],"id":"1","ts":1700000000000})"},
      {"null is a content", R"({"cmd":"chat","recv":"bob","content":null,"id":"1"})",
       R"({"cmd":"chat","send":"al","recv":"bob","content":null,"id":"1","ts":1700000000000})"},
  };
  for (const auto& row : rows) {
    World world;
    User al(world, "al");
    User bob(world, "bob");
    al.line(row.chat);
    expect(row.sentence, bob.heard(), std::string(row.read) + "\n");
  }
}
END_TEST

START_TEST(turned_away) {
  World world;
  Wire guest(world);
  guest.session.turn_away(client::Code::server_full);
  expect("with nowhere else to go", guest.heard(),
         hello + R"({"cmd":"error","code":"server_full","message":"this server takes no more clients at this moment"})"
                 "\n");
  ck_assert(guest.finished);
  guest.line(login("al"));
  expect("it is not heard any more", guest.heard() + world.desk.log, "");

  world.commons.less_loaded = [] { return peer::Address{"::1", 9501}; };
  Wire second(world);
  second.session.turn_away(client::Code::shutting_down);
  expect("sent elsewhere", second.heard(),
         hello +
             R"({"cmd":"error","code":"shutting_down","message":"this server is about to stop; come back in a moment",)"
             R"("try":"[::1]:9501"})"
             "\n");
  Wire person(world);
  person.line("/help");
  person.heard();
  person.session.drain(peer::Millis(0));
  expect("a person, too", person.heard(),
         "error shutting_down: this server is about to stop; come back in a moment; try [::1]:9501\r\n");
}
END_TEST

START_TEST(kicks_are_worded) {
  const struct {
    chat::KickReason why;
    std::string json;  // up to the random part
    std::string plain;
  } rows[] = {
      {chat::KickReason::replaced, R"({"cmd":"kicked","reason":"replaced","retry":false})",
       "kicked replaced: you have logged in somewhere else\r\n"},
      {chat::KickReason::admin, R"({"cmd":"kicked","reason":"admin","retry":false})",
       "kicked admin: an administrator has ended your session\r\n"},
      {chat::KickReason::slow_consumer, R"({"cmd":"kicked","reason":"slow_consumer","retry":true,"retry_after_ms":)",
       "kicked slow_consumer: too much was waiting to be read, or for too long\r\n"},
  };
  for (const auto& row : rows) {
    World world;
    User al(world, "al");
    world.desk.logout(world.desk.ids.at("al"));
    al.session.kick(row.why);
    const std::string told = al.heard();
    ck_assert_msg(told.starts_with(row.json) && told.ends_with("}\n"), "%s", told.c_str());
    ck_assert(al.finished);
    Wire bo(world);
    bo.line("/login bo");
    bo.heard();
    world.desk.logout(world.desk.ids.at("bo"));
    bo.session.kick(row.why);
    expect("to a person", bo.heard(), row.plain);
  }
}
END_TEST

START_TEST(a_name_with_quotes_sends_and_reads) {
  World world;
  User bob(world, "bob");
  User al(world, R"(a\"\\)");
  al.line(chat_to("bob", R"("content":1,"id":"1","send":"a\u0022\u005c")"));
  expect("as JSON", bob.heard(),
         R"({"cmd":"chat","send":"a\"\\","recv":"bob","content":1,"id":"1","ts":1700000000000})"
         "\n");
  bob.line(chat_to(R"(a\"\\)", R"("content":2,"id":"1")"));
  expect("the other way", al.heard(),
         R"({"cmd":"ack","id":"1","status":"written"})"
         "\n"
         R"({"cmd":"chat","send":"bob","recv":"a\"\\","content":2,"id":"1","ts":1700000000000})"
         "\n");
}
END_TEST

START_TEST(text_for_who_asked_for_it) {
  World world;
  User al(world, "al");
  Wire bob(world);
  bob.line(R"({"cmd":"login","name":"bob","format":"text"})");
  bob.heard();
  al.line(chat_to("bob", R"("content":"how are you\r\nroot\u001b[2J\u202e")"));
  al.line(chat_to("bob", R"("content":{"a":[1]})"));
  bob.line(R"({"cmd":"ping"})");
  expect("deliveries are lines of text, answers stay JSON", bob.heard(),
         "al给您发了消息：how are you\\x0d\\x0aroot\\x1b[2J\\u202e\n"
         "al给您发了消息：{\"a\":[1]}\n"
         "{\"cmd\":\"pong\"}\n");
}
END_TEST

START_TEST(a_delivery_of_a_form_not_known_yet_is_shown_whole) {
  World world;
  Wire bob(world);
  bob.line("/login bob");
  bob.heard();
  world.desk.deliver("bob", {"{\"cmd\":\"broadcast\",\"send\":\"al\",\"content\":\"\x7f\"}\n"});
  expect("escaped", bob.heard(), "{\"cmd\":\"broadcast\",\"send\":\"al\",\"content\":\"\\x7f\"}\r\n");
}
END_TEST

START_TEST(tells_outcomes_that_come_later) {
  const struct {
    const char* sentence;
    std::string_view id;
    Outcome outcome;
    bool maybe;
    std::string_view told;
    std::string_view told_a_person;
  } rows[] = {
      {"written", "\"1\"", Outcome::written, false, R"({"cmd":"ack","id":"1","status":"written"})",
       R"({"cmd":"ack","id":"1","status":"written"})"},
      {"written, without an id", "", Outcome::written, false, "", ""},
      {"nobody there", "\"1\"", Outcome::no_such_user, false,
       R"({"cmd":"error","code":"no_such_user","message":"the recipient is not online","in":"chat","id":"1"})",
       R"({"cmd":"error","code":"no_such_user","message":"the recipient is not online","in":"chat","id":"1"})"},
      {"nobody there, without an id", "", Outcome::no_such_user, false,
       R"({"cmd":"error","code":"no_such_user","message":"the recipient is not online","in":"chat"})",
       "error no_such_user: the recipient is not online"},
      {"too much", "", Outcome::busy, false,
       R"({"cmd":"error","code":"busy","message":"too much is on its way to this recipient; try again in a moment","in":"chat"})",
       "error busy: too much is on its way to this recipient; try again in a moment"},
      {"not known", "\"1\"", Outcome::unavailable, true,
       R"({"cmd":"error","code":"unavailable","message":"the recipient can't be reached right now; it may have arrived","in":"chat","id":"1","maybe":true})",
       R"({"cmd":"error","code":"unavailable","message":"the recipient can't be reached right now; it may have arrived","in":"chat","id":"1","maybe":true})"},
      {"not known, without an id", "", Outcome::unavailable, true,
       R"({"cmd":"error","code":"unavailable","message":"the recipient can't be reached right now; it may have arrived","in":"chat","maybe":true})",
       "error unavailable: the recipient can't be reached right now; it may have arrived"},
      {"delivered", "\"1\"", Outcome::delivered, false, R"({"cmd":"ack","id":"1","status":"delivered"})",
       R"({"cmd":"ack","id":"1","status":"delivered"})"},
      {"delivered, without an id", "", Outcome::delivered, false, "", ""},
      {"stored", "\"1\"", Outcome::stored, false, R"({"cmd":"ack","id":"1","status":"stored"})",
       R"({"cmd":"ack","id":"1","status":"stored"})"},
      {"stored, without an id: a person is told", "", Outcome::stored, false, "",
       "stored for the recipient, who can't be reached right now"},
      {"no room in the mailbox", "\"1\"", Outcome::mailbox_full, false,
       R"({"cmd":"error","code":"mailbox_full","message":"the recipient can't be reached right now, and no more can be stored","in":"chat","id":"1"})",
       R"({"cmd":"error","code":"mailbox_full","message":"the recipient can't be reached right now, and no more can be stored","in":"chat","id":"1"})"},
      {"no room, without an id", "", Outcome::mailbox_full, false,
       R"({"cmd":"error","code":"mailbox_full","message":"the recipient can't be reached right now, and no more can be stored","in":"chat"})",
       "error mailbox_full: the recipient can't be reached right now, and no more can be stored"},
  };
  for (const auto& row : rows) {
    World world;
    User al(world, "al");
    al.session.on_outcome(row.id, 100, row.outcome, row.maybe);
    expect(row.sentence, al.heard(), row.told.empty() ? "" : std::string(row.told) + "\n");
    Wire ed(world);
    ed.line("/login ed");
    ed.heard();
    ed.session.on_outcome(row.id, 100, row.outcome, row.maybe);
    expect(row.sentence, ed.heard(), row.told_a_person.empty() ? "" : std::string(row.told_a_person) + "\r\n");
  }
}
END_TEST

// Who a person wrote to is named with a later outcome only where it is certain.
START_TEST(names_whom_a_person_wrote_to) {
  const std::string for_bob = "stored for bob, who can't be reached right now\r\n";
  const std::string for_somebody = "stored for the recipient, who can't be reached right now\r\n";
  const struct {
    const char* sentence;
    std::vector<std::string> said;
    std::string heard;
  } rows[] = {
      {"one message", {"/msg bob hi"}, for_bob},
      {"two to the same", {"/msg bob hi", "again"}, for_bob + for_bob},
      {"to two at once", {"/msg ann hi", "/msg bob hi"}, for_somebody + for_somebody},
      {"to two and back", {"/msg bob hi", "/msg ann hi", "/msg bob hi"}, for_somebody + for_somebody + for_somebody},
      {"pasted, to the same", {"/msg bob hi", chat_to("bob", R"("content":1)")}, for_bob + for_bob},
      {"pasted, to another", {chat_to("ann", R"("content":1)"), "/msg bob hi"}, for_somebody + for_somebody},
      {"pasted, with an id",
       {"/msg bob hi", chat_to("ann", R"("content":1,"id":"7")")},
       for_bob + "{\"cmd\":\"ack\",\"id\":\"7\",\"status\":\"stored\"}\r\n"},
  };
  for (const auto& row : rows) {
    World world;
    Wire al(world);
    al.line("/login al");
    al.heard();
    world.desk.keep = true;
    for (int rounds = 0; rounds < 2; ++rounds) {
      for (const std::string& line : row.said) al.line(line);
      ck_assert_uint_eq(world.desk.kept.size(), row.said.size());
      world.desk.settle_kept(row.said.size(), Outcome::stored);
      expect(row.sentence, al.heard(), row.heard);
    }
  }
}
END_TEST

START_TEST(a_chat_sent_again_says_so) {
  World world;
  User al(world, "al");
  User bob(world, "bob");
  world.desk.log.clear();
  al.line(chat_to("bob", R"("content":1,"id":"a","retry":true)"));
  al.line(chat_to("bob", R"("content":1,"id":"b","retry":false)"));
  al.line(chat_to("bob", R"("content":1,"id":"c")"));
  expect("only what bears retry", world.desk.log, "again \"a\"\n");
}
END_TEST

START_TEST(the_newest_login_replaces) {
  World world;
  User first(world, "al");
  Wire second(world);
  second.line("/login al");
  expect("the older in JSON", first.heard(),
         R"({"cmd":"kicked","reason":"replaced","retry":false})"
         "\n");
  ck_assert(first.finished && !first.session.logged_in());
  second.heard();
  User third(world, "al");
  expect("the older a person", second.heard(), "kicked replaced: you have logged in somewhere else\r\n");
  ck_assert(second.finished && third.session.logged_in());
  expect("each leaves once", world.desk.log, "login al\nlogin al\nlogout al\nlogin al\nlogout al\n");
  first.line(R"({"cmd":"ping"})");
  expect("who was kicked is not listened to", first.heard(), "");
  first.session.lose();
  second.session.lose();
  ck_assert(world.desk.online("al"));
}
END_TEST

// Who leaves, in whatever way, first hears how its chats ended.
START_TEST(departs_when_its_chats_are_settled) {
  const struct {
    const char* sentence;
    void (*leave)(Wire& wire);
    const char* last;  // the front of its last word
  } rows[] = {
      {"logout", [](Wire& wire) { wire.line(R"({"cmd":"logout"})"); }, ""},
      {"the end of its input", [](Wire& wire) { wire.session.on_end(); }, ""},
      {"drain", [](Wire& wire) { wire.session.drain(peer::Millis(5000)); }, R"({"cmd":"kicked","reason":"drain")"},
  };
  for (const auto& row : rows)
    for (const bool in_time : {true, false}) {
      World world;
      User al(world, "al");
      world.desk.keep = true;
      al.line(R"({"cmd":"chat","recv":"bob","content":1,"id":"m"})");
      row.leave(al);
      ck_assert_msg(!al.finished, "%s: its chat has no outcome yet", row.sentence);
      al.line(R"({"cmd":"ping"})");
      expect("it is not listened to", al.heard(), "");
      const std::string ack = in_time ? "{\"cmd\":\"ack\",\"id\":\"m\",\"status\":\"written\"}\n" : "";
      if (in_time) {
        world.desk.settle_kept(1);
      } else {
        world.commons.clock.now += std::chrono::seconds(5);
        al.tick();
      }
      ck_assert_msg(al.finished, "%s: it goes", row.sentence);
      const std::string heard = al.heard();
      expect(row.sentence, heard.substr(0, ack.size()), ack);
      expect(row.sentence, heard.substr(ack.size(), std::string_view(row.last).size()), row.last);
      ck_assert_msg(!world.desk.online("al"), "%s: it is gone", row.sentence);
    }
}
END_TEST

START_TEST(drains) {
  World world;
  User al(world, "al");
  Wire ed(world);
  ed.line("/login ed");
  ed.heard();
  Wire guest(world);
  Wire person(world);
  person.line("/help");
  person.heard();
  for (Wire* wire : {static_cast<Wire*>(&al), &ed, &guest, &person}) {
    wire->session.drain(peer::Millis(5000));
    ck_assert(wire->finished);
    const bool user = wire == &al || wire == &ed;
    ck_assert_int_eq(wire->patience.count(), user ? 10000 : 2000);
  }
  const std::string kicked = al.heard();
  const std::string front = R"({"cmd":"kicked","reason":"drain","retry":true,"retry_after_ms":)";
  expect("a user may come back", kicked.substr(0, front.size()), front);
  ck_assert_int_le(std::stoi(kicked.substr(front.size())), 2000);
  expect("so may a person", ed.heard(), "kicked drain: this server is about to stop; come back in a moment\r\n");
  expect("a guest is told too", guest.heard(),
         hello +
             R"({"cmd":"error","code":"shutting_down","message":"this server is about to stop; come back in a moment"})"
             "\n");
  expect("as people are", person.heard(),
         "error shutting_down: this server is about to stop; come back in a moment\r\n");
  expect("users left the desk", world.desk.log, "login al\nlogin ed\nlogout al\nlogout ed\n");
}
END_TEST

START_TEST(counts_what_the_kernel_took) {
  World world;
  User al(world, "al");
  User bob(world, "bob");
  world.desk.log.clear();
  for (int i = 1; i <= 3; ++i)
    al.line(chat_to("bob", R"("content":")" + std::string(10, 'x') + R"(","id":")" + std::to_string(i) + "\""));
  bob.line(R"({"cmd":"ping"})");  // an answer among deliveries
  al.line(chat_to("bob", R"("content":4,"id":"4")"));
  const std::size_t each = world.desk.lines[0].size();

  bob.flush(each - 1);
  expect("all but a byte of the first", world.desk.log, "");
  bob.flush(1);
  expect("the first", world.desk.log, "written 1\n");
  bob.flush(2 * each);
  expect("two at once, in order", world.desk.log, "written 1\nwritten 2\nwritten 3\n");
  bob.flush(16);  // the pong and a byte
  expect("the answer counts as no delivery", world.desk.log, "written 1\nwritten 2\nwritten 3\n");
  bob.flush();
  expect("the last", world.desk.log, "written 1\nwritten 2\nwritten 3\nwritten 4\n");
  std::string acks;
  for (int i = 1; i <= 4; ++i) acks += R"({"cmd":"ack","id":")" + std::to_string(i) + "\",\"status\":\"written\"}\n";
  expect("and the sender hears of each", al.heard(), acks);
  bob.session.lose();
  expect("nothing is left to give back", world.desk.log, "written 1\nwritten 2\nwritten 3\nwritten 4\nlogout bob\n");
}
END_TEST

START_TEST(every_cut_of_the_stream_is_counted_right) {
  // What the connection was given and not said to be written may have been read all the same.
  for (std::size_t cut = 0; cut < 400; ++cut) {
    World world;
    User al(world, "al");
    User bob(world, "bob");
    world.desk.log.clear();
    for (int i = 1; i <= 4; ++i) al.line(chat_to("bob", R"("content":)" + std::to_string(i)));
    std::size_t whole = 0;
    std::size_t end = 0;
    while (whole < 4 && end + world.desk.lines[whole].size() <= cut) end += world.desk.lines[whole++].size();
    bob.flush(cut);
    al.line(chat_to("bob", R"("content":5)"));
    bob.session.lose();
    std::string expected;
    for (std::size_t i = 1; i <= whole; ++i) expected += "written " + std::to_string(i) + "\n";
    expected += "logout bob\n";
    for (std::size_t i = whole + 1; i <= 4; ++i) expected += "unread " + std::to_string(i) + "\n";
    expected += "unwritten 5\n";
    expect("cut", world.desk.log, expected);
    bob.session.lose();
    expect("once is enough", world.desk.log, expected);
  }
}
END_TEST

START_TEST(a_kicked_session_still_accounts_for_its_queue) {
  World world;
  User al(world, "al");
  User bob(world, "bob");
  for (int i = 1; i <= 3; ++i) al.line(chat_to("bob", R"("content":)" + std::to_string(i)));
  world.desk.log.clear();
  User newer(world, "bob");
  bob.flush(2 * world.desk.lines[0].size());
  bob.session.lose();
  expect("what was written before the end is written", world.desk.log,
         "login bob\nlogout bob\nwritten 1\nwritten 2\nunread 3\n");
}
END_TEST

START_TEST(cuts_who_reads_too_slowly) {
  client::SessionSettings settings = usual();
  settings.queue_bytes = 1000;
  World world(settings);
  User al(world, "al");
  User bob(world, "bob");
  const std::string big = chat_to("bob", R"("content":")" + std::string(300, 'x') + "\"");

  // More in one turn than the bound, but the kernel takes it.
  for (int i = 0; i < 10; ++i) al.line(big);
  ck_assert(bob.wants_review);
  bob.flush();
  ck_assert(!bob.finished && bob.session.logged_in());

  // The same, and it does not.
  world.desk.log.clear();
  al.line(big);
  al.line(big);
  bob.flush(500);
  for (int i = 0; i < 3; ++i) al.line(big);
  bob.flush(100);
  ck_assert(bob.finished && !bob.session.logged_in());
  ck_assert_int_eq(bob.patience.count(), 1000);
  const std::string front = R"({"cmd":"kicked","reason":"slow_consumer","retry":true,"retry_after_ms":)";
  ck_assert(!world.desk.online("bob"));
  bob.session.lose();
  expect("what it did not read is given back in order", world.desk.log,
         "written 11\nlogout bob\nunread 12\nunwritten 13\nunwritten 14\nunwritten 15\n");
  ck_assert(bob.out.find(front) == std::string::npos);

  // Had it begun to read in time, it would have been told.
  User ed(world, "ed");
  for (int i = 0; i < 4; ++i) al.line(chat_to("ed", R"("content":")" + std::string(300, 'x') + "\""));
  ed.flush(0);
  ck_assert(ed.finished);
  ck_assert(ed.heard().find(front) != std::string::npos);
}
END_TEST

START_TEST(answers_count_too) {
  client::SessionSettings settings = usual();
  settings.queue_bytes = 1000;
  World world(settings);
  Wire guest(world);
  guest.heard();
  for (int i = 0; i < 100; ++i) guest.line(R"({"cmd":"ping"})");
  guest.flush(0);
  ck_assert(guest.finished);
  expect("a guest never logged in", world.desk.log, "");
}
END_TEST

START_TEST(refused_telnet_options_do_not_pile_up) {
  World world;
  Wire wire(world);
  wire.heard();
  std::string flood;
  for (int i = 0; i < 20'000; ++i) flood += "\xff\xfd\x01";
  for (int i = 0; i < 20; ++i) wire.bytes(flood);
  ck_assert_uint_le(wire.heard().size(), 3 * 4096);
  wire.bytes("\xff\xfd\x01");
  expect("who reads is answered again", wire.heard(), "\xff\xfc\x01");
}
END_TEST

// One read may bring thousands of lines: a share of them each turn, in order, and
// nothing is read before all of them are handled.
START_TEST(handles_a_share_of_its_lines_each_turn) {
  World world;
  User al(world, "al");
  constexpr unsigned all = 10'000;
  std::string said;
  for (unsigned i = 0; i < all; ++i) said += R"({"cmd":"ping","id":")" + std::to_string(i) + "\"}\n";
  al.bytes(said + R"({"cmd":"pi)");
  unsigned answered = 0;
  for (unsigned turns = 0; answered < all; ++turns, al.turn()) {
    ck_assert_uint_le(turns, all / Session::lines_per_turn);
    std::string expected;
    const unsigned share = std::min(Session::lines_per_turn, all - answered);
    for (unsigned i = 0; i < share; ++i, ++answered)
      expected += R"({"cmd":"pong","id":")" + std::to_string(answered) + "\"}\n";
    expect("a share, in order", al.heard(), expected);
    ck_assert_msg(al.paused == al.wants_turn && (al.paused || answered == all), "what is left is first");
  }
  al.turn();
  ck_assert_msg(!al.paused && !al.wants_turn, "then it is read from");
  al.line(R"(ng"})");
  expect("and the line that had begun is whole", al.heard(), "{\"cmd\":\"pong\"}\n");
}
END_TEST

START_TEST(a_flood_is_heard_at_its_pace) {
  const struct {
    const char* sentence;
    unsigned lines;  // of a read
    std::size_t blanks;
  } rows[] = {{"a share in a read", Session::lines_per_turn, 0}, {"less than that", 20, 0}, {"long lines", 2, 5000}};
  for (const auto& row : rows) {
    World world;
    User al(world, "al");
    const std::string line = "{\"cmd\":\"ping\"" + std::string(row.blanks, ' ') + "}\n";
    std::string read;
    for (unsigned i = 0; i < row.lines; ++i) read += line;
    client::Pace pace;
    pace.spend(2, login("al").size() + 1, world.commons.clock.now);
    unsigned waits = 0;
    for (int reads = 0; reads < 1000; ++reads) {
      al.bytes(read);
      pace.spend(std::min(row.lines + 1, Session::lines_per_turn), read.size(), world.commons.clock.now);
      const bool ahead = pace.due() > world.commons.clock.now;
      ck_assert_msg(al.wants_turn == ahead && al.paused == ahead, "%s", row.sentence);
      if (!ahead) continue;
      ck_assert_msg(al.turn_at == pace.due(), "%s", row.sentence);
      ++waits;
      al.turn();
      ck_assert_msg(!al.wants_turn && !al.paused, "%s", row.sentence);
    }
    ck_assert_msg(waits > 0, "%s", row.sentence);
  }
}
END_TEST

START_TEST(who_is_refused_is_heard_less_often) {
  World world;
  User al(world, "al");
  client::Pace pace;
  const auto says = [&](const std::string& line, unsigned price) {
    al.line(line);
    pace.spend(price, line.size() + 1, world.commons.clock.now);
  };
  pace.spend(2, login("al").size() + 1, world.commons.clock.now);
  while (!al.wants_turn) says("{}", 2 + client::Pace::lines_per_refusal);
  ck_assert(al.turn_at == pace.due());
}
END_TEST

START_TEST(who_spoke_little_may_say_much_at_once) {
  constexpr peer::Time now{1'000'000};
  constexpr unsigned lines = client::Pace::credit_max / client::Pace::per_line;
  client::Pace pace;
  pace.spend(lines, 0, now);
  ck_assert_msg(pace.due() == now, "all that it had saved");
  pace.spend(0, 640 * client::Pace::bytes_per_us, now);
  ck_assert_msg(pace.due() == now + peer::Micros(640), "bytes cost as well");
  pace.spend(lines, 0, now + 10 * client::Pace::credit_max);
  ck_assert_msg(pace.due() == now + 10 * client::Pace::credit_max, "no more than so much is saved");
}
END_TEST

START_TEST(what_is_kept_is_handled_before_any_end) {
  const std::string ping = "{\"cmd\":\"ping\"}\n", pong = "{\"cmd\":\"pong\"}\n";
  std::string share, its_answers;
  for (unsigned i = 0; i < Session::lines_per_turn; ++i) share += ping, its_answers += pong;
  const struct {
    const char* sentence;
    std::string behind;             // its share of the first turn
    void (*meanwhile)(Wire& wire);  // in that turn
    std::string heard;              // in the next
    bool finished;
  } rows[] = {
      {"the end of its input", ping, [](Wire& wire) { wire.session.on_end(); }, pong, true},
      {"its logout", ping + "{\"cmd\":\"logout\"}\n" + ping, [](Wire&) {}, pong, true},
      {"a line far too large", ping + std::string(140'000, 'x') + "\n" + ping, [](Wire&) {},
       pong + R"({"cmd":"error","code":"too_large","message":"a line may have at most 65536 bytes"})" + "\n", true},
      {"but not before it is sent away", ping, [](Wire& wire) { wire.session.kick(chat::KickReason::admin); }, "",
       true},
      {"nor where its node drains", ping, [](Wire& wire) { wire.session.drain(peer::Millis(0)); }, "", true},
      {"nor where it is gone", ping, [](Wire& wire) { wire.session.lose(); }, "", false},
  };
  for (const auto& row : rows) {
    World world;
    User al(world, "al");
    al.bytes(share + row.behind);
    expect(row.sentence, al.heard(), its_answers);
    ck_assert_msg(!al.finished, "%s", row.sentence);
    row.meanwhile(al);
    al.heard();
    al.turn();
    expect(row.sentence, al.heard(), row.heard);
    ck_assert_msg(al.finished == row.finished && !al.wants_turn, "%s", row.sentence);
  }
}
END_TEST

START_TEST(what_is_kept_survives_telnet_a_slow_login_and_a_pause) {
  const std::string ping = "{\"cmd\":\"ping\"}\n", pong = "{\"cmd\":\"pong\"}\n";
  std::string share, its_answers;
  for (unsigned i = 0; i < Session::lines_per_turn; ++i) share += ping, its_answers += pong;
  World world;
  world.desk.mailbox_is_slow = true;
  Wire al(world);
  al.heard();
  al.bytes(share + "{\"cmd\":\"pi\xff\xfd\x01ng\"}\n" + login("al") + "\n" + ping + share);
  expect("the refusal of an option is no answer to a line", al.heard(), its_answers + "\xff\xfc\x01");
  al.turn();
  expect("then the login takes a while", al.heard(), pong);
  ck_assert(al.paused && !al.wants_turn);
  world.desk.ready();
  al.flush();
  ck_assert_msg(al.session.logged_in() && al.paused && al.wants_turn, "a share is handled with its answer");
  al.turn();
  ck_assert(!al.paused);
  const std::string in = R"({"cmd":"login","ok":true,"name":"al","node":"n1","waiting":0})"
                         "\n";
  expect("all of it", al.heard(), in + its_answers + pong);

  world.desk.keep = true;
  const std::string big = chat_to("bob", R"("content":")" + std::string(30'000, 'x') + "\"") + "\n";
  std::string chats;
  for (int i = 0; i < 9; ++i) chats += big;
  al.bytes(chats + share);
  ck_assert(al.paused && al.wants_turn);
  world.desk.settle_kept(9);
  ck_assert_msg(al.paused, "its chats are settled, but something is kept");
  al.turn();
  ck_assert(!al.paused && !al.wants_turn);
  al.bytes(chats + share);
  while (al.wants_turn) al.turn();
  ck_assert_msg(al.paused, "nothing is kept, but its chats are not settled");
  world.desk.settle_kept(9);
  ck_assert(!al.paused);
}
END_TEST

START_TEST(slows_a_fast_sender_down) {
  World world;
  User al(world, "al");
  world.desk.keep = true;
  const std::string big = chat_to("bob", R"("content":")" + std::string(30'000, 'x') + "\"");
  for (int i = 0; i < 8; ++i) al.line(big);
  ck_assert(!al.paused);
  // The ninth and the tenth came in the same read: both are taken.
  al.bytes(big + "\n" + big + "\n");
  ck_assert(al.paused);
  ck_assert_uint_eq(world.desk.kept.size(), 10);
  world.desk.settle_kept(5);
  ck_assert(al.paused);
  world.desk.settle_kept(1);
  ck_assert_msg(!al.paused, "less than half is unsettled");
  for (int i = 0; i < 5; ++i) al.line(big);
  ck_assert(al.paused);
}
END_TEST

START_TEST(a_small_queue_bounds_the_sender_too) {
  client::SessionSettings settings = usual();
  settings.queue_bytes = 8000;
  World world(settings);
  User al(world, "al");
  world.desk.keep = true;
  const std::string big = chat_to("bob", R"("content":")" + std::string(900, 'x') + "\"");
  for (int i = 0; i < 4; ++i) al.line(big);
  ck_assert(!al.paused);
  al.line(big);
  ck_assert_msg(al.paused, "half a queue is unsettled");
  world.desk.settle_kept(2);
  ck_assert(al.paused);
  world.desk.settle_kept(1);
  ck_assert_msg(!al.paused, "a quarter");
}
END_TEST

// What is delivered to one who has said goodbye is not written, since it may not be there any more.
START_TEST(who_departs_is_given_nothing_more) {
  for (const bool by_end : {false, true}) {
    World world;
    User al(world, "al");
    User bob(world, "bob");
    world.desk.keep = true;
    bob.line(chat_to("al", R"("content":1,"id":"m")"));
    world.desk.keep = false;
    al.line(chat_to("bob", R"("content":1)"));
    world.desk.log.clear();
    by_end ? bob.session.on_end() : bob.line(R"({"cmd":"logout"})");
    al.line(chat_to("bob", R"("content":2)"));
    al.line(chat_to("bob", R"("content":3)"));
    bob.flush();
    world.desk.settle_kept(1);
    ck_assert(bob.finished);
    bob.flush();
    const std::string back = world.desk.log;
    bob.session.lose();
    expect("nothing waits for the connection", world.desk.log, back);
    expect("the first is written, the others are given back in order", world.desk.log,
           "written 1\nlogout bob\nunwritten 2\nunwritten 3\n");
    const std::string heard = bob.heard();
    ck_assert(heard.find(R"("content":1)") != std::string::npos);
    ck_assert(heard.find(R"("content":2)") == std::string::npos);
    ck_assert(heard.ends_with("{\"cmd\":\"ack\",\"id\":\"m\",\"status\":\"written\"}\n"));
  }
}
END_TEST

START_TEST(what_comes_last_goes_back_last) {
  World world;
  User al(world, "al");
  User bob(world, "bob");
  world.desk.keep = true;
  bob.line(chat_to("al", R"("content":1,"id":"m")"));
  world.desk.keep = false;
  al.line(chat_to("bob", R"("content":1)"));
  al.line(chat_to("bob", R"("content":2)"));
  bob.flush(10);
  bob.line(R"({"cmd":"logout"})");
  al.line(chat_to("bob", R"("content":3)"));
  world.desk.settle_kept(1);
  ck_assert(bob.finished);
  world.desk.log.clear();
  bob.flush(world.desk.lines[1].size());
  bob.session.lose();
  expect("the connection was slow", world.desk.log, "written 1\nunread 2\nunwritten 3\n");
}
END_TEST

START_TEST(departs_in_time_while_paused) {
  World world;
  User al(world, "al");
  world.desk.keep = true;
  for (int i = 0; i < 9; ++i) al.line(chat_to("bob", R"("content":")" + std::string(60'000, 'x') + "\""));
  while (al.wants_turn) al.turn();
  ck_assert(al.paused);
  al.session.on_end();
  peer::Time& now = world.commons.clock.now;
  now += std::chrono::milliseconds(4900);
  world.desk.settle_kept(1);
  al.tick();
  ck_assert(!al.finished);
  now += std::chrono::milliseconds(100);
  al.tick();
  ck_assert(al.finished);
}
END_TEST

START_TEST(but_not_for_one_stalled_recipient) {
  World world;
  User al(world, "al");
  world.desk.keep = true;
  const std::string big = chat_to("bob", R"("content":")" + std::string(30'000, 'x') + "\"");
  for (int i = 0; i < 9; ++i) al.line(big);
  ck_assert(al.paused);
  peer::Time& now = world.commons.clock.now;
  now += std::chrono::milliseconds(900);
  al.tick();
  ck_assert(al.paused);
  world.desk.settle_kept(1);  // something moves: another second
  now += std::chrono::milliseconds(900);
  al.tick();
  ck_assert(al.paused);
  now += std::chrono::milliseconds(100);
  al.tick();
  ck_assert_msg(!al.paused, "nothing was settled for a second");
  for (int i = 0; i < 3; ++i) al.line(big);
  ck_assert_msg(!al.paused, "lifted until it has fallen below half");
  world.desk.settle_kept(7);
  for (int i = 0; i < 4; ++i) al.line(big);
  ck_assert(!al.paused);
  al.line(big);
  ck_assert_msg(al.paused, "and from then on as before");
}
END_TEST

START_TEST(a_failure_at_once_leaves_nothing_unsettled) {
  World world;
  User al(world, "al");
  for (int i = 0; i < 20; ++i) al.line(chat_to("bob", R"("content":")" + std::string(60'000, 'x') + "\""));
  while (al.wants_turn) al.turn();
  ck_assert(!al.paused);
}
END_TEST

START_TEST(a_paused_session_can_be_kicked_and_settled) {
  World world;
  User al(world, "al");
  world.desk.keep = true;
  for (int i = 0; i < 9; ++i) al.line(chat_to("bob", R"("content":")" + std::string(60'000, 'x') + "\""));
  ck_assert(al.paused);
  User newer(world, "al");
  ck_assert(al.finished);
  for (int i = 0; i < 9; ++i) al.session.on_outcome("", 60'100, Outcome::written, false);
  al.tick();
  ck_assert_msg(al.paused, "nothing more is asked of a connection that is closing");
}
END_TEST

START_TEST(limits_the_rate) {
  client::SessionSettings settings = usual();
  settings.chats_per_s = 10;
  settings.chats_burst = 3;
  World world(settings);
  User al(world, "al");
  User bob(world, "bob");
  const std::string hi = chat_to("bob", R"("content":1)");
  for (int i = 0; i < 5; ++i) al.line(hi);
  ck_assert_uint_eq(world.desk.lines.size(), 3);
  const std::string error = R"({"cmd":"error","code":"rate_limited","message":"too many chats a second","in":"chat"})"
                            "\n";
  expect("those over the burst", al.heard(), error + error);
  world.commons.clock.now += std::chrono::milliseconds(100);
  al.line(hi);
  al.line(hi);
  ck_assert_uint_eq(world.desk.lines.size(), 4);
  world.commons.clock.now += std::chrono::seconds(100);
  for (int i = 0; i < 5; ++i) al.line(hi);
  ck_assert_uint_eq(world.desk.lines.size(), 7);
}
END_TEST

START_TEST(the_burst_is_twice_the_rate_unless_set) {
  client::SessionSettings settings = usual();
  settings.chats_per_s = 5;
  World world(settings);
  User al(world, "al");
  User bob(world, "bob");
  for (int i = 0; i < 20; ++i) al.line(chat_to("bob", R"("content":1)"));
  ck_assert_uint_eq(world.desk.lines.size(), 10);
}
END_TEST

START_TEST(is_small) {
  // What 15,000 idle sessions cost; the connection's socket comes on top.
  ck_assert_uint_le(sizeof(Session), 256);
}
END_TEST

SUITE(follows_the_transcripts, follows_them_in_every_two_pieces, follows_them_byte_by_byte,
      the_recipient_reads_what_was_written, turned_away, kicks_are_worded, a_name_with_quotes_sends_and_reads,
      text_for_who_asked_for_it, a_delivery_of_a_form_not_known_yet_is_shown_whole, tells_outcomes_that_come_later,
      names_whom_a_person_wrote_to, a_chat_sent_again_says_so, the_newest_login_replaces,
      departs_when_its_chats_are_settled, drains, counts_what_the_kernel_took, every_cut_of_the_stream_is_counted_right,
      a_kicked_session_still_accounts_for_its_queue, cuts_who_reads_too_slowly, answers_count_too,
      refused_telnet_options_do_not_pile_up, handles_a_share_of_its_lines_each_turn, a_flood_is_heard_at_its_pace,
      who_is_refused_is_heard_less_often, who_spoke_little_may_say_much_at_once, what_is_kept_is_handled_before_any_end,
      what_is_kept_survives_telnet_a_slow_login_and_a_pause, slows_a_fast_sender_down,
      a_small_queue_bounds_the_sender_too, who_departs_is_given_nothing_more, what_comes_last_goes_back_last,
      departs_in_time_while_paused, but_not_for_one_stalled_recipient, a_failure_at_once_leaves_nothing_unsettled,
      a_paused_session_can_be_kicked_and_settled, limits_the_rate, the_burst_is_twice_the_rate_unless_set, is_small)
