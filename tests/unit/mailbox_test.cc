// Chats that are stored, drained and stored again: mailboxes, acknowledging
// sessions and what comes twice.
#include <string>
#include <vector>

#include "tests/unit/small_post.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using small_town::expect_texts;
using small_town::Person;
using small_town::PostTown;
using small_town::Texts;

START_TEST(stored_and_drained) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  town.town.start();
  for (const char* text : {"1", "2", "3", "4", "5"}) alice.send_known("bob", text);
  town.pump();
  expect_texts(alice.outcomes, {"\"1\" stored", "\"2\" stored", "\"3\" stored", "\"4\" stored", "\"5\" stored"},
               "told");
  ck_assert_uint_eq(town.shelf.waiting("bob"), 5);
  Person& bob = town.town.join(2, "bob");
  town.town.net.pump();
  ck_assert_msg(bob.ready.empty(), "not before it is known what waits");
  alice.send_known("bob", "6");
  town.pump();
  ck_assert(bob.ready == std::vector<std::size_t>{5});
  expect_texts(bob.got, {"1 stored", "2 stored", "3 stored", "4 stored", "5 stored", "6"}, "oldest first, then newer");
  ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
  ck_assert(town.town.router(1).idle());
}
END_TEST

START_TEST(who_has_nothing_waiting_is_ready) {
  PostTown town(1);
  Person& bob = town.town.join(1, "bob");
  town.pump();
  ck_assert(bob.ready == std::vector<std::size_t>{0});
  town.post(1).break_down();
  Person& carol = town.town.join(1, "carol");
  ck_assert_msg(carol.ready == std::vector<std::size_t>{0}, "at once while Redis is down");
}
END_TEST

START_TEST(redis_is_down) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  Person& bob = town.town.join(2, "bob");
  town.town.start();
  town.pump();
  town.post(1).break_down();
  alice.send_known("carol", "1");
  alice.send_known("bob", "2");
  town.pump();
  expect_texts(alice.outcomes, {"\"1\" unavailable", "\"2\" written"}, "who is online notices nothing");
  expect_texts(bob.got, {"2"}, "as ever");
}
END_TEST

START_TEST(redis_goes_down_with_a_chat_out) {
  PostTown town(1);
  Person& alice = town.town.join(1, "alice");
  town.pump();
  town.post(1).forgetful = true;
  alice.send_known("bob", "1");
  town.pump();
  expect_texts(alice.outcomes, {"\"1\" unavailable maybe"}, "it may be stored");
}
END_TEST

// bob logs in meanwhile, and leaves when Redis is back.
START_TEST(redis_is_asked_again_when_it_is_back) {
  for (const bool reads : {false, true}) {
    PostTown town(2);
    Person& alice = town.town.join(1, "alice");
    town.town.start();
    town.pump();
    town.post(1).works = false;
    alice.send_known("bob", "1");
    Person& bob = town.town.join(2, "bob");
    bob.acknowledges = true;
    bob.reads = reads;
    town.pump();
    town.post(1).break_down();
    town.pump();
    town.post(1).works = true;
    town.post(1).come_back();
    bob.hang_up();
    town.pump();
    expect_texts(alice.outcomes, {"\"1\" stored"}, "neither failed nor left open");
    Person& next = town.town.join(1, "bob");
    town.pump();
    expect_texts(next.got, {reads ? "1 stored again" : "1 stored"}, "for the next");
  }
}
END_TEST

START_TEST(a_full_mailbox) {
  PostTown town(1);
  town.shelf.max = 2;
  Person& alice = town.town.join(1, "alice");
  for (const char* text : {"1", "2", "3"}) alice.send_known("bob", text);
  town.pump();
  expect_texts(alice.outcomes, {"\"1\" stored", "\"2\" stored", "\"3\" mailbox_full"}, "told");
}
END_TEST

