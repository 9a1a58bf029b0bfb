// A login in two steps: the desk takes the name, and some time later the mailbox
// has been asked. What the client has sent meanwhile waits and is not lost.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/client/human.h"
#include "src/client/session.h"
#include "tests/unit/suite.h"
#include "tests/unit/wire.h"

namespace {

using namespace std::string_literals;

std::string logged_in(std::string_view name, int waiting = 0) {
  return R"({"cmd":"login","ok":true,"name":")" + std::string(name) + R"(","node":"n1","waiting":)" +
         std::to_string(waiting) + "}\n";
}

const std::string pong = "{\"cmd\":\"pong\"}\n";
const std::string ping = "{\"cmd\":\"ping\"}\n";

struct SlowWorld : World {
  SlowWorld() { desk.mailbox_is_slow = true; }
  void answer(Wire& wire) {
    desk.ready();
    wire.flush();
  }
};

}  // namespace

START_TEST(what_comes_with_it_waits) {
  SlowWorld world;
  Wire al(world);
  al.heard();
  al.bytes(login("al") + "\n" + ping + chat_to("al", R"("content":1,"id":"7")") + "\n{\"cmd\":\"lo");
  expect("nothing is answered yet", al.heard(), "");
  ck_assert_msg(al.paused && !al.session.logged_in(), "nothing more is read");
  ck_assert(world.desk.lines.empty());

  world.desk.waiting = 3;
  world.desk.ready();
  ck_assert(al.session.logged_in());
  ck_assert_msg(al.paused && world.desk.lines.empty(), "while the desk is calling nothing is asked of it");
  world.desk.deliver("al", {"{\"cmd\":\"chat\"}\n", true, false});
  al.flush();
  ck_assert(!al.paused);
  al.flush();
  expect("the answer, what is delivered, then the rest in order", al.heard(),
         logged_in("al", 3) + "{\"cmd\":\"chat\",\"stored\":true}\n" + pong +
             R"({"cmd":"chat","send":"al","recv":"al","content":1,"id":"7","ts":1700000000000})"
             "\n"
             R"({"cmd":"ack","id":"7","status":"written"})"
             "\n");
  al.bytes("gout\"}\n");
  ck_assert_msg(al.finished, "a line may have begun in it");
}
END_TEST

START_TEST(all_of_it_in_one_packet_at_every_split) {
  const struct {
    const char* sentence;
    std::string said;
    std::string heard;
  } rows[] = {
      {"JSON", login("al") + "\r\n" + ping + chat_to("bob", R"("content":1)") + "\n{\"cmd\":\"logout\"}\n" + ping,
       logged_in("al", 2) + pong},
      {"a person", "/login al\r\n/msg bob hi\r\n/help me\r\n/quit\r\n",
       "logged in as al on n1; 2 messages waited for you\r\n" + std::string(client::help_text) + "\r\n"},
      {"a person who ends lines with bare returns", "/login al\r\0/msg bob hi\r\0/quit\r\0"s,
       "logged in as al on n1; 2 messages waited for you\r\n"},
      {"a person who pastes", login("al") + "\r\n/msg bob hi\r\n/quit\r\n",
       R"({"cmd":"login","ok":true,"name":"al","node":"n1","waiting":2})"
       "\r\n"},
  };
  for (const auto& row : rows)
    for (std::size_t at = 0; at <= row.said.size(); ++at)
      for (const bool meanwhile : {false, true}) {
        SlowWorld world;
        Wire bob(world);
        bob.line(login("bob"));
        world.answer(bob);
        world.desk.waiting = 2;
        Wire al(world);
        // The first byte of all makes a person of the client.
        if (row.said.find("/msg") != std::string::npos) al.line("/help");
        al.heard();
        al.bytes(std::string_view(row.said).substr(0, at));
        if (meanwhile) world.answer(al);
        if (!al.paused) al.bytes(std::string_view(row.said).substr(at));
        world.answer(al);
        if (!meanwhile && !al.finished) al.bytes(std::string_view(row.said).substr(at));
        al.flush();
        bob.flush();
        al.flush();
        expect(row.sentence, al.heard(), row.heard);
        ck_assert_uint_eq(world.desk.lines.size(), 1);
        ck_assert_msg(al.finished, "%s: split at %zu", row.sentence, at);
      }
}
END_TEST

