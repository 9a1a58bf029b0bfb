// Chats through one router and through several: who gets them, what the sender
// is told, who is kicked.
#include "src/chat/router.h"

#include <string>
#include <vector>

#include "tests/unit/small_town.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using chat::KickReason;
using small_net::Net;
using small_town::expect_texts;
using small_town::Person;
using small_town::Texts;
using small_town::Town;

START_TEST(two_on_one_node) {
  Town town(1);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(1, "bob");
  alice.send_known("bob", "hello");
  alice.send("bob", "without an id");
  bob.send_known("alice", "hi");
  alice.send_known("alice", "to myself");
  expect_texts(bob.got, {"hello", "without an id"}, "bob");
  expect_texts(alice.got, {"hi", "to myself"}, "alice");
  expect_texts(alice.outcomes, {"\"hello\" written", " written", "\"to myself\" written"}, "told to alice");
  const chat::Router::Counters& counters = town.router(1).counters();
  ck_assert(counters.logins == 2 && counters.taken == 4 && counters.written == 4 && counters.failed == 0 &&
            counters.forwarded == 0 && counters.arrived == 0);
  ck_assert(town.router(1).idle() && town.router(1).users().size() == 2);
}
END_TEST

START_TEST(two_on_two_nodes) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  alice.send_known("bob", "hello");
  bob.send_known("alice", "hi");
  ck_assert(!town.router(1).idle() && alice.outcomes.empty());
  town.net.pump();
  expect_texts(bob.got, {"hello"}, "bob");
  expect_texts(alice.got, {"hi"}, "alice");
  expect_texts(alice.outcomes, {"\"hello\" written"}, "told to alice");
  const chat::Router::Counters& counters = town.router(1).counters();
  ck_assert(counters.taken == 1 && counters.forwarded == 1 && counters.arrived == 1 && counters.written == 1);
  ck_assert(town.router(1).idle() && town.router(2).idle() && town.host(1).mesh.unsettled_bytes() == 0);
}
END_TEST

START_TEST(written_when_it_is_written) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& near = town.join(1, "near");
  Person& far = town.join(2, "far");
  town.start();
  near.reads = far.reads = false;
  alice.send_known("near", "1");
  alice.send_known("far", "2");
  town.net.pump();
  ck_assert(near.waiting.size() == 1 && far.waiting.size() == 1 && alice.outcomes.empty());
  far.flush();
  near.flush();
  town.net.pump();
  expect_texts(alice.outcomes, {"\"1\" written", "\"2\" written"}, "as they are read");
}
END_TEST

START_TEST(who_is_online) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  for (const int n : {1, 2}) {
    ck_assert(town.router(n).online("alice") && town.router(n).online("bob") && !town.router(n).online("carol"));
  }
  bob.hang_up();
  alice.hang_up();
  ck_assert_msg(!town.router(1).online("alice") && town.router(1).online("bob"), "not yet told");
  town.net.pump();
  ck_assert(!town.router(1).online("bob") && !town.router(2).online("alice"));
}
END_TEST

START_TEST(nobody_of_that_name) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  alice.send_known("carol", "1");
  alice.send("carol", "2");
  expect_texts(alice.outcomes, {"\"1\" no_such_user", " no_such_user"}, "at once");
  bob.hang_up();
  alice.send_known("bob", "3");  // he left, which n1 does not know yet
  town.net.pump();
  expect_texts(alice.outcomes, {"\"1\" no_such_user", " no_such_user", "\"3\" no_such_user"}, "refused by n2");
  ck_assert(town.router(1).counters().failed == 3 && town.router(1).idle());
}
END_TEST