// bob logs in at n2 while n1, which has not heard of it, stores.
START_TEST(storing_while_the_recipient_logs_in) {
  const struct {
    const char* sentence;
    bool append_first;  // is it in the mailbox before bob's node looks?
  } rows[] = {{"stored before the look", true}, {"after it", false}};
  for (const auto& row : rows) {
    PostTown town(2);
    Person& alice = town.town.join(1, "alice");
    town.town.start();
    town.pump();
    town.post(1).works = town.post(2).works = false;
    alice.send_known("bob", "1");
    Person& bob = town.town.join(2, "bob");
    if (row.append_first)
      town.post(1).run(), town.post(2).run();
    else
      town.post(2).run(), town.post(1).run();
    town.post(1).works = town.post(2).works = true;
    town.pump();
    expect_texts(bob.got, {"1 stored"}, row.sentence);
    expect_texts(alice.outcomes, {"\"1\" stored"}, row.sentence);
    ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
    alice.send_known("bob", "2");
    town.pump();
    expect_texts(bob.got, {"1 stored", "2"}, row.sentence);
  }
}
END_TEST

// n1 has stored, and dies before it hears that he is at n2: it tells nobody.
START_TEST(the_storing_node_dies_unaware_of_the_login) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  town.town.start();
  town.pump();
  town.town.net.hold("n2", "n1");
  Person& bob = town.town.join(2, "bob");
  town.pump();
  alice.send_known("bob", "1");
  town.pump();
  expect_texts(alice.outcomes, {"\"1\" stored"}, "he is nowhere, for all that n1 knows");
  expect_texts(bob.got, {}, "and nobody knows more");
  town.town.reopen(1);
  town.town.settle();
  town.pump();
  expect_texts(bob.got, {"1 stored"}, "n2 hears of the death");
  ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
}
END_TEST

// They have given each other up when n1 stores, and n1's next life knows nothing of it.
START_TEST(a_node_that_was_given_up_stores_and_dies) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  Person& bob = town.town.join(2, "bob");
  town.town.start();
  town.pump();
  for (int n = 1; n <= 2; ++n) town.town.net.answer(small_net::Net::address(n), small_net::Net::Answer::refused);
  town.town.net.cut("n1", "n2");
  town.town.net.cut("n2", "n1");
  town.town.net.run_for(20s);
  town.pump();
  alice.send_known("bob", "1");
  town.pump();
  expect_texts(alice.outcomes, {"\"1\" stored"}, "n1 takes him for away");
  expect_texts(bob.got, {}, "and nobody tells him");
  for (int n = 1; n <= 2; ++n) town.town.net.answer(small_net::Net::address(n), small_net::Net::Answer::yes);
  town.town.reopen(1);
  town.town.net.run_for(20s);
  town.pump();
  expect_texts(bob.got, {"1 stored"}, "n2 hears that it is over");
  ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
}
END_TEST

// What was stored is before what goes there directly, though the wake is slow.
START_TEST(a_wake_goes_before_the_next_chat) {
  PostTown town(2);
  town.hears_wakes = false;
  Person& alice = town.town.join(1, "alice");
  town.town.start();
  alice.send_known("bob", "1");
  town.post(1).works = false;
  Person& bob = town.town.join(2, "bob");
  town.pump();
  ck_assert(bob.ready == std::vector<std::size_t>{0});
  alice.send_known("bob", "2");  // behind the first, which is not stored yet
  town.post(1).works = true;
  town.post(2).works = false;
  town.pump();
  ck_assert_msg(bob.got.empty(), "the second waits for the look into the mailbox");
  town.post(2).works = true;
  town.pump();
  expect_texts(bob.got, {"1 stored", "2"}, "in order");
}
END_TEST

// n1 has Redis and n2 not yet, where bob has logged in.
START_TEST(a_wake_while_redis_is_about_to_be_back) {
  for (const bool back : {true, false}) {
    PostTown town(2);
    Person& alice = town.town.join(1, "alice");
    town.town.start();
    alice.send_known("bob", "1");
    town.pump();
    town.post(2).break_down();
    Person& bob = town.town.join(2, "bob");
    town.pump();
    alice.send_known("bob", "2");
    town.pump();
    ck_assert(bob.got.empty() && town.town.router(2).wants_tick());
    if (back) town.post(2).come_back();
    town.town.net.run_for(2s);
    town.pump();
    expect_texts(bob.got, back ? Texts{"1 stored", "2"} : Texts{"2"}, back ? "in order" : "not for long");
    if (!back) town.post(2).come_back();
    town.pump();
    ck_assert_uint_eq(bob.got.size(), 2);
  }
}
END_TEST

