// Order while recipients move, refusals and what follows them: the lanes and
// barriers of DESIGN.md §6.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/small_town.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using small_net::Net;
using small_net::Wire;
using small_town::expect_texts;
using small_town::Person;
using small_town::Texts;
using small_town::Town;

// The recipient moves while chats wait in the old session.
START_TEST(the_recipient_moves) {
  const struct {
    const char* sentence;
    int from, to;
    bool flushes;  // the old session writes what it has; else it gives it back
    Texts old_got, new_got;
  } rows[] = {
      {"from node to node; the old session ends unread", 2, 3, false, {}, {"1", "2", "3", "4"}},
      {"from node to node; the old session reads to its end", 2, 3, true, {"1", "2"}, {"3", "4"}},
      {"to the sender's node, unread", 2, 1, false, {}, {"1", "2", "3", "4"}},
      {"to the sender's node, read", 2, 1, true, {"1", "2"}, {"3", "4"}},
      {"from the sender's node, unread", 1, 3, false, {}, {"1", "2", "3", "4"}},
      {"from the sender's node, read", 1, 3, true, {"1", "2"}, {"3", "4"}},
      {"within the sender's node, unread", 1, 1, false, {}, {"1", "2", "3", "4"}},
      {"within the sender's node, read", 1, 1, true, {"1", "2"}, {"3", "4"}},
      {"within another node, unread", 2, 2, false, {}, {"1", "2", "3", "4"}},
      {"within another node, read", 2, 2, true, {"1", "2"}, {"3", "4"}},
  };
  for (const auto& row : rows) {
    Town town(3);
    Person& alice = town.join(1, "alice");
    Person& old = town.join(row.from, "bob");
    town.start();
    old.reads = false;
    alice.send_known("bob", "1");
    alice.send_known("bob", "2");
    town.net.pump();
    ck_assert_uint_eq(old.waiting.size(), 2);
    Person& anew = town.join(row.to, "bob");
    town.net.pump();
    ck_assert_msg(old.kicked.size() == 1, "%s", row.sentence);
    alice.send_known("bob", "3");
    alice.send_known("bob", "4");
    town.net.pump();
    ck_assert_msg(anew.got.empty() && alice.outcomes.empty(), "%s: not before the earlier ones", row.sentence);
    const std::uint64_t forwarded = row.from == 1 ? 0 : row.from == row.to ? 4 : 2;
    ck_assert_msg(town.router(1).counters().forwarded == forwarded, "%s: nor to the old node", row.sentence);
    row.flushes ? old.flush() : old.lose();
    town.net.pump();
    expect_texts(old.got, row.old_got, row.sentence);
    expect_texts(anew.got, row.new_got, row.sentence);
    expect_texts(alice.outcomes, {"\"1\" written", "\"2\" written", "\"3\" written", "\"4\" written"}, row.sentence);
    ck_assert_msg(town.router(1).idle() && town.router(2).barriers() == 0, "%s", row.sentence);
  }
}
END_TEST

START_TEST(the_recipient_leaves_with_some_read) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& bob = town.join(2, "bob");
  town.start();
  alice.send_known("bob", "1");
  town.net.pump();
  bob.reads = false;
  alice.send_known("bob", "2");
  alice.send_known("bob", "3");
  town.net.pump();
  bob.hang_up();
  alice.send_known("bob", "4");
  town.net.pump();
  expect_texts(alice.outcomes, {"\"1\" written", "\"2\" no_such_user", "\"3\" no_such_user", "\"4\" no_such_user"},
               "each has one outcome");
}
END_TEST

// The wire that n1 dials to n2, on which a test delivers a piece at a time.
struct Slow {
  Town& town;
  Wire& wire;
  std::string kept;

  explicit Slow(Town& its_town) : town(its_town), wire(*its_town.net.wire("n1", "n2")) {
    wire.acceptor().held = wire.dialler().held = true;
  }
  // Takes what is on its way to n2 aside.
  std::string take() {
    town.net.pump();
    return std::exchange(wire.acceptor().to_read, {});
  }
  void give(const std::string& bytes) {
    wire.acceptor().to_read = bytes;
    wire.acceptor().held = false;
    town.net.pump();
    wire.acceptor().held = true;
  }
  void release() {
    wire.acceptor().held = wire.dialler().held = false;
    town.net.pump();
  }
};

