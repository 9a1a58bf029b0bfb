// The lives of nodes: given up and come back, killed and restarted, paused,
// leaving, in and out of the set.
#include <functional>
#include <string>
#include <vector>

#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using peer::Incarnation;
using peer::Mesh;
using small_net::Crowd;
using small_net::Host;
using small_net::Net;
using Kind = peer::Report::Kind;
using suite::same;

struct Pair {
  Net net;
  Crowd crowd1;
  Crowd crowd2;
  Host* n1 = &net.add(Net::settings(1, 2), crowd1);
  Host* n2 = &net.add(Net::settings(2, 2), crowd2);

  Pair() {
    crowd1.mesh = &n1->mesh;
    crowd2.mesh = &n2->mesh;
    crowd1.login("alice");
    crowd2.login("bob");
    net.start_whole();
    net.pump();
    ck_assert(crowd1.knows("bob") && crowd2.knows("alice"));
  }
  void separate(Net::Answer how) {
    net.answer(Net::address(1), how);
    net.answer(Net::address(2), how);
    if (how != Net::Answer::yes) net.cut_all();
  }
};

// Without Redis a node whose links have been down for 15 s is dead; both sides
// think so, both have to come back with new lives.
START_TEST(given_up_and_reborn) {
  Pair pair;
  const Incarnation first1 = pair.n1->mesh.incarnation();
  const Incarnation first2 = pair.n2->mesh.incarnation();
  pair.separate(Net::Answer::refused);
  pair.net.run_for(15s - 1us);
  ck_assert(pair.n1->view("n2", pair.net.now).health == Mesh::Health::suspect && pair.crowd1.knows("bob"));
  pair.net.run_for(1us);
  for (Host* host : {pair.n1, pair.n2}) {
    ck_assert(host->count(Kind::node_dead) == 1);
    same(host->why(Kind::node_dead), "all links with it have been down for too long");
  }
  ck_assert(pair.n1->view("n2", pair.net.now).health == Mesh::Health::dead);
  ck_assert(!pair.crowd1.knows("bob") && !pair.crowd2.knows("alice"));
  ck_assert(pair.crowd1.eras == 1 && pair.crowd2.eras == 1);

  pair.separate(Net::Answer::yes);
  pair.net.run_until([&] { return pair.n1->mesh.whole() && pair.n2->mesh.whole(); });
  ck_assert(pair.n1->count(Kind::reincarnated) == 1 && pair.n2->count(Kind::reincarnated) == 1);
  ck_assert(pair.n1->mesh.incarnation() != first1 && pair.n1->mesh.self().previous == first1);
  ck_assert(pair.n2->mesh.incarnation() != first2 && pair.n2->mesh.self().previous == first2);
  pair.net.pump();
  ck_assert(pair.crowd1.knows("bob") && pair.crowd2.knows("alice"));
  pair.crowd1.send("bob", "hello");
  pair.net.pump_outcomes();
  ck_assert(pair.crowd2.arrived.size() == 1 && pair.crowd1.ended.size() == 1);
  pair.net.run_for(1min);
  ck_assert_msg(pair.n1->count(Kind::reincarnated) == 1 && pair.n2->count(Kind::reincarnated) == 1, "once is enough");
}
END_TEST

// One link alive, in either direction, is enough.
START_TEST(one_link_keeps_a_node_alive) {
  Pair pair;
  pair.net.answer(Net::address(2), Net::Answer::refused);
  pair.net.cut("n1", "n2");
  pair.net.run_for(2min);
  ck_assert(pair.n1->count(Kind::node_dead) == 0 && pair.n2->count(Kind::node_dead) == 0);
  ck_assert(!pair.n1->mesh.whole() && pair.crowd1.knows("bob") && pair.crowd2.knows("alice"));
  ck_assert(pair.n1->view("n2", pair.net.now).health == Mesh::Health::alive);
}
END_TEST

START_TEST(killed_and_restarted) {
  Pair pair;
  pair.crowd2.answers = false;
  pair.crowd1.send("bob", "taken");
  pair.net.pump();
  ck_assert(pair.crowd2.arrived.size() == 1);
  pair.net.kill(Net::address(2));
  pair.net.pump();
  pair.crowd1.send("bob", "never sent");
  ck_assert(pair.crowd1.ended.empty() && pair.n1->count(Kind::link_down) == 1);
  ck_assert_msg(pair.crowd1.knows("bob"), "a link that is down is no death");

  Crowd anew;
  Host& n2 = pair.net.add(Net::settings(2, 2), anew);
  anew.mesh = &n2.mesh;
  anew.login("carol");
  n2.mesh.start(pair.net.now);
  pair.net.run_until([&] { return pair.n1->mesh.whole() && n2.mesh.whole(); }, 5s);
  pair.net.pump();
  ck_assert(pair.crowd1.ended.size() == 2 && pair.crowd1.eras == 1);
  ck_assert(pair.crowd1.ended[0].how == peer::Settled::lost && pair.crowd1.ended[0].sent);
  ck_assert(pair.crowd1.ended[1].how == peer::Settled::lost && !pair.crowd1.ended[1].sent);
  ck_assert(pair.crowd1.knows("carol") && !pair.crowd1.knows("bob") && anew.arrived.empty());
  ck_assert_msg(pair.n1->count(Kind::node_dead) == 0 && pair.n1->count(Kind::reincarnated) == 0, "it just came back");
}
END_TEST