// A mailbox that fills while it is emptied does not hold up what comes directly.
START_TEST(one_pass_is_enough_for_what_came_before_the_next_wake) {
  PostTown town(1);
  Person& alice = town.town.join(1, "alice");
  Person& bob = town.town.join(1, "bob");
  town.pump();
  town.post(1).works = false;
  town.town.router(1).on_wake("bob");
  alice.send_known("bob", "1");
  town.town.router(1).on_wake("bob");
  alice.send_known("bob", "2");
  ck_assert(bob.got.empty());
  town.post(1).run_one();
  expect_texts(bob.got, {"1"}, "with the first pass");
  town.post(1).run_one();
  expect_texts(bob.got, {"1", "2"}, "with the second");
}
END_TEST

START_TEST(acknowledged) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  Person& bob = town.town.join(2, "bob");
  bob.acknowledges = true;
  town.town.start();
  town.pump();
  alice.send_known("bob", "1");
  town.pump();
  expect_texts(alice.outcomes, {}, "not before bob says so");
  bob.confirm();
  town.pump();
  expect_texts(alice.outcomes, {"\"1\" delivered"}, "now");
}
END_TEST

// A session ends with some unconfirmed and some not even read.
START_TEST(what_was_not_confirmed_goes_on) {
  const struct {
    const char* sentence;
    int next;  // the node of bob's next session; 0: none before the mailbox has it
  } rows[] = {{"to the mailbox", 0},
              {"to his session on the same node", 2},
              {"to that on the sender's node", 1},
              {"to that on a third", 3}};
  for (const auto& row : rows) {
    PostTown town(3);
    Person& alice = town.town.join(1, "alice");
    Person& bob = town.town.join(2, "bob");
    bob.acknowledges = true;
    town.town.start();
    town.pump();
    alice.send_known("bob", "1");
    alice.send_known("bob", "2");
    town.pump();
    bob.reads = false;
    alice.send_known("bob", "3");
    town.pump();
    Person* next = row.next != 0 ? &town.town.join(row.next, "bob") : nullptr;
    if (next == nullptr) bob.hang_up();
    town.pump();
    bob.lose();
    town.pump();
    if (next == nullptr) next = &town.town.join(3, "bob");
    town.pump();
    const bool stored = row.next == 0;
    expect_texts(next->got,
                 stored ? Texts{"1 stored again", "2 stored again", "3 stored"} : Texts{"1 again", "2 again", "3"},
                 row.sentence);
    ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
    ck_assert_uint_eq(town.town.router(2).barriers(), 0);
  }
}
END_TEST

// Of the mailbox: what a session took and did not confirm is there for the next.
START_TEST(an_entry_leaves_when_it_is_confirmed) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  town.town.start();
  for (const char* text : {"1", "2", "3", "4"}) alice.send_known("bob", text);
  town.pump();
  Person& bob = town.town.join(2, "bob");
  bob.acknowledges = true;
  town.pump();
  ck_assert_uint_eq(town.shelf.waiting("bob"), 4);
  for (int n = 0; n < 2; ++n) {
    town.town.router(2).on_delivered(bob.unconfirmed.front().origin);
    bob.unconfirmed.pop_front();
  }
  town.pump();
  ck_assert_uint_eq(town.shelf.waiting("bob"), 2);
  bob.hang_up();
  town.pump();
  Person& next = town.town.join(1, "bob");
  town.pump();
  ck_assert(next.ready == std::vector<std::size_t>{2});
  expect_texts(next.got, {"3 stored again", "4 stored again"}, "they may have been seen");
  ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
}
END_TEST