// bob leaves n2, alice's first chat is refused there, bob comes back to n2, and
// her second, already on its way, arrives: it may not be delivered first.
START_TEST(not_here_and_back_again) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& before = town.join(2, "bob");
  town.start();
  Slow slow(town);
  alice.send_known("bob", "1");
  const std::string first = slow.take();
  alice.send_known("bob", "2");
  const std::string second = slow.take();
  before.hang_up();
  slow.give(first);
  ck_assert_uint_eq(town.router(2).barriers(), 1);
  Person& after = town.join(2, "bob");
  slow.give(second);
  expect_texts(after.got, {}, "the second is refused too");
  alice.send_known("bob", "3");  // n1 has not read the refusals yet
  slow.release();
  expect_texts(after.got, {"1", "2", "3"}, "all find him, in order");
  expect_texts(alice.outcomes, {"\"1\" written", "\"2\" written", "\"3\" written"}, "and none is an error");
  ck_assert(before.got.empty() && town.router(2).barriers() == 0 && town.router(1).idle());
  alice.send_known("bob", "4");
  town.net.pump();
  ck_assert_msg(after.got.back() == "4" && town.router(2).counters().arrived == 7, "the barrier is gone");
}
END_TEST

// The same, but n1 has not heard of his return when it reads the refusal: since he
// is nowhere else, n2 is asked once more.
START_TEST(not_here_and_back_unheard) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& before = town.join(2, "bob");
  town.start();
  Slow slow(town);
  town.net.hold("n2", "n1");
  alice.send_known("bob", "1");
  before.hang_up();
  Person& after = town.join(2, "bob");
  after.reads = true;
  before.send("x", "");  // logged out: nobody
  town.router(2).logout(after.id);
  slow.give(slow.take());
  after.login();
  slow.release();
  expect_texts(alice.outcomes, {"\"1\" written"}, "he is there again");
  alice.send_known("bob", "2");
  town.net.pump();
  expect_texts(after.got, {"1", "2"}, "not heard of yet");
  ck_assert(town.router(2).barriers() == 0 && town.router(1).idle());
}
END_TEST

// He leaves again and again; each refusal is read before the next way is tried.
START_TEST(not_here_again_and_again) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person* bob = &town.join(2, "bob");
  town.start();
  Texts expected;
  for (int i = 0; i < 20; ++i) {
    bob->hang_up();
    bob = &town.join(2, "bob");
    alice.send_known("bob", std::to_string(i));
    if (i % 3 == 0) town.net.pump();
    expected.push_back("\"" + std::to_string(i) + "\" written");
  }
  town.net.pump();
  expect_texts(alice.outcomes, expected, "he was always there");
  ck_assert(town.router(2).barriers() == 0 && town.router(1).idle());
}
END_TEST

// n1 can't hear that he has left n3 and, before, n2: each is asked, and once more
// before it fails, not by turns for ever.
START_TEST(refused_by_one_after_another) {
  Town town(3);
  Person& alice = town.join(1, "alice");
  town.start();
  Person& at2 = town.join(2, "bob");
  town.net.pump();
  town.net.hold("n2", "n1");
  town.net.hold("n3", "n2");
  Person& at3 = town.join(3, "bob");
  town.net.pump();
  town.net.hold("n3", "n1");
  ck_assert(at2.id != 0 && at3.id != 0);
  at2.hang_up();
  at3.hang_up();
  alice.send_known("bob", "1");
  alice.send_known("bob", "2");
  town.net.pump();
  expect_texts(alice.outcomes, {"\"1\" no_such_user", "\"2\" no_such_user"}, "he is nowhere");
  ck_assert_uint_eq(town.router(1).counters().forwarded, 8);
  ck_assert(town.router(2).barriers() == 0 && town.router(3).barriers() == 0);
}
END_TEST

