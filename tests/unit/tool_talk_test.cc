#include "tools/crosstalk/talk.h"

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/suite.h"
#include "tools/crosstalk/conversation.h"

namespace {

using namespace std::chrono_literals;
using crosstalk::Exit;
using crosstalk::Millis;
using crosstalk::Now;
using crosstalk::Talk;
using crosstalk::Told;
using suite::same;

constexpr const char* hello = R"({"cmd":"hello","server":"crosstalkd/1","node":"n1","proto":1})";
constexpr const char* welcome = R"({"cmd":"login","ok":true,"name":"alice","node":"n1","waiting":0})";
constexpr const char* login = "{\"cmd\":\"login\",\"name\":\"alice\",\"ack\":true}\n";

// A talk, and a clock that only the test moves.
struct Scene {
  explicit Scene(std::vector<tool::Address> servers = {{"h", 1}}, Talk::Form form = Talk::Form::people)
      : talk({"alice", "", std::move(servers), form, 60s, "id", 1}, now()) {
    setenv("TZ", "UTC0", 1);
    tzset();
  }

  Now now() const { return {at, 1700049600000}; }
  void hear(std::string_view line) { talk.heard(line, now()); }
  void pass(Millis time) {
    at += time;
    talk.timeout(now());
  }
  // In, with nothing left to take.
  void log_in() {
    ck_assert(talk.wants_dial(now()));
    talk.opened(now());
    hear(hello);
    hear(welcome);
    same("it logs in", talk.take_output().substr(0, std::string_view(login).size()), login);
    talk.take_told();
  }
  void lose(const char* why = "gone") {
    talk.lost(why, now());
    talk.take_told();
  }
  std::string said() { return talk.take_output(); }
  std::string told() {
    std::string text;
    for (const Told& one : talk.take_told()) text += one.text + "\n";
    return text;
  }
  void chat(int seq, const char* id, const char* more = "") {
    hear(R"({"cmd":"chat","send":"bob","recv":"alice","content":"hi","id":")" + std::string(id) +
         R"(","ts":1700049600000,"seq":)" + std::to_string(seq) + more + "}");
  }

  Millis at{1000};
  Talk talk;
};

}  // namespace

START_TEST(logs_in_when_it_was_greeted) {
  Scene scene;
  ck_assert(scene.talk.wants_dial(scene.now()));
  scene.talk.opened(scene.now());
  ck_assert(!scene.talk.wants_dial(scene.now()));
  same("nothing is said to a stranger", scene.said(), "");
  scene.hear(hello);
  same("login", scene.said(), login);
  ck_assert(!scene.talk.connected());
  scene.hear(R"({"cmd":"login","ok":true,"name":"alice","node":"n1","waiting":2})");
  ck_assert(scene.talk.connected());
  same("told", scene.told(), "logged in as alice on n1; 2 messages waited for you\n");
}
END_TEST

START_TEST(what_was_shown_is_confirmed_and_nothing_else) {
  Scene scene;
  scene.log_in();
  scene.chat(1, "a");
  scene.chat(2, "b");
  scene.talk.was_shown();
  same("not taken, not confirmed", scene.said(), "");
  scene.told();
  scene.chat(3, "c");
  scene.talk.was_shown();
  same("as far as it was taken", scene.said(), "{\"cmd\":\"ack\",\"seq\":2}\n");
  scene.talk.was_shown();
  same("once", scene.said(), "");
  scene.told();
  scene.lose();
  scene.talk.was_shown();
  same("not in another session", scene.said(), "");
}
END_TEST