// A page is three entries; bob's session takes no more than it has room for.
START_TEST(a_mailbox_is_emptied_as_fast_as_it_is_read) {
  PostTown town(1);
  Person& alice = town.town.join(1, "alice");
  for (const char* text : {"1", "2", "3", "4", "5", "6", "7"}) alice.send_known("bob", text);
  town.pump();
  Person& bob = town.town.join(1, "bob");
  bob.bytes_each = town.post(1).page_bytes();
  bob.reads = false;
  town.pump();
  ck_assert_uint_eq(bob.waiting.size(), 3);
  ck_assert(town.town.router(1).wants_tick());
  alice.send_known("bob", "8");
  town.pump();
  ck_assert_uint_eq(bob.waiting.size(), 3);
  bob.flush();
  town.pump();
  ck_assert_uint_eq(bob.waiting.size(), 3);
  bob.flush();
  town.pump();
  bob.flush();
  expect_texts(bob.got, {"1 stored", "2 stored", "3 stored", "4 stored", "5 stored", "6 stored", "7 stored", "8"},
               "in order");
  // Who reads and has not confirmed yet is no reason to wait.
  for (int n = 0; n < 7; ++n) alice.send_known("carol", std::to_string(n));
  town.pump();
  Person& carol = town.town.join(1, "carol");
  carol.acknowledges = true;
  town.pump();
  ck_assert_uint_eq(carol.unconfirmed.size(), 7);
}
END_TEST

START_TEST(the_same_id_twice) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  Person& bob = town.town.join(2, "bob");
  Person& carol = town.town.join(1, "carol");
  bob.acknowledges = true;
  town.town.start();
  town.pump();
  alice.send_known("bob", "1");
  town.pump();
  alice.retries = true;
  alice.send_known("bob", "1");
  carol.send_known("bob", "1");  // another sender's id
  town.pump();
  expect_texts(bob.got, {"1", "1"}, "once of each");
  expect_texts(alice.outcomes, {}, "the second waits for the first");
  bob.confirm();
  town.pump();
  expect_texts(alice.outcomes, {"\"1\" delivered", "\"1\" delivered"}, "and shares its outcome");
  alice.send_known("bob", "1");
  town.pump();
  expect_texts(bob.got, {"1", "1"}, "known still");
  expect_texts(alice.outcomes, {"\"1\" delivered", "\"1\" delivered", "\"1\" delivered"}, "told again");
  bob.hang_up();
  Person& moved = town.town.join(1, "bob");
  alice.send_known("bob", "1");
  town.pump();
  expect_texts(moved.got, {"1 again"}, "a node that does not know marks it");
}
END_TEST

START_TEST(the_same_id_stored_and_direct) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  Person& bob = town.town.join(2, "bob");
  town.town.start();
  town.pump();
  alice.send_known("bob", "1");
  town.pump();
  bob.hang_up();
  town.pump();
  alice.retries = true;
  alice.send_known("bob", "1");
  alice.send_known("bob", "1");
  town.pump();
  ck_assert_uint_eq(town.shelf.waiting("bob"), 1);
  Person& next = town.town.join(2, "bob");
  town.pump();
  expect_texts(next.got, {}, "this node knows that bob has it");
  ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
}
END_TEST

// What bob sees of the second sending, while Redis is down, he sees again from the
// mailbox elsewhere; his node has told Redis meanwhile.
START_TEST(stored_and_seen_with_redis_down) {
  for (const bool confirms : {false, true}) {
    PostTown town(2);
    Person& alice = town.town.join(1, "alice");
    town.town.start();
    for (const char* text : {"1", "2"}) alice.send_known("bob", text);
    town.pump();
    town.post(1).break_down();
    town.post(2).break_down();
    Person& bob = town.town.join(1, "bob");
    bob.acknowledges = true;
    alice.retries = true;
    alice.send_known("bob", "2");
    town.pump();
    expect_texts(bob.got, {"2 again"}, "directly");
    if (confirms) bob.confirm();
    bob.hang_up();
    town.post(1).come_back();
    town.post(2).come_back();
    town.pump();
    Person& next = town.town.join(2, "bob");
    town.pump();
    expect_texts(next.got, {"1 stored", "2 stored again"}, confirms ? "he has confirmed it" : "he may have read it");
    ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
  }
}
END_TEST

START_TEST(redis_comes_back) {
  PostTown town(2);
  Person& alice = town.town.join(1, "alice");
  town.town.start();
  alice.send_known("bob", "1");
  town.pump();
  town.post(2).break_down();
  Person& bob = town.town.join(2, "bob");
  town.pump();
  ck_assert(bob.ready == std::vector<std::size_t>{0});
  expect_texts(bob.got, {}, "not yet");
  town.post(2).come_back();
  ck_assert(town.town.router(2).wants_tick());
  town.pump();
  expect_texts(bob.got, {"1 stored"}, "without being asked");
}
END_TEST