START_TEST(sixty_four_may_wait) {
  Town town(3);
  Person& alice = town.join(1, "alice");
  Person& old = town.join(2, "bob");
  Person& carol = town.join(2, "carol");
  town.start();
  old.reads = false;
  alice.send_known("bob", "first");
  town.net.pump();
  Person& anew = town.join(3, "bob");
  town.net.pump();
  for (int i = 0; i < 64; ++i) alice.send_known("bob", std::to_string(i));
  ck_assert(alice.outcomes.empty());
  alice.send_known("bob", "one too many");
  expect_texts(alice.outcomes, {"\"one too many\" busy"}, "at once");
  alice.send_known("carol", "hello");
  town.net.pump();
  expect_texts(carol.got, {"hello"}, "nobody else waits");
  old.flush();
  town.net.pump();
  ck_assert(old.got.size() == 1 && anew.got.size() == 64);
  for (int i = 0; i < 64; ++i) ck_assert(anew.got[static_cast<std::size_t>(i)] == std::to_string(i));
  ck_assert(alice.outcomes.size() == 67 && town.router(1).counters().failed == 1);
  alice.send_known("bob", "now");
  town.net.pump();
  ck_assert(anew.got.back() == "now");
}
END_TEST

// A session that ends holding chats of a life that is over bars nobody.
START_TEST(no_barrier_for_another_life) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& before = town.join(2, "bob");
  town.start();
  before.reads = false;
  alice.send_known("bob", "1");
  town.net.pump();
  town.host(1).mesh.reincarnate(town.net.now);
  town.settle();
  expect_texts(alice.outcomes, {}, "it is on its way again, behind the first");
  Person& after = town.join(2, "bob");
  town.net.pump();
  before.lose();
  town.net.pump();
  ck_assert_uint_eq(town.router(2).barriers(), 0);
  alice.send_known("bob", "2");
  town.net.pump();
  expect_texts(after.got, {"1 again", "2"}, "at the first try");
}
END_TEST

START_TEST(a_new_life_clears_the_barriers) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& before = town.join(2, "bob");
  town.start();
  Slow slow(town);
  alice.send_known("bob", "1");
  before.hang_up();
  slow.give(slow.take());
  ck_assert_uint_eq(town.router(2).barriers(), 1);
  town.host(1).mesh.reincarnate(town.net.now);
  town.settle();
  ck_assert_uint_eq(town.router(2).barriers(), 0);
}
END_TEST

// What waits at n2 for an older session's end is forgotten once its sender's node
// has a new life, which sends it again.
START_TEST(a_new_life_takes_back_what_waits) {
  Town town(2);
  Person& alice = town.join(1, "alice");
  Person& old = town.join(2, "bob");
  town.start();
  old.reads = false;
  alice.send_known("bob", "1");
  town.net.pump();
  Person& anew = town.join(2, "bob");
  alice.send_known("bob", "2");
  town.net.pump();
  ck_assert(anew.got.empty());
  town.host(1).mesh.reincarnate(town.net.now);
  town.settle();
  alice.send_known("bob", "3");
  town.net.pump();
  old.flush();
  town.net.pump();
  expect_texts(old.got, {"1"}, "the first was there already");
  expect_texts(anew.got, {"2 again", "3"}, "once, of the new life");
  expect_texts(alice.outcomes, {"\"1\" written", "\"2\" written", "\"3\" written"}, "each has one outcome");
}
END_TEST

// People come, go, move and read as they like; wires are cut. Each chat has one
// outcome; what is written is written once; what one says to another is written
// in the order in which it was said.
class Storm {
 public:
  explicit Storm(std::uint64_t seed) : seed_(seed), chance_(seed), town_(3) {
    town_.start();
    for (int i = 0; i < 6; ++i) move(i);
    town_.net.pump();
    for (int round = 0; round < 600; ++round) turn();
    for (int i = 0; i < 6; ++i) move(i);
    town_.settle();
    for (Person* each : all_) each->reads = true, each->flush();
    town_.net.run_for(3s);
    for (Person* each : all_) each->flush();
    town_.net.run_for(3s);
    judge();
  }