START_TEST(a_chat_has_its_outcome) {
  Scene scene;
  scene.log_in();
  scene.talk.say("bob", "\"hi\"");
  same("sent", scene.said(), "{\"cmd\":\"chat\",\"recv\":\"bob\",\"content\":\"hi\",\"id\":\"id-1\"}\n");
  ck_assert(scene.talk.without_outcome() == 1 && scene.talk.last_status().empty());
  scene.hear(R"({"cmd":"ack","id":"id-1","status":"delivered"})");
  ck_assert(scene.talk.without_outcome() == 0);
  same("what became of the last", scene.talk.last_status(), "delivered");
  ck_assert((scene.talk.take_told() == std::vector<Told>{{Told::Kind::settled, "delivered to bob"}}));
  scene.talk.say("bob", "\"hi\"");
  scene.hear(R"({"cmd":"ack","id":"id-2","status":"stored"})");
  ck_assert(scene.talk.take_told().at(0).kind == Told::Kind::outcome);
  scene.talk.say("bob", "\"hi\"");
  scene.hear(R"({"cmd":"error","code":"mailbox_full","message":"full","in":"chat","id":"id-3"})");
  same("told", scene.told(), "mailbox_full: full\n");
  scene.hear(R"({"cmd":"ack","id":"id-3","status":"delivered"})");
  same("one outcome each", scene.told(), "");
}
END_TEST

START_TEST(what_has_no_outcome_is_sent_again) {
  Scene scene;
  scene.log_in();
  scene.talk.say("bob", "1");
  scene.talk.say("bob", "2");
  scene.said();
  scene.hear(R"({"cmd":"ack","id":"id-1","status":"written"})");
  scene.lose();
  scene.talk.say("bob", "3");
  same("told", scene.told(), "not connected; it is sent as soon as that is mended\n");
  scene.pass(1s);
  scene.talk.opened(scene.now());
  scene.hear(hello);
  scene.said();
  scene.hear(welcome);
  same("in order, under their ids; what was never sent is new", scene.said(),
       "{\"cmd\":\"chat\",\"recv\":\"bob\",\"content\":2,\"id\":\"id-2\",\"retry\":true}\n"
       "{\"cmd\":\"chat\",\"recv\":\"bob\",\"content\":3,\"id\":\"id-3\"}\n");
  same("and it says so", scene.told(), "back on n1\n");
}
END_TEST

START_TEST(what_is_typed_before_the_login_waits_for_it) {
  Scene scene;
  scene.talk.say("bob", "1");
  scene.talk.opened(scene.now());
  scene.hear(hello);
  scene.said();
  scene.hear(welcome);
  same("sent", scene.said(), "{\"cmd\":\"chat\",\"recv\":\"bob\",\"content\":1,\"id\":\"id-1\"}\n");
}
END_TEST

START_TEST(what_was_shown_before_is_not_shown_again) {
  Scene scene;
  scene.log_in();
  scene.chat(1, "a");
  same("shown", scene.told(), "12:00 bob: hi\n");
  scene.lose();
  scene.pass(1s);
  scene.log_in();
  scene.chat(1, "a", R"(,"redelivered":true)");
  same("not again", scene.told(), "");
  scene.talk.was_shown();
  same("but confirmed", scene.said(), "{\"cmd\":\"ack\",\"seq\":1}\n");
  scene.chat(2, "b", R"(,"redelivered":true)");
  same("one that another session may have shown", scene.told(), "12:00 bob (perhaps again): hi\n");
  scene.chat(3, "a");
  same("an id that is used again without the mark is new", scene.told(), "12:00 bob: hi\n");
}
END_TEST

START_TEST(a_loss_is_retried_with_backoff) {
  Scene scene;
  scene.log_in();
  scene.talk.lost("gone", scene.now());
  ck_assert(scene.told().starts_with("h:1: gone; trying again in "));
  Millis before{};
  for (int i = 0; i < 12; ++i) {
    ck_assert(!scene.talk.wants_dial(scene.now()));
    const Millis delay = scene.talk.wake_at() - scene.at;
    ck_assert(delay > 0ms && delay <= 15s && delay * 4 > before);
    before = delay;
    scene.pass(delay);
    ck_assert(scene.talk.wants_dial(scene.now()));
    scene.talk.lost("refused", scene.now());
  }
  ck_assert(before > 7s);
  int told = 0;
  for (const char c : scene.told()) told += c == '\n' ? 1 : 0;
  ck_assert_msg(told == 3, "told at doublings: %d", told);
  ck_assert(!scene.talk.over());
}
END_TEST