// Two names of one hash: the owner has the real names.
START_TEST(a_hash_that_collides) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  chat::Draft draft;
  draft.recipient = "not-bob";
  draft.hash = town.router(1).hash("bob");
  draft.lay({R"({"cmd":"chat","send":)", "\"alice\"", "\"id\"", "\t", "text", "\n"});
  draft.sender_length = 7;
  draft.id_at = peer::chat_sender_at + 7;
  draft.id_length = 4;
  town.router(1).chat(alice.id, draft);
  town.net.pump();
  expect_texts(bob.got, {}, "it is not for bob");
  expect_texts(alice.outcomes, {"\"id\" no_such_user"}, "alice is told");
  alice.send_known("bob", "for bob");
  town.net.pump();
  expect_texts(bob.got, {"for bob"}, "bob is reached all the same");
}
END_TEST

START_TEST(a_newer_login_on_the_same_node) {
  Town town(1);
  Person& old = town.join(1, "bob");
  Person& anew = town.join(1, "bob");
  ck_assert(old.kicked == std::vector{KickReason::replaced} && anew.kicked.empty());
  ck_assert(town.router(1).users().size() == 1);
  Person& alice = town.join(1, "alice");
  alice.send("bob", "hello");
  ck_assert(old.got.empty());
  expect_texts(anew.got, {"hello"}, "the newer");
  town.router(1).logout(0);
  town.router(1).logout(12345);  // unknown ids are ignored
  ck_assert(town.router(1).users().size() == 2);
}
END_TEST

START_TEST(kicked_by_an_administrator) {
  Town town(2);
  Person& bob = town.join(1, "bob");
  town.start();
  ck_assert_uint_eq(town.router(2).kick("bob", KickReason::admin), 0);
  ck_assert_uint_eq(town.router(1).kick("bo", KickReason::admin), 0);
  ck_assert(bob.kicked.empty());
  ck_assert_uint_eq(town.router(1).kick("bob", KickReason::admin), 1);
  ck_assert_uint_eq(town.router(1).kick("bob", KickReason::admin), 0);
  town.net.pump();
  ck_assert(bob.kicked == std::vector{KickReason::admin});
  ck_assert(!town.router(1).online("bob") && !town.router(2).online("bob"));
}
END_TEST

START_TEST(a_newer_login_on_another_node) {
  Town town(3);
  Person& first = town.join(1, "bob");
  town.start();
  town.clock.ms = 1;  // a clock that is behind: the stamps are not
  Person& second = town.join(2, "bob");
  town.net.pump();
  ck_assert(first.kicked == std::vector{KickReason::replaced} && second.kicked.empty());
  Person& third = town.join(3, "bob");
  town.net.pump();
  ck_assert(second.kicked == std::vector{KickReason::replaced} && third.kicked.empty());
  Person& fourth = town.join(1, "bob");
  town.net.pump();
  ck_assert(third.kicked == std::vector{KickReason::replaced} && fourth.kicked.empty());
  for (const int n : {1, 2, 3}) ck_assert(town.router(n).online("bob"));
  ck_assert(town.router(1).users().size() == 1 && town.router(2).users().size() == 0);
}
END_TEST

// Both sides of a split have bob, of the same stamp: the greater node name wins.
START_TEST(a_tie) {
  Town town(3);
  Person& at1 = town.join(1, "bob");
  Person& at2 = town.join(2, "bob");
  Person& at3 = town.join(3, "bob");
  town.start();
  ck_assert(at1.kicked.size() == 1 && at2.kicked.size() == 1 && at3.kicked.empty());
  Person& alice = town.join(1, "alice");
  alice.send("bob", "hello");
  town.net.pump();
  expect_texts(at3.got, {"hello"}, "bob at n3");
}
END_TEST

START_TEST(after_a_split_the_later_wins) {
  Town town(2);
  town.clock.ms = 2000;
  Person& at1 = town.join(1, "bob");
  town.clock.ms = 1000;
  Person& at2 = town.join(2, "bob");
  town.start();
  ck_assert(at1.kicked.empty() && at2.kicked == std::vector{KickReason::replaced});
}
END_TEST