 private:
  static std::string name(int i) { return "user" + std::to_string(i); }
  bool sometimes(std::uint64_t one_in) { return chance_.below(one_in) == 0; }
  int any() { return static_cast<int>(chance_.below(6)); }

  // The newest session of user i ends or is left to be kicked, and another begins.
  void move(int i) {
    if (Person*& now = now_[i]; now != nullptr && now->id != 0 && sometimes(2)) now->hang_up();
    now_[i] = &town_.join(static_cast<int>(chance_.below(3)) + 1, name(i));
    now_[i]->reads = sometimes(2);
    now_[i]->diary = &written_;
    all_.push_back(now_[i]);
  }
  void turn() {
    for (int i = any(); i > 0; --i) {
      Person* const from = now_[any()];
      const int to = any();
      if (from->id == 0) continue;
      const std::string text = name(to) + " " + std::to_string(++said_);
      speaker_[text] = from;
      from->send_known(name(to), text);
    }
    if (sometimes(8)) move(any());
    Person* const who = all_[static_cast<std::size_t>(chance_.below(all_.size()))];
    if (sometimes(3)) who->flush();
    if (who->id == 0 && sometimes(3)) who->lose();  // kicked, and its connection lost
    if (sometimes(40)) {
      Person* const ends = now_[any()];
      if (ends->id != 0) ends->hang_up();
    }
    if (sometimes(15))
      town_.net.cut("n" + std::to_string(chance_.below(3) + 1), "n" + std::to_string(chance_.below(3) + 1));
    for (std::uint64_t steps = chance_.below(6); steps > 0; --steps) town_.net.step();
    if (sometimes(4)) town_.net.run_for(std::chrono::milliseconds(chance_.below(50)));
  }
  void judge() {
    std::set<std::string> once;
    std::map<std::pair<Person*, std::string>, int> last;
    for (const std::string& seen : written_) {
      const std::string text = seen.substr(0, seen.find(" again"));
      const int number = std::stoi(text.substr(text.find(' ')));
      int& before = last[{speaker_[text], text.substr(0, text.find(' '))}];
      if (!once.insert(text).second || number <= before) wrong("doubled or out of order", text);
      before = number;
    }
    std::set<std::string> told;
    for (Person* each : all_)
      for (const std::string& outcome : each->outcomes) {
        const std::string text = outcome.substr(1, outcome.find('"', 1) - 1);
        if (speaker_[text] != each || !told.insert(text).second) wrong("told twice or to another", text);
        const bool written = outcome.ends_with(" written");
        if (written != (once.count(text) > 0)) wrong("told otherwise than it is", text + ": " + outcome);
      }
    for (const auto& [text, from] : speaker_)
      if (from->id != 0 && told.count(text) == 0) wrong("no outcome", text);
    for (const int n : {1, 2, 3})
      if (!town_.router(n).idle() || town_.router(n).barriers() != 0) wrong("not idle", "n" + std::to_string(n));
    ck_assert_msg(once.size() > 200, "some are written: %zu", once.size());
  }
  void wrong(const char* what, const std::string& text) const {
    ck_abort_msg("seed %d: %s: %s", static_cast<int>(seed_), what, text.c_str());
  }

  std::uint64_t seed_;
  peer::SeededChance chance_;
  Town town_;
  Person* now_[6] = {};
  std::vector<Person*> all_;
  int said_ = 0;
  std::map<std::string, Person*> speaker_;
  std::vector<std::string> written_;
};

START_TEST(storms) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) Storm storm(seed);
}
END_TEST

}  // namespace

SUITE(the_recipient_moves, the_recipient_leaves_with_some_read, not_here_and_back_again, not_here_and_back_unheard,
      not_here_again_and_again, refused_by_one_after_another, sixty_four_may_wait, no_barrier_for_another_life,
      a_new_life_clears_the_barriers, a_new_life_takes_back_what_waits, storms)