// Its connections are still open at the other side: the new life says so itself.
START_TEST(restarted_unnoticed) {
  Pair pair;
  pair.net.hold("n1", "n2");
  pair.net.hold("n2", "n1");
  pair.net.kill(Net::address(2));
  Crowd anew;
  Host& n2 = pair.net.add(Net::settings(2, 2), anew);
  anew.mesh = &n2.mesh;
  n2.mesh.start(pair.net.now);
  pair.net.run_for(1s);
  ck_assert_msg(pair.n1->why(Kind::accept_refused).starts_with("two nodes are called n2"), "the old one seems alive");
  pair.net.run_until([&] { return pair.n1->mesh.whole() && n2.mesh.whole(); }, 20s);
  pair.net.pump();
  ck_assert(!pair.crowd1.knows("bob") && anew.knows("alice"));
}
END_TEST

START_TEST(a_new_life_of_the_same_process) {
  Pair pair;
  pair.crowd1.send("bob", "in the first life");
  pair.crowd2.send("alice", "in the first life");
  pair.net.run_for(2s);  // told, and that it was told is known
  ck_assert(pair.crowd1.ended.size() == 1 && pair.crowd2.ended.size() == 1);
  pair.n2->mesh.reincarnate(pair.net.now);
  pair.net.run_until([&] { return pair.n1->mesh.whole() && pair.n2->mesh.whole(); });
  pair.net.pump();
  ck_assert(pair.n1->count(Kind::node_joined) == 2 && pair.n1->count(Kind::node_dead) == 0);
  ck_assert(pair.n2->count(Kind::reincarnated) == 1 && pair.crowd1.knows("bob") && pair.crowd2.knows("alice"));
  pair.crowd1.send("bob", "there");
  pair.crowd2.send("alice", "and back");
  pair.net.pump_outcomes();
  ck_assert(pair.crowd2.arrived.size() == 2 && pair.crowd1.arrived.size() == 2);
  ck_assert(pair.crowd1.ended.size() == 2 && pair.crowd2.ended.size() == 2);
  ck_assert(pair.n1->count(Kind::link_down) == 1);
}
END_TEST

// n1 believes its links with the old life alive: the new one says whom it succeeds.
START_TEST(reborn_unnoticed) {
  Pair pair;
  pair.net.hold("n1", "n2");
  pair.net.hold("n2", "n1");
  pair.n2->mesh.reincarnate(pair.net.now);
  pair.net.run_for(500ms);
  ck_assert(pair.n1->mesh.whole() && pair.n2->mesh.whole() && pair.n1->count(Kind::accept_refused) == 0);
}
END_TEST

START_TEST(leaving_in_good_order) {
  Pair pair;
  pair.crowd1.send("bob", "settled first");
  pair.crowd2.login("ben");
  pair.net.pump();
  pair.crowd2.logout("ben");  // the goodbye goes ahead of that
  pair.n2->mesh.leave(pair.net.now);
  pair.net.pump();
  ck_assert_uint_eq(pair.n1->count(Kind::accept_lost), 0);
  ck_assert_msg(pair.n2->mesh.accepted(pair.net.now, "x") == 0, "it accepts no more");
  ck_assert(!pair.crowd1.knows("bob"));
  pair.net.cut_all();
  same(pair.n1->why(Kind::node_left), "it said so");
  ck_assert(pair.n1->count(Kind::node_left) == 1 && pair.n1->count(Kind::node_dead) == 0);
  ck_assert(pair.n2->count(Kind::link_down) == 1);
  pair.net.kill(Net::address(1));
  const std::size_t dials = pair.net.dials.size();
  pair.net.run_for(1min);
  ck_assert_msg(pair.net.dials.size() == dials, "it dials no more");
}
END_TEST

