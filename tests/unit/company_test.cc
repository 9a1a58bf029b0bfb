// Who else is there: what a session asks the desk, and how it words the answer.
#include "src/client/session.h"
#include "tests/unit/suite.h"
#include "tests/unit/wire.h"

namespace {

const std::string busy =
    R"({"cmd":"error","code":"busy","message":"the last question of who is online has no answer yet","in":"who"})"
    "\n";

}  // namespace

START_TEST(asks_and_answers) {
  World world;
  world.desk.roll = chat::Roll{{"al", "b\"b", "\xe5\xb0\x8f"}, true, 17, {}};
  User al(world, "al");
  world.desk.log.clear();
  al.line(R"({"cmd":"who"})");
  al.line(R"({"cmd":"who","limit":1000,"after":"\u0062","id":"7"})");
  expect("what the desk is asked", world.desk.log, "who 100 after \nwho 1000 after b\n");
  const std::string answer = R"({"cmd":"who","users":["al","b\"b","小"],"count":17,"more":true})"
                             "\n";
  expect("the answers", al.heard(), answer + answer);
  world.desk.roll = chat::Roll{{}, false, 3, {"n2", "n4"}};
  al.line(R"({"cmd":"who"})");
  expect("nodes that are silent", al.heard(),
         R"({"cmd":"who","users":[],"count":3,"more":false,"partial":["n2","n4"]})"
         "\n");
}
END_TEST

START_TEST(for_people) {
  World world;
  world.desk.roll = chat::Roll{{"al", "b\x1b"}, false, 2, {}};
  Wire al(world);
  al.line("/who");
  al.line("/login al");
  al.heard();
  al.line("/who ");
  al.line("/who lobby");
  world.desk.roll = chat::Roll{{"al"}, true, 300, {"n2", "n4"}};
  al.line("/who");
  expect("in plain words", al.heard(),
         "2 online: al b\\x1b\r\n"
         "error bad_request: rooms are not available; type /who\r\n"
         "300 online: al …; no answer from n2 n4\r\n");
  al.line(R"({"cmd":"who","limit":1})");
  expect("a pasted line is answered in JSON", al.heard(),
         R"({"cmd":"who","users":["al"],"count":300,"more":true,"partial":["n2","n4"]})"
         "\r\n");
}
END_TEST

START_TEST(refusals) {
  World world;
  Wire guest(world);
  guest.line(R"({"cmd":"who","id":"7"})");
  guest.line(R"({"cmd":"who","room":"lobby","id":"8"})");
  expect("what a guest is told", guest.heard(),
         hello + R"({"cmd":"error","code":"not_logged_in","message":"log in first","in":"who","id":"7"})"
                 "\n"
                 R"({"cmd":"error","code":"bad_request","message":"rooms are not available","in":"who","id":"8"})"
                 "\n");
  User al(world, "al");
  world.desk.nobody_asks = true;
  al.line(R"({"cmd":"who"})");
  expect("too many ask", al.heard(),
         R"({"cmd":"error","code":"busy","message":"too many ask who is online; try again in a moment","in":"who"})"
         "\n");
  world.desk.nobody_asks = false;
  al.line(R"({"cmd":"who"})");
  expect("which leaves no trace", al.heard(), "");
  ck_assert_uint_eq(world.desk.asking.size(), 1);
}
END_TEST

START_TEST(one_question_at_a_time) {
  World world;
  User al(world, "al");
  al.line(R"({"cmd":"who"})");
  al.line(R"({"cmd":"who"})");
  al.line(R"({"cmd":"ping"})");
  expect("other answers do not wait", al.heard(), busy + "{\"cmd\":\"pong\"}\n");
  world.desk.answer_who({{"al"}, false, 1, {}});
  const std::string answer = R"({"cmd":"who","users":["al"],"count":1,"more":false})"
                             "\n";
  expect("then the answer", al.heard(), answer);
  al.session.on_roll({{"al"}, false, 1, {}});
  expect("one that nobody waits for", al.heard(), "");
  al.line(R"({"cmd":"who"})");
  world.desk.answer_who({{"al"}, false, 1, {}});
  expect("and the next", al.heard(), answer);
}
END_TEST

START_TEST(who_logs_out_is_told_before) {
  for (const bool in_time : {true, false}) {
    World world;
    User al(world, "al");
    al.line(R"({"cmd":"who"})");
    al.line(R"({"cmd":"logout"})");
    ck_assert(!al.finished);
    if (in_time) {
      world.desk.answer_who({{"al"}, false, 1, {}});
    } else {
      world.commons.clock.now += std::chrono::seconds(5);
      al.tick();
      world.desk.answer_who({{"al"}, false, 1, {}});
    }
    ck_assert(al.finished);
    expect("the answer, if it comes in time", al.heard(),
           in_time ? R"({"cmd":"who","users":["al"],"count":1,"more":false})"
                     "\n"
                   : "");
  }
}
END_TEST

SUITE(asks_and_answers, for_people, refusals, one_question_at_a_time, who_logs_out_is_told_before)