START_TEST(removed_though_redis_was_down) {
  PostTown town(1);
  Person& alice = town.town.join(1, "alice");
  alice.send_known("bob", "1");
  town.pump();
  Person& bob = town.town.join(1, "bob");
  bob.reads = false;
  town.pump();
  town.post(1).break_down();
  bob.flush();
  town.pump();
  ck_assert_uint_eq(town.shelf.waiting("bob"), 1);
  town.post(1).come_back();
  town.pump();
  expect_texts(bob.got, {"1 stored"}, "once");
  ck_assert_uint_eq(town.shelf.waiting("bob"), 0);
}
END_TEST

// n1's link to n2 is cut and stays so; n2's to n1 is well.
struct Cut {
  PostTown town{2};
  Person& alice = town.town.join(1, "alice");
  Person& bob = town.town.join(2, "bob");

  Cut() {
    town.town.start();
    town.pump();
  }
  void cut() {
    town.town.net.answer(small_net::Net::address(2), small_net::Net::Answer::refused);
    town.town.net.cut("n1", "n2");
  }
  void heal() { town.town.net.answer(small_net::Net::address(2), small_net::Net::Answer::yes); }
  void pass(peer::Millis time) {
    for (; time > 0ms; time -= 100ms) {
      town.town.net.run_for(100ms);
      town.pump();
    }
  }
};