START_TEST(servers_are_taken_in_turn) {
  Scene scene({{"h1", 1}, {"h2", 2}});
  ck_assert(scene.talk.server().host == "h1");
  scene.talk.lost("refused", scene.now());
  ck_assert(scene.talk.server().host == "h2" && scene.talk.wants_dial(scene.now()));
  scene.log_in();
  scene.lose();
  ck_assert(scene.talk.server().host == "h1");
}
END_TEST

START_TEST(nobody_there_at_the_beginning_is_the_end) {
  Scene scene({{"h1", 1}, {"h2", 2}});
  scene.talk.lost("refused", scene.now());
  ck_assert(!scene.talk.over());
  scene.talk.lost("refused", scene.now());
  ck_assert(scene.talk.over() && scene.talk.ending().exit == Exit::unreachable);
  same("why", scene.talk.ending().why, "h2:2: refused");
}
END_TEST

START_TEST(somebody_else_there_is_the_end) {
  Scene scene;
  scene.talk.opened(scene.now());
  scene.hear("SSH-2.0-OpenSSH\x1b");
  ck_assert(scene.talk.over() && scene.talk.ending().exit == Exit::unreachable);
  same("the token was not told", scene.said(), "");
}
END_TEST

START_TEST(a_silent_server_is_too_late) {
  Scene scene;
  scene.talk.opened(scene.now());
  for (int i = 0; i < 4; ++i) {
    ck_assert(!scene.talk.over());
    scene.pass(15s);
    scene.hear(R"({"cmd":"pong"})");
  }
  ck_assert(scene.talk.over() && scene.talk.ending().exit == Exit::timeout);
}
END_TEST

START_TEST(refusals_end_it) {
  const struct {
    const char* code;
    Exit exit;
  } rows[] = {{"auth_failed", Exit::unauthorised}, {"bad_name", Exit::failed}, {"server_full", Exit::failed}};
  for (const auto& row : rows) {
    Scene scene;
    scene.talk.opened(scene.now());
    scene.hear(hello);
    scene.hear(R"({"cmd":"error","code":")" + std::string(row.code) + R"(","message":"no","in":"login"})");
    ck_assert_msg(scene.talk.over() && scene.talk.ending().exit == row.exit, "%s", row.code);
    same("the code", scene.talk.ending().code, row.code);
  }
}
END_TEST

START_TEST(goes_where_it_is_pointed_to) {
  Scene scene;
  for (int hop = 0; hop < 4; ++hop) {
    ck_assert(scene.talk.wants_dial(scene.now()));
    scene.talk.opened(scene.now());
    scene.hear(hello);
    scene.hear(R"({"cmd":"error","code":"server_full","message":"full","in":"login","try":"other:77"})");
    if (hop < 3) ck_assert((scene.talk.server() == tool::Address{"other", 77}));
  }
  ck_assert_msg(scene.talk.over(), "not for ever");
}
END_TEST

START_TEST(passes_over_a_server_that_is_full) {
  Scene scene({{"h1", 1}, {"h2", 2}});
  scene.talk.opened(scene.now());
  scene.hear(hello);
  scene.hear(R"({"cmd":"error","code":"shutting_down","message":"bye"})");
  ck_assert(!scene.talk.wants_connection());
  ck_assert(!scene.talk.over() && scene.talk.server().host == "h2");
  scene.log_in();
}
END_TEST

