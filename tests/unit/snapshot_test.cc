// Who is where, told over a link: snapshots in parts, changes, cuts in the
// middle, overflow.
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using peer::FrameType;
using peer::Mesh;
using small_net::Crowd;
using small_net::Host;
using small_net::Net;
using small_net::Wire;
using Kind = peer::Report::Kind;

std::string user(std::size_t i) { return "a-user-with-a-name-" + std::to_string(i); }

struct Pair {
  Net net;
  Crowd crowd1;
  Crowd crowd2;
  Host* n1 = &net.add(Net::settings(1, 2), crowd1);
  Host* n2 = &net.add(Net::settings(2, 2), crowd2);

  explicit Pair(std::size_t users = 0) {
    crowd1.mesh = &n1->mesh;
    crowd2.mesh = &n2->mesh;
    for (std::size_t i = 0; i < users; ++i) crowd1.login(user(i));
  }
  // What n2 knows of n1's users is the truth.
  bool equal() const {
    std::size_t here = 0;
    for (const Crowd::User& each : crowd1.users) {
      if (!each.here) continue;
      ++here;
      if (!crowd2.knows(each.name)) return false;
    }
    return n2->mesh.directory().size() == here;
  }
};

START_TEST(ten_thousand_users_in_parts) {
  Pair pair(10'000);
  std::size_t portions = 0;
  pair.net.on_write = [&](const Host& host, std::string_view written) {
    portions += &host == pair.n1 && written.size() > 10'000;
    ck_assert_msg(written.size() < 200'000, "a ping waits behind no more than that: %zu", written.size());
  };
  pair.net.start_whole();
  pair.net.pump();
  ck_assert(pair.equal() && pair.crowd2.heard.size() == 10'000);
  // Some 320 kB in portions of 64 to 128.
  ck_assert(portions >= 3 && portions <= 8);
  ck_assert(pair.n2->view("n1", pair.net.now).users == 10'000);
}
END_TEST

START_TEST(changes_follow) {
  Pair pair(3);
  pair.net.start_whole();
  pair.net.pump();
  ck_assert(pair.equal());
  pair.crowd1.login("zoe");
  pair.crowd1.logout(user(1));
  ck_assert(!pair.crowd2.knows("zoe"));
  pair.net.pump();
  ck_assert(pair.equal() && pair.crowd2.knows("zoe") && !pair.crowd2.knows(user(1)));
  pair.crowd1.login("quick");
  pair.crowd1.logout("quick");
  pair.crowd1.login("twice");
  pair.crowd1.logout("twice");
  pair.crowd1.login("twice");
  pair.net.pump();
  ck_assert(pair.equal() && pair.crowd2.knows("twice") && !pair.crowd2.knows("quick"));
}
END_TEST

// People come and go while the snapshot is on its way in small pieces.
START_TEST(changes_during_a_snapshot) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    peer::SeededChance chance(seed);
    int during = 0;
    Pair pair(8000);
    pair.net.piece_bytes = 500;
    pair.net.in_flight_max = 1000;
    pair.net.start();
    for (const auto& mesh : {&pair.n1->mesh, &pair.n2->mesh}) mesh->tick(pair.net.now);
    for (int i = 0; i < 400; ++i) {
      const auto who = static_cast<std::size_t>(chance.below(8200));
      if (pair.crowd1.has(user(who)))
        pair.crowd1.logout(user(who));
      else
        pair.crowd1.login(user(who));
      for (int steps = 0; steps < 3; ++steps) pair.net.step();
      during += pair.n2->mesh.directory().size() > 0 && !pair.n1->mesh.whole();
      if (i % 100 == 99) {
        pair.net.cut("n1", "n2");
        pair.net.now = std::max(pair.net.now, pair.n1->mesh.wake_at());
        pair.n1->mesh.tick(pair.net.now);
      }
    }
    ck_assert_msg(during > 100, "the changes came while it was on its way");
    pair.net.run_until([&] { return pair.n1->mesh.whole(); });
    pair.net.run_for(1s);
    if (!pair.equal()) ck_abort_msg("seed %d", static_cast<int>(seed));
  }
}
END_TEST

// The connection is lost in the middle: the telling goes on where it was.
START_TEST(a_cut_anywhere_in_a_snapshot) {
  for (std::size_t bytes = 300; bytes < 60'000; bytes += 1711) {
    Pair pair(1500);
    int cuts = 0;
    pair.net.on_wire = [&](Wire& wire) {
      if (wire.between("n1", "n2") && cuts++ < 3) wire.acceptor().left = bytes;
    };
    pair.net.start_whole();
    pair.net.run_for(1s);
    if (!pair.equal()) ck_abort_msg("cut after %zu bytes", bytes);
    if (bytes < 20'000 && pair.n2->count(Kind::accepted) < 3) ck_abort_msg("it was not cut");
  }
}
END_TEST

START_TEST(a_new_life_replaces_whole) {
  Pair pair(2000);
  pair.net.start_whole();
  pair.net.pump();
  pair.n1->mesh.reincarnate(pair.net.now);
  for (std::size_t i = 0; i < 1000; ++i) pair.crowd1.logout(user(i));
  pair.crowd1.login("zoe");
  ck_assert_msg(pair.crowd2.knows(user(5)), "the old telling answers");
  pair.net.run_until([&] { return pair.n1->mesh.whole(); });
  pair.net.pump();
  ck_assert(pair.equal() && !pair.crowd2.knows(user(5)) && pair.crowd2.knows("zoe"));
}
END_TEST

START_TEST(the_old_telling_answers_until_the_new_is_complete) {
  Pair pair(2000);
  pair.net.start_whole();
  pair.net.pump();
  bool dialled = false;
  pair.net.on_wire = [&](Wire& wire) {
    if (!wire.between("n1", "n2")) return;
    wire.acceptor().left = 20'000;  // a third of it
    pair.net.answer(Net::address(2), Net::Answer::refused);
    dialled = true;
  };
  pair.n1->mesh.reincarnate(pair.net.now);
  pair.crowd1.logout(user(0));
  pair.net.run_until([&] { return dialled; });
  pair.net.run_for(500ms);
  ck_assert_msg(pair.crowd2.knows(user(0)) && pair.crowd2.knows(user(1999)), "old, but whole");
  pair.net.on_wire = nullptr;
  pair.net.answer(Net::address(2), Net::Answer::yes);
  pair.net.run_until([&] { return pair.n1->mesh.whole(); });
  pair.net.pump();
  ck_assert(pair.equal() && !pair.crowd2.knows(user(0)));
}
END_TEST

START_TEST(half_a_telling_goes_with_its_node) {
  Pair pair(2000);
  pair.net.start_whole();
  pair.net.pump();
  pair.net.on_wire = [&](Wire& wire) {
    if (wire.between("n1", "n2")) wire.acceptor().left = 20'000;
    pair.net.answer(Net::address(1), Net::Answer::refused);
    pair.net.answer(Net::address(2), Net::Answer::refused);
  };
  pair.n1->mesh.reincarnate(pair.net.now);
  pair.net.run_until([&] { return pair.n2->mesh.directory().size() > 2000; });
  pair.net.cut_all();
  pair.net.run_for(16s);
  ck_assert(pair.n2->count(Kind::node_dead) == 1);
  ck_assert_uint_eq(pair.n2->mesh.directory().size(), 0);
}
END_TEST

// More changes than are kept for a peer: it gets a new snapshot.
void overflow(Pair& pair) {
  // 8 MiB of records of some 50 bytes; the people are the same in the end.
  for (int i = 0; i < 120'000; ++i) {
    pair.crowd1.login("somebody-who-comes-and-goes");
    pair.crowd1.mesh->user_off(pair.crowd1.users.back().name, pair.crowd1.users.back().stamp);
    pair.crowd1.users.pop_back();
  }
}

START_TEST(changes_over_the_bound_while_the_link_is_down) {
  Pair pair(100);
  pair.net.start_whole();
  pair.net.pump();
  pair.net.answer(Net::address(2), Net::Answer::refused);
  pair.net.cut("n1", "n2");
  overflow(pair);
  pair.crowd1.logout(user(7));
  pair.crowd1.login("zoe");
  pair.net.answer(Net::address(2), Net::Answer::yes);
  pair.net.run_until([&] { return pair.n1->mesh.whole(); });
  pair.net.pump();
  ck_assert(pair.equal() && pair.crowd2.knows("zoe") && !pair.crowd2.knows(user(7)));
  ck_assert_msg(std::count(pair.crowd2.heard.begin(), pair.crowd2.heard.end(), "somebody-who-comes-and-goes") == 0,
                "what came and went is not told");
}
END_TEST

START_TEST(changes_over_the_bound_while_nobody_reads) {
  Pair pair(100);
  pair.net.start_whole();
  pair.net.pump();
  pair.net.hold("n1", "n2");
  overflow(pair);
  pair.crowd1.logout(user(7));
  pair.net.run_for(100ms);
  ck_assert(pair.n1->why(Kind::link_down) == "it does not take in who is here; it gets a new snapshot");
  pair.net.run_until([&] { return pair.n1->mesh.whole(); });
  pair.net.run_for(1s);
  ck_assert(pair.equal() && !pair.crowd2.knows(user(7)));
}
END_TEST

// A new snapshot is begun, and the connection is lost before the other side has
// heard of it: where that stands is a place in the old one.
START_TEST(a_cut_before_the_new_snapshot_arrives) {
  Pair pair(100);
  pair.net.start_whole();
  pair.net.pump();
  for (int i = 0; i < 50; ++i) {
    pair.crowd1.login("guest" + std::to_string(i));
    pair.net.pump();
  }
  pair.net.answer(Net::address(2), Net::Answer::refused);
  pair.net.cut("n1", "n2");
  overflow(pair);
  pair.crowd1.logout(user(7));
  // The greeting and the proof, and of what comes with the snapshot a few bytes.
  const std::size_t greeting = peer::preface.size() + 2 * peer::frame_header_bytes +
                               encode(pair.n1->mesh.self().hello({})).size() + encode(peer::ProofBody()).size();
  int cuts = 0;
  pair.net.on_wire = [&](Wire& wire) {
    if (wire.between("n1", "n2") && cuts++ == 0) wire.acceptor().left = greeting + 5;
  };
  pair.net.answer(Net::address(2), Net::Answer::yes);
  pair.net.run_until([&] { return pair.n1->mesh.whole(); });
  pair.net.run_for(1s);
  ck_assert(cuts == 2 && pair.n1->view("n2", pair.net.now).reconnects == 2);
  ck_assert(pair.equal());
}
END_TEST

START_TEST(of_two_owners_the_newest) {
  Net net;
  Crowd crowds[3];
  std::vector<Host*> hosts;
  for (int n = 1; n <= 3; ++n) {
    hosts.push_back(&net.add(Net::settings(n, 3), crowds[n - 1]));
    crowds[n - 1].mesh = &hosts.back()->mesh;
  }
  net.start_whole();
  const auto owner = [&](int n) {
    const Mesh& mesh = hosts[static_cast<std::size_t>(n - 1)]->mesh;
    const peer::PeerId id = mesh.owner(mesh.hash("bob"));
    return id == peer::no_peer ? std::string() : mesh.name_of(id);
  };
  const peer::Stamp first = crowds[1].login("bob");
  net.pump();
  ck_assert(owner(1) == "n2" && owner(3) == "n2" && owner(2).empty());
  const peer::Stamp second = crowds[2].login("bob");
  ck_assert_msg(second > first, "the clock is never behind a login that was seen");
  net.pump();
  ck_assert(owner(1) == "n3" && owner(2) == "n3");
  crowds[1].logout("bob");
  net.pump();
  ck_assert(owner(1) == "n3");
  crowds[2].logout("bob");
  net.pump();
  ck_assert(owner(1).empty() && owner(2).empty());
}
END_TEST

}  // namespace

SUITE(ten_thousand_users_in_parts, changes_follow, changes_during_a_snapshot, a_cut_anywhere_in_a_snapshot,
      a_new_life_replaces_whole, the_old_telling_answers_until_the_new_is_complete, half_a_telling_goes_with_its_node,
      changes_over_the_bound_while_the_link_is_down, changes_over_the_bound_while_nobody_reads,
      a_cut_before_the_new_snapshot_arrives, of_two_owners_the_newest)