START_TEST(a_node_that_lives_but_cant_be_reached) {
  Cut at;
  at.cut();
  at.alice.send_known("bob", "1");
  at.pass(1900ms);
  expect_texts(at.bob.got, {}, "it may come back at once");
  at.pass(200ms);
  at.alice.send_known("bob", "2");
  at.pass(100ms);
  expect_texts(at.alice.outcomes, {"\"1\" stored", "\"2\" stored"}, "the other way");
  expect_texts(at.bob.got, {"1 stored", "2 stored"}, "woken through Redis");
  at.heal();
  at.pass(15'000ms);
  at.alice.send_known("bob", "3");
  at.pass(100ms);
  expect_texts(at.bob.got, {"1 stored", "2 stored", "3"}, "directly again");
  ck_assert_uint_eq(at.town.shelf.waiting("bob"), 0);
}
END_TEST

// The chats were received, and the receipts were not.
START_TEST(nothing_is_repeated_after_a_cut) {
  const struct {
    const char* sentence;
    bool read_before, own_id;
    Texts got;
  } rows[] = {
      {"read before the cut", true, true, {"1", "2"}},
      {"read before the cut, the server's ids", true, false, {"1", "2"}},
      {"still with the session", false, true, {"1", "2"}},
      {"still with the session, the server's ids", false, false, {"1", "2"}},
  };
  for (const auto& row : rows) {
    Cut at;
    at.bob.reads = row.read_before;
    at.town.town.net.wire("n1", "n2")->dialler().held = true;  // what n2 answers
    for (const std::string text : {"1", "2"}) at.alice.send("bob", text, row.own_id ? '"' + text + '"' : "");
    at.pass(100ms);
    at.cut();
    at.pass(2500ms);
    at.bob.reads = true;
    at.bob.flush();
    at.pass(200ms);
    expect_texts(at.bob.got, row.got, row.sentence);
    at.heal();
    at.pass(15'000ms);
    expect_texts(at.bob.got, row.got, row.sentence);
    ck_assert_msg(at.town.shelf.waiting("bob") == 0, "%s", row.sentence);
    ck_assert_msg(at.town.town.router(1).idle() && at.town.town.router(2).barriers() == 0, "%s", row.sentence);
  }
}
END_TEST

// The link is back before n2 looks into the mailbox, and n1 has heard the outcome,
// for which it did not wait any more.
START_TEST(stored_and_then_delivered_all_the_same) {
  const struct {
    const char* sentence;
    bool before;
  } rows[] = {{"read before the link is back", true}, {"read later", false}};
  for (const auto& row : rows) {
    Cut at;
    at.bob.reads = false;
    at.town.post(2).works = false;
    for (const char* text : {"1", "2"}) at.alice.send("bob", text);
    at.pass(100ms);
    at.cut();
    at.pass(2500ms);
    ck_assert_uint_eq(at.town.shelf.waiting("bob"), 2);
    if (row.before) at.bob.flush();
    at.heal();
    at.pass(12'000ms);
    at.bob.flush();
    at.pass(3000ms);
    at.town.post(2).works = true;
    at.pass(100ms);
    at.bob.flush();
    at.pass(100ms);
    expect_texts(at.bob.got, {"1", "2"}, row.sentence);
    ck_assert_msg(at.town.shelf.waiting("bob") == 0, "%s", row.sentence);
  }
}
END_TEST

// What came directly was held back behind the mailbox, and the entry took its place:
// that it did not go on is no delivery.
START_TEST(what_took_the_place_of_one_held_back_is_kept_until_it_is_delivered) {
  Cut at;
  at.bob.hang_up();
  at.pass(100ms);
  at.town.post(2).works = false;
  Person& bob = at.town.town.join(2, "bob");
  bob.acknowledges = true;
  at.town.town.net.wire("n1", "n2")->dialler().held = true;  // what n2 answers
  at.pass(100ms);
  at.alice.send("bob", "1");
  at.pass(100ms);
  at.cut();
  at.pass(2500ms);
  at.town.post(2).works = true;
  at.pass(100ms);
  expect_texts(bob.got, {"1 stored again"}, "from the mailbox");
  bob.hang_up();
  at.pass(100ms);
  Person& next = at.town.town.join(2, "bob");
  at.pass(100ms);
  expect_texts(next.got, {"1 stored again"}, "it was not confirmed");
  ck_assert_uint_eq(at.town.shelf.waiting("bob"), 0);
}
END_TEST

// Held back at n2 while n1 can't reach it and hands the chat to a session of its own.
START_TEST(held_back_and_seen_elsewhere_meanwhile) {
  Cut at;
  at.bob.hang_up();
  at.pass(100ms);
  at.town.post(2).works = false;
  Person& there = at.town.town.join(2, "bob");
  at.pass(100ms);
  at.alice.send("bob", "1");
  at.pass(100ms);
  at.cut();
  Person& here = at.town.town.join(1, "bob");
  at.pass(2500ms);
  expect_texts(here.got, {"1 again"}, "n2 may have shown it");
  at.town.post(2).works = true;
  at.pass(100ms);
  expect_texts(there.got, {"1 again"}, "n1 has shown it");
}
END_TEST

// They were on their way when the connection ended, and arrive in the end.
START_TEST(what_comes_late_on_an_old_connection_is_not_let_in) {
  Cut at;
  small_net::Wire& wire = *at.town.town.net.wire("n1", "n2");
  wire.acceptor().held = true;
  at.alice.send("bob", "1");
  at.pass(100ms);
  at.town.town.net.answer(small_net::Net::address(2), small_net::Net::Answer::refused);
  wire.dialler().over = true;
  at.town.town.host(1).mesh.lost(wire.dialler().conn, at.town.town.net.now, "reset");
  at.pass(2500ms);
  expect_texts(at.bob.got, {"1 stored again"}, "through the mailbox");
  wire.acceptor().held = false;
  at.pass(100ms);
  expect_texts(at.bob.got, {"1 stored again"}, "and not once more");
}
END_TEST

START_TEST(cut_off_with_redis_down) {
  Cut at;
  at.town.post(1).break_down();
  at.cut();
  at.alice.send_known("bob", "1");
  at.pass(28'000ms);
  expect_texts(at.alice.outcomes, {}, "it waits");
  at.alice.send_known("bob", "2");
  at.pass(3'000ms);
  expect_texts(at.alice.outcomes, {"\"1\" unavailable"}, "for 30 s");
  at.town.post(1).come_back();
  at.pass(200ms);
  expect_texts(at.alice.outcomes, {"\"1\" unavailable", "\"2\" stored"}, "or until Redis is back");
  expect_texts(at.bob.got, {"2 stored"}, "woken");
}
END_TEST

// n1 leaves while bob, at n2, has not confirmed what alice sent.
START_TEST(the_senders_node_leaves) {
  const struct {
    const char* sentence;
    bool confirms;
    Texts next;
  } rows[] = {{"bob confirms after all", true, {}},
              {"bob's session ends", false, {"1 stored again", "2 stored again"}}};
  for (const auto& row : rows) {
    Cut at;
    at.bob.acknowledges = true;
    at.alice.send("bob", "1");
    at.alice.send("bob", "2");
    at.pass(100ms);
    at.alice.hang_up();
    at.town.town.router(1).leave_to_mailboxes();
    at.pass(100ms);
    ck_assert_msg(at.town.town.router(1).idle(), "%s", row.sentence);
    at.town.town.host(1).mesh.leave(at.town.town.net.now);
    at.pass(100ms);
    expect_texts(at.bob.got, {"1", "2"}, "not once more");
    if (row.confirms) at.bob.confirm();
    at.bob.hang_up();
    at.pass(100ms);
    Person& next = at.town.town.join(2, "bob");
    at.pass(100ms);
    expect_texts(next.got, row.next, row.sentence);
    ck_assert_msg(at.town.shelf.waiting("bob") == 0, "%s", row.sentence);
  }
}
END_TEST

// Refused behind the cut: nobody ever reads why, and n2 must not refuse for ever.
START_TEST(a_refusal_that_nobody_reads) {
  Cut at;
  at.town.town.net.wire("n1", "n2")->dialler().held = true;
  at.alice.send_known("bob", "1");
  at.bob.reads = false;
  at.alice.send_known("bob", "2");
  at.pass(100ms);
  at.cut();
  at.bob.hang_up();
  at.pass(3'000ms);
  Person& again = at.town.town.join(2, "bob");
  at.heal();
  at.pass(15'000ms);
  at.alice.send_known("bob", "3");
  at.pass(100ms);
  ck_assert_uint_eq(at.town.town.router(2).barriers(), 0);
  ck_assert_msg(!again.got.empty() && again.got.back() == "3", "found '%s'", small_town::joined(again.got).c_str());
  ck_assert(at.town.town.router(1).idle());
}
END_TEST

START_TEST(the_recipient_has_a_session_elsewhere) {
  PostTown town(3);
  Person& alice = town.town.join(1, "alice");
  Person& bob = town.town.join(2, "bob");
  town.town.start();
  town.pump();
  bob.reads = false;
  alice.send_known("bob", "1");
  town.town.net.pump();
  town.town.net.kill(small_net::Net::address(2));
  alice.send_known("bob", "2");
  Person& next = town.town.join(3, "bob");
  for (int n = 0; n < 22; ++n) {
    town.town.net.run_for(100ms);
    for (const int each : {1, 3}) town.post(each).run(), town.town.router(each).tick(town.town.net.now);
  }
  expect_texts(alice.outcomes, {"\"1\" written", "\"2\" written"}, "in order");
  expect_texts(next.got, {"1 again", "2"}, "the first may have been seen");
}
END_TEST

}  // namespace

SUITE(a_node_that_lives_but_cant_be_reached, nothing_is_repeated_after_a_cut, stored_and_then_delivered_all_the_same,
      what_took_the_place_of_one_held_back_is_kept_until_it_is_delivered, held_back_and_seen_elsewhere_meanwhile,
      what_comes_late_on_an_old_connection_is_not_let_in, cut_off_with_redis_down, the_senders_node_leaves,
      a_refusal_that_nobody_reads, the_recipient_has_a_session_elsewhere, stored_and_drained,
      who_has_nothing_waiting_is_ready, redis_is_down, redis_goes_down_with_a_chat_out,
      redis_is_asked_again_when_it_is_back, a_full_mailbox, storing_while_the_recipient_logs_in,
      the_storing_node_dies_unaware_of_the_login, a_node_that_was_given_up_stores_and_dies,
      a_wake_goes_before_the_next_chat, a_wake_while_redis_is_about_to_be_back,
      one_pass_is_enough_for_what_came_before_the_next_wake, acknowledged, what_was_not_confirmed_goes_on,
      an_entry_leaves_when_it_is_confirmed, a_mailbox_is_emptied_as_fast_as_it_is_read, the_same_id_twice,
      the_same_id_stored_and_direct, stored_and_seen_with_redis_down, redis_comes_back, removed_though_redis_was_down)