START_TEST(kicked_to_come_back_it_comes_back) {
  Scene scene({{"h1", 1}, {"h2", 2}});
  scene.log_in();
  scene.talk.say("bob", "1");
  scene.said();
  scene.hear(R"({"cmd":"kicked","reason":"drain","retry":true,"retry_after_ms":731})");
  same("told", scene.told(), "drain: the server is about to stop; coming back in 0.7 s\n");
  scene.talk.lost("closed", scene.now());
  same("the close is no news", scene.told(), "");
  ck_assert(scene.talk.wake_at() == scene.at + 731ms);
  ck_assert_msg(scene.talk.server().host == "h2", "to another");
  scene.pass(731ms);
  scene.log_in();
}
END_TEST

START_TEST(kicked_for_good_it_stays_away) {
  Scene scene;
  scene.log_in();
  scene.hear(R"({"cmd":"kicked","reason":"replaced","retry":false})");
  ck_assert(scene.talk.over() && scene.talk.ending().exit == Exit::failed);
  same("the code", scene.talk.ending().code, "replaced");
  same("why", scene.talk.ending().why, "you have logged in somewhere else");
}
END_TEST

START_TEST(a_silent_connection_is_asked_and_then_lost) {
  Scene scene;
  scene.log_in();
  scene.pass(14s);
  same("not yet", scene.said(), "");
  scene.pass(1s);
  same("asked", scene.said(), "{\"cmd\":\"ping\",\"id\":\"are-you-there\"}\n");
  scene.hear(R"({"cmd":"pong","id":"are-you-there"})");
  same("the answer is nobody's business", scene.told(), "");
  scene.pass(15s);
  ck_assert(!scene.said().empty());
  scene.pass(15s);
  ck_assert(!scene.talk.connected());
  ck_assert(scene.told().starts_with("h:1: nothing was heard for 30.0 s"));
}
END_TEST

START_TEST(leaves_when_all_has_an_outcome) {
  Scene scene;
  scene.log_in();
  scene.talk.say("bob", "1");
  scene.said();
  scene.talk.leave(scene.now());
  same("not yet", scene.said(), "");
  scene.hear(R"({"cmd":"ack","id":"id-1","status":"written"})");
  same("now", scene.said(), "{\"cmd\":\"logout\"}\n");
  ck_assert(!scene.talk.over());
  scene.talk.lost("closed", scene.now());
  ck_assert(scene.talk.over() && scene.talk.ending().exit == Exit::done);
}
END_TEST

START_TEST(whoever_leaves_before_the_login_learns_how_it_went) {
  Scene scene;
  scene.talk.leave(scene.now());
  ck_assert(!scene.talk.over());
  scene.talk.opened(scene.now());
  scene.hear(hello);
  scene.said();
  scene.hear(welcome);
  same("and is out again", scene.said(), "{\"cmd\":\"logout\"}\n");
}
END_TEST

START_TEST(leaving_has_an_end) {
  Scene impatient;
  impatient.log_in();
  impatient.talk.say("bob", "1");
  impatient.talk.leave(impatient.now());
  impatient.talk.leave(impatient.now());
  ck_assert(impatient.talk.over() && impatient.talk.ending().exit == Exit::timeout && impatient.talk.ending().maybe);
  Scene patient;
  patient.log_in();
  patient.talk.say("bob", "1");
  patient.talk.leave(patient.now());
  for (int i = 0; i < 6; ++i) {
    patient.pass(10s);
    patient.hear(R"({"cmd":"pong"})");
  }
  ck_assert(patient.talk.over() && patient.talk.ending().exit == Exit::timeout);
  Scene silent;
  silent.log_in();
  silent.talk.leave(silent.now());
  silent.pass(6s);
  ck_assert_msg(silent.talk.over() && silent.talk.ending().exit == Exit::done, "a server that does not close");
}
END_TEST