START_TEST(a_full_link) {
  Town town(2);
  peer::Mesh::Settings settings = Net::settings(1, 2);
  settings.self.window_bytes = 5000;
  town.open(1, std::move(settings));
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  bob.reads = false;
  std::size_t sent = 0;
  while (alice.outcomes.empty()) alice.send_known("bob", std::to_string(++sent));
  expect_texts(alice.outcomes, {"\"" + std::to_string(sent) + "\" busy"}, "the first over the window");
  town.net.pump();
  bob.reads = true;
  bob.flush();
  town.net.pump();
  ck_assert_uint_eq(alice.outcomes.size(), sent);
  ck_assert_uint_eq(bob.got.size(), sent - 1);
  alice.send_known("bob", "again");
  town.net.pump();
  ck_assert(alice.outcomes.back() == "\"again\" written" && town.router(1).idle());
}
END_TEST

START_TEST(the_owner_forgets) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  bob.reads = false;
  alice.send_known("bob", "arrived");
  town.net.pump();
  for (const int n : {1, 2}) town.net.answer(Net::address(n), Net::Answer::refused);
  town.net.cut_all();
  alice.send_known("bob", "not sent");
  town.net.run_for(14s);
  ck_assert_msg(alice.outcomes.empty(), "it may come back");
  town.net.run_for(1s);
  expect_texts(alice.outcomes, {"\"arrived\" unavailable maybe", "\"not sent\" no_such_user"}, "n2 is dead");
  ck_assert(town.router(1).idle() && town.host(1).mesh.unsettled_bytes() == 0);
  alice.send_known("bob", "later");
  ck_assert(alice.outcomes.back() == "\"later\" no_such_user");
}
END_TEST

START_TEST(the_owner_is_restarted) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  bob.reads = false;
  alice.send_known("bob", "1");
  town.net.pump();
  town.net.kill(Net::address(2));
  town.net.pump();
  alice.send_known("bob", "2");
  town.reopen(2);
  Person& anew = town.join(2, "bob");
  town.settle();
  expect_texts(alice.outcomes, {"\"1\" written", "\"2\" written"}, "both go to the new life");
  alice.send_known("bob", "3");
  town.net.pump();
  expect_texts(anew.got, {"1 again", "2", "3"}, "the second had not left");
}
END_TEST

START_TEST(a_sender_that_has_left) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  alice.send_known("bob", "hello");
  alice.hang_up();
  Person& other = town.join(1, "other");  // may get alice's slot, never her outcomes
  town.net.pump();
  expect_texts(bob.got, {"hello"}, "it is delivered all the same");
  ck_assert(alice.outcomes.empty() && other.outcomes.empty());
}
END_TEST

// A session that ends inside a delivery gives back what it has.
START_TEST(ends_inside_a_delivery) {
  for (const int n : {1, 2}) {
    Town town(2);
    Person& alice = town.join(1, "alice");
    Person& bob = town.join(n, "bob");
    town.start();
    bob.reads = false;
    alice.send_known("bob", "1");
    alice.send_known("bob", "2");
    town.net.pump();
    bob.hangs_up = true;
    alice.send_known("bob", "3");
    alice.send_known("bob", "4");
    town.net.pump();
    expect_texts(alice.outcomes,
                 {"\"1\" no_such_user", "\"2\" no_such_user", "\"3\" no_such_user", "\"4\" no_such_user"},
                 n == 1 ? "on her node" : "on another");
    ck_assert(town.router(1).idle() && town.router(n).users().size() == (n == 1 ? 1U : 0U));
  }
}
END_TEST

}  // namespace

SUITE(two_on_one_node, two_on_two_nodes, written_when_it_is_written, who_is_online, nobody_of_that_name,
      a_hash_that_collides, a_newer_login_on_the_same_node, kicked_by_an_administrator, a_newer_login_on_another_node,
      a_tie, after_a_split_the_later_wins, a_full_link, the_owner_forgets, the_owner_is_restarted,
      a_sender_that_has_left, ends_inside_a_delivery)