// Its last outcomes and its goodbye come on two connections: the goodbye may be
// read first, and settles nothing that the other still brings.
START_TEST(what_it_said_before_it_left) {
  Pair pair;
  pair.crowd2.answers = false;
  for (const char* text : {"written", "not here", "unknown"}) pair.crowd1.send("bob", text);
  pair.net.pump();
  const auto settle = [&](std::size_t i, peer::WireOutcome how) {
    const Crowd::Arrived& chat = pair.crowd2.arrived.at(i);
    pair.n2->mesh.settle(chat.from, chat.era, chat.seq, how);
  };
  pair.net.hold("n1", "n2");
  settle(0, peer::WireOutcome::written);
  settle(1, peer::WireOutcome::not_here);
  pair.n2->mesh.leave(pair.net.now);
  pair.net.pump();
  ck_assert_msg(!pair.crowd1.knows("bob") && pair.crowd1.ended.empty(), "its users are gone at once");
  pair.net.hold("n1", "n2", false);
  pair.net.kill(Net::address(2));
  pair.net.pump();
  ck_assert(pair.n1->count(Kind::node_left) == 1 && pair.n1->count(Kind::node_dead) == 0);
  ck_assert_uint_eq(pair.crowd1.ended.size(), 3);
  ck_assert(pair.crowd1.ended[0].how == peer::Settled::written && pair.crowd1.ended[1].how == peer::Settled::not_here);
  ck_assert(pair.crowd1.ended[2].how == peer::Settled::lost && pair.crowd1.ended[2].sent);
}
END_TEST

START_TEST(a_pause) {
  Pair pair;
  pair.crowd1.send("bob", "on its way");
  pair.n2->mesh.suspend(pair.net.now);
  ck_assert(pair.n2->mesh.accepted(pair.net.now, "x") == 0);
  pair.net.run_for(3s);
  ck_assert_msg(pair.crowd2.arrived.empty() && pair.n2->mesh.directory().size() == 1,
                "nothing is read, nothing forgotten");
  pair.n2->mesh.resume(pair.net.now);
  pair.net.run_until([&] { return pair.n1->mesh.whole() && pair.n2->mesh.whole(); });
  pair.net.pump();
  ck_assert(pair.crowd2.arrived.size() == 1 && pair.crowd1.ended.size() == 1);
  ck_assert(pair.crowd1.ended[0].how == peer::Settled::written && pair.crowd1.eras == 0);
}
END_TEST

// What seemed silent while this process slept may have been there all the time.
START_TEST(nobody_dies_in_a_pause) {
  Pair pair;
  pair.separate(Net::Answer::refused);
  pair.net.run_for(14s);
  pair.n1->mesh.suspend(pair.net.now);
  pair.net.now += 1h;
  pair.n1->mesh.resume(pair.net.now);
  pair.net.run_for(15s - 1us);
  ck_assert(pair.n1->count(Kind::node_dead) == 0 && pair.crowd1.knows("bob"));
  pair.net.run_for(1us);
  ck_assert(pair.n1->count(Kind::node_dead) == 1);
}
END_TEST

// An answer at the other's address ends no life unless it has proven itself.
START_TEST(a_refusal_from_a_stranger_ends_no_life) {
  for (const bool after_the_proof : {false, true}) {
    Net net;
    Crowd crowd;
    Host& n1 = net.add(Net::settings(1, 2), crowd);
    crowd.mesh = &n1.mesh;
    net.answer(Net::address(2), Net::Answer::swallowed);
    net.start();
    net.run_for(1s);
    const Incarnation life = n1.mesh.incarnation();
    n1.mesh.opened(net.swallowed.at(0), net.now);
    peer::Self stranger = Net::settings(2, 2).self;
    stranger.incarnation = Incarnation{5};
    peer::Buffer out;
    out.append(peer::preface);
    if (after_the_proof) write_frame(out, peer::FrameType::hello, 0, encode(stranger.hello({})));
    write_frame(out, peer::FrameType::refuse, 0, encode(peer::Refused{peer::Refusal::given_up, "you are dead"}));
    n1.mesh.bytes(net.swallowed.at(0), net.now, out.view());
    net.run_for(1s);
    ck_assert(n1.mesh.incarnation() == life && n1.count(Kind::reincarnated) == 0);
    ck_assert(n1.count(Kind::dial_failed) == 1);
  }
}
END_TEST

// --- With Redis: the set and the leases as the mesh is told of them.

struct Discovering {
  Net net;
  Crowd crowd1;
  Crowd crowd2;
  Host* n1 = &net.add(settings(1), crowd1);
  Host* n2 = &net.add(settings(2), crowd2);
  std::vector<peer::Member> taken_out;