START_TEST(telnet_commands_in_the_same_packet) {
  const std::string said = "/login al\r\n/he\xff\xf1lp me\r\n\xff\xfd\x01/msg bob a\xff\xfd\x03 b\r\n/quit\r\n";
  for (std::size_t at = 0; at <= said.size(); ++at) {
    SlowWorld world;
    Wire al(world);
    al.heard();
    al.bytes(std::string_view(said).substr(0, at));
    world.answer(al);
    if (al.paused) world.answer(al);
    al.bytes(std::string_view(said).substr(at));
    world.answer(al);
    std::string heard = al.heard();
    for (const std::string_view answer : {"\xff\xfc\x01", "\xff\xfc\x03"}) {
      const std::size_t where = heard.find(answer);
      ck_assert(where != std::string::npos);
      heard.erase(where, answer.size());
    }
    expect("options are refused at once, lines wait", heard,
           "logged in as al on n1\r\n" + std::string(client::help_text) +
               "\r\nerror no_such_user: nobody called bob is online\r\n");
    ck_assert(al.finished);
  }
}
END_TEST

START_TEST(a_person_is_told_what_waited) {
  const struct {
    std::size_t waiting;
    const char* told;
  } rows[] = {
      {0, "logged in as al on n1\r\n"},
      {1, "logged in as al on n1; 1 message waited for you\r\n"},
      {1000, "logged in as al on n1; 1000 messages waited for you\r\n"},
  };
  for (const auto& row : rows)
    for (const bool slow : {false, true}) {
      World world;
      world.desk.mailbox_is_slow = slow;
      world.desk.waiting = row.waiting;
      Wire al(world);
      al.heard();
      al.line("/login al");
      world.desk.ready();
      expect("so many", al.heard(), row.told);
    }
}
END_TEST

// Whatever ends the session before the desk is ready, it ends once, and nothing
// that came with the login is obeyed; the login itself is answered.
START_TEST(ends_before_it_is_done) {
  const struct {
    const char* sentence;
    std::function<void(World& world, Wire& al)> end;
    std::string heard;
    std::string log;
  } rows[] = {
      {"kicked by a newer login",
       [](World& world, Wire&) {
         Wire newer(world);
         newer.line(login("al"));
         world.desk.log += "-\n";
       },
       logged_in("al") + "{\"cmd\":\"kicked\",\"reason\":\"replaced\",\"retry\":false}\n",
       "login al\nlogin al\nlogout al\n-\nlogout al\n"},
      {"the connection is lost", [](World&, Wire& al) { al.session.lose(); }, "", "login al\nlogout al\n"},
      {"drain", [](World&, Wire& al) { al.session.drain(peer::Millis(5000)); },
       logged_in("al") + "{\"cmd\":\"kicked\",\"reason\":\"drain\"", "login al\nlogout al\n"},
  };
  for (const auto& row : rows) {
    SlowWorld world;
    Wire al(world);
    al.heard();
    al.bytes(login("al") + "\n" + ping + chat_to("al", R"("content":1)") + "\n");
    row.end(world, al);
    ck_assert_msg(al.finished == !row.heard.empty(), "%s", row.sentence);
    world.desk.ready();
    al.tick();
    al.flush();
    if (al.finished) expect(row.sentence, al.heard().substr(0, row.heard.size()), row.heard);
    expect(row.sentence, world.desk.log, row.log);
    ck_assert_msg(world.desk.lines.empty() && !al.session.logged_in(), "%s", row.sentence);
    al.session.lose();
    expect(row.sentence, world.desk.log, row.log);
  }
}
END_TEST