START_TEST(programs_get_the_lines_as_they_are) {
  Scene scene({{"h", 1}}, Talk::Form::json);
  scene.log_in();
  scene.hear(
      "{\"cmd\":\"chat\",\"send\":\"b\",\"recv\":\"alice\",\"content\":\"\xc3\xa9\xe2\x80\xae\",\"id\":\"1\",\"seq\":"
      "1}");
  same("in ASCII", scene.told(),
       "{\"cmd\":\"chat\",\"send\":\"b\",\"recv\":\"alice\",\"content\":\"\\u00e9\\u202e\",\"id\":\"1\",\"seq\":1}\n");
  scene.talk.say("b", "1");
  scene.hear(R"({"cmd":"ack","id":"id-1","status":"written"})");
  same("an outcome", scene.told(), "{\"cmd\":\"ack\",\"id\":\"id-1\",\"status\":\"written\"}\n");
}
END_TEST

START_TEST(too_much_without_an_outcome_is_not_taken) {
  Scene scene;
  scene.log_in();
  crosstalk::Conversation conversation(scene.talk, "alice");
  for (int i = 0; i < 256; ++i) ck_assert(conversation.typed("/msg bob hi", scene.now()).empty());
  ck_assert(scene.talk.full());
  ck_assert(conversation.typed("more", scene.now()).size() == 1);
  ck_assert(scene.talk.without_outcome() == 256);
}
END_TEST

START_TEST(a_conversation_goes_to_whom_it_went_last) {
  Scene scene;
  scene.log_in();
  crosstalk::Conversation conversation(scene.talk, "alice");
  same("nobody yet", conversation.prompt(), "alice> ");
  ck_assert(conversation.typed("hello", scene.now()) ==
            std::vector<std::string>{"say to whom first: /msg NAME TEXT, or /help"});
  ck_assert(conversation.typed("/msg bob say \"hi\"", scene.now()).empty());
  same("sent", scene.said(), "{\"cmd\":\"chat\",\"recv\":\"bob\",\"content\":\"say \\\"hi\\\"\",\"id\":\"id-1\"}\n");
  same("on its way", conversation.prompt(), "to bob (1 on the way)> ");
  scene.hear(R"({"cmd":"ack","id":"id-1","status":"delivered"})");
  same("there", conversation.prompt(), "to bob (delivered)> ");
  conversation.typed("again", scene.now());
  same("to the same", scene.said(), "{\"cmd\":\"chat\",\"recv\":\"bob\",\"content\":\"again\",\"id\":\"id-2\"}\n");
  conversation.typed("/who c", scene.now());
  same("who", scene.said(), "{\"cmd\":\"who\",\"limit\":100,\"after\":\"c\"}\n");
  scene.told();
  scene.hear(R"({"cmd":"error","code":"unknown_cmd","message":"?","in":"who"})");
  same("an older server", scene.told(), "unknown_cmd: this server does not know who\n");
  ck_assert(conversation.typed("/help", scene.now()).size() > 3);
  scene.lose();
  same("lost", conversation.prompt(), "to bob (not connected)> ");
  conversation.typed("/quit", scene.now());
  ck_assert(scene.talk.leaving());
}
END_TEST

SUITE(logs_in_when_it_was_greeted, what_was_shown_is_confirmed_and_nothing_else, a_chat_has_its_outcome,
      what_has_no_outcome_is_sent_again, what_is_typed_before_the_login_waits_for_it,
      what_was_shown_before_is_not_shown_again, a_loss_is_retried_with_backoff, servers_are_taken_in_turn,
      nobody_there_at_the_beginning_is_the_end, somebody_else_there_is_the_end, a_silent_server_is_too_late,
      refusals_end_it, goes_where_it_is_pointed_to, passes_over_a_server_that_is_full,
      kicked_to_come_back_it_comes_back, kicked_for_good_it_stays_away, a_silent_connection_is_asked_and_then_lost,
      leaves_when_all_has_an_outcome, whoever_leaves_before_the_login_learns_how_it_went, leaving_has_an_end,
      programs_get_the_lines_as_they_are, too_much_without_an_outcome_is_not_taken,
      a_conversation_goes_to_whom_it_went_last)