  static Mesh::Settings settings(int n) {
    Mesh::Settings settings = Net::settings(n, 0);
    settings.discovers = true;
    return settings;
  }
  static peer::Member member(int n) { return {"n" + std::to_string(n), Net::address(n)}; }
  static peer::Listed entry(int n, Incarnation lease = Incarnation::none) {
    peer::Listed listed{member(n), std::nullopt};
    if (lease != Incarnation::none) listed.lease = peer::Lease{lease, Net::address(n)};
    return listed;
  }
  Discovering() {
    crowd1.mesh = &n1->mesh;
    crowd2.mesh = &n2->mesh;
    crowd2.login("bob");
    net.start();
  }
  // Looks every second for so long; what n1 is to take out goes to taken_out.
  void look_for(peer::Micros time, const std::vector<peer::Listed>& view) {
    for (const peer::Time end = net.now + time;;) {
      for (const peer::Member& each : n1->mesh.listed(view, net.now)) taken_out.push_back(each);
      if (net.now >= end) return;
      net.run_for(std::min<peer::Micros>(1s, end - net.now));
    }
  }
};

START_TEST(found_through_the_set) {
  Discovering net;
  const auto view = [&] {
    return std::vector{Discovering::entry(1, net.n1->mesh.incarnation()),
                       Discovering::entry(2, net.n2->mesh.incarnation())};
  };
  ck_assert(net.n1->mesh.whole());  // there is nobody
  net.look_for(0s, view());
  ck_assert(!net.n1->mesh.whole());
  net.net.run_for(1s);
  ck_assert_msg(net.n1->mesh.whole(), "n2 was dialled and has dialled back, though it never saw the set");
  ck_assert(net.crowd1.knows("bob"));
}
END_TEST

START_TEST(dead_by_lease_and_link) {
  Discovering net;
  net.look_for(2s, {Discovering::entry(2, net.n2->mesh.incarnation())});
  const Incarnation life = net.n2->mesh.incarnation();
  net.net.kill(Net::address(2));
  net.look_for(8s, {Discovering::entry(2, life)});
  ck_assert_msg(net.n1->count(Kind::node_dead) == 0, "its lease lives");
  net.look_for(4s, {Discovering::entry(2)});
  ck_assert(net.n1->count(Kind::node_dead) == 1 && !net.crowd1.knows("bob"));
  same(net.n1->why(Kind::node_dead), "its lease is gone and its link is down");
  ck_assert(net.taken_out.size() >= 1 && net.taken_out[0] == Discovering::member(2));
  net.look_for(0s, {});
  const std::size_t dials = net.net.dials.size();
  net.net.run_for(1min);
  ck_assert_msg(net.net.dials.size() == dials, "out of the set it is not dialled");
}
END_TEST

START_TEST(no_lease_is_missed_in_a_pause) {
  Discovering net;
  const Incarnation life = net.n2->mesh.incarnation();
  net.look_for(2s, {Discovering::entry(2, life)});
  net.net.kill(Net::address(2));
  net.look_for(2s, {Discovering::entry(2)});
  net.n1->mesh.suspend(net.net.now);
  net.net.now += 1h;
  net.n1->mesh.resume(net.net.now);
  net.look_for(2s, {Discovering::entry(2)});
  ck_assert_msg(net.n1->count(Kind::node_dead) == 0, "what was missing before the pause counts anew");
}
END_TEST

START_TEST(reborn_in_its_lease) {
  Discovering net;
  net.look_for(2s, {Discovering::entry(2, net.n2->mesh.incarnation())});
  net.crowd1.send("bob", "hello");
  net.net.kill(Net::address(2));
  net.net.pump();
  net.net.answer(Net::address(2), Net::Answer::refused);
  net.look_for(1s, {Discovering::entry(2, Incarnation{99})});
  same(net.n1->why(Kind::node_dead), "its lease is another life's");
  ck_assert(!net.crowd1.knows("bob") && net.crowd1.ended.size() == 1);
}
END_TEST

START_TEST(a_stranger_in_the_set) {
  Discovering net;
  net.look_for(11s, {Discovering::entry(7)});
  ck_assert(net.taken_out.size() >= 1 && net.taken_out[0] == Discovering::member(7));
  net.look_for(0s, {});
  const std::size_t dials = net.net.dials.size();
  ck_assert_uint_gt(dials, 2);
  net.net.run_for(1min);
  ck_assert(net.net.dials.size() == dials && net.n1->mesh.view(net.net.now).empty());
}
END_TEST

}  // namespace

SUITE(given_up_and_reborn, one_link_keeps_a_node_alive, killed_and_restarted, restarted_unnoticed,
      a_new_life_of_the_same_process, reborn_unnoticed, leaving_in_good_order, what_it_said_before_it_left, a_pause,
      nobody_dies_in_a_pause, a_refusal_from_a_stranger_ends_no_life, found_through_the_set, dead_by_lease_and_link,
      no_lease_is_missed_in_a_pause, reborn_in_its_lease, a_stranger_in_the_set)