START_TEST(kicked_from_inside_the_login) {
  SlowWorld world;
  Wire al(world);
  al.heard();
  world.desk.on_each_login = [&] {
    chat::Client* const client = world.desk.users.begin()->second.client;
    world.desk.logout(world.desk.users.begin()->first);
    client->kick(chat::KickReason::replaced);
  };
  al.bytes(login("al") + "\n" + ping);
  expect("told so, and that is all", al.heard(),
         logged_in("al") + "{\"cmd\":\"kicked\",\"reason\":\"replaced\",\"retry\":false}\n");
  ck_assert(al.finished && !al.paused);
  al.session.lose();
  expect("it has left once", world.desk.log, "login al\nlogout al\n");
}
END_TEST

START_TEST(the_end_of_its_input_waits_too) {
  for (const bool logout : {false, true}) {
    SlowWorld world;
    Wire al(world);
    al.heard();
    world.desk.keep = true;
    al.bytes(login("al") + "\n" + chat_to("bob", R"("content":1,"id":"7")") +
             (logout ? "\n{\"cmd\":\"logout\"}\n" : "\n"));
    al.session.on_end();
    ck_assert(!al.finished);
    world.answer(al);
    ck_assert_msg(!al.finished, "its chat has no outcome yet");
    ck_assert_uint_eq(world.desk.kept.size(), 1);
    world.desk.settle_kept(1, chat::Outcome::stored);
    ck_assert(al.finished);
    expect("it is told all", al.heard(), logged_in("al") + "{\"cmd\":\"ack\",\"id\":\"7\",\"status\":\"stored\"}\n");
    expect("and leaves", world.desk.log, "login al\nlogout al\n");
  }
}
END_TEST

START_TEST(what_waited_is_judged_as_ever) {
  client::SessionSettings settings = usual();
  settings.line_bytes = 100;
  World world(settings);
  world.desk.mailbox_is_slow = true;
  Wire al(world);
  al.heard();
  al.bytes(login("al") + "\n" + login("ed") + "\n{" + std::string(110, ' ') + "\n" + ping + "{" +
           std::string(210, ' '));
  world.desk.ready();
  al.flush();
  expect("errors, then too long a line", al.heard(),
         logged_in("al") +
             R"({"cmd":"error","code":"already_logged_in","message":"you are logged in already","in":"login"})"
             "\n"
             R"({"cmd":"error","code":"too_large","message":"a line may have at most 100 bytes"})"
             "\n" +
             pong +
             R"({"cmd":"error","code":"too_large","message":"a line may have at most 100 bytes"})"
             "\n");
  ck_assert(al.finished);
}
END_TEST

START_TEST(a_fast_sender_is_slowed_down_all_the_same) {
  SlowWorld world;
  Wire al(world);
  al.heard();
  world.desk.keep = true;
  std::string chats;
  for (int i = 0; i < 10; ++i) chats += chat_to("bob", R"("content":")" + std::string(60'000, 'x') + "\"") + "\n";
  al.bytes(login("al") + "\n" + chats);
  world.answer(al);
  ck_assert_uint_eq(world.desk.kept.size(), 10);
  while (al.wants_turn) al.turn();
  ck_assert_msg(al.paused && al.ticked, "it owes too much");
  world.desk.settle_kept(10);
  ck_assert(!al.paused);
  al.tick();
  ck_assert(!al.ticked);
}
END_TEST

SUITE(what_comes_with_it_waits, all_of_it_in_one_packet_at_every_split, telnet_commands_in_the_same_packet,
      a_person_is_told_what_waited, ends_before_it_is_done, kicked_from_inside_the_login,
      the_end_of_its_input_waits_too, what_waited_is_judged_as_ever, a_fast_sender_is_slowed_down_all_the_same)
