// Two meshes meet: handshakes that succeed, and every way in which one does not.
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using peer::Mesh;
using peer::OutLink;
using small_net::Crowd;
using small_net::Host;
using small_net::Net;
using Kind = peer::Report::Kind;
using suite::same;

struct Pair {
  Net net;
  Crowd crowd1;
  Crowd crowd2;
  Host& n1;
  Host& n2;

  explicit Pair(const std::function<void(Mesh::Settings&, Mesh::Settings&)>& change = nullptr)
      : Pair(Net::settings(1, 2), Net::settings(2, 2), change) {}

 private:
  Pair(Mesh::Settings one, Mesh::Settings two, const std::function<void(Mesh::Settings&, Mesh::Settings&)>& change)
      : n1(net.add((change ? change(one, two) : void(), std::move(one)), crowd1)), n2(net.add(std::move(two), crowd2)) {
    crowd1.mesh = &n1.mesh;
    crowd2.mesh = &n2.mesh;
  }
};

START_TEST(two_nodes_meet) {
  Pair pair;
  ck_assert(!pair.n1.mesh.whole());
  pair.net.start_whole();
  for (const auto& [host, other] : {std::pair(&pair.n1, &pair.n2), std::pair(&pair.n2, &pair.n1)}) {
    const Mesh::PeerView view = host->view(other->name(), pair.net.now);
    ck_assert(view.state == OutLink::State::up && view.synced && view.accepts);
    ck_assert(view.health == Mesh::Health::alive && view.incarnation == other->mesh.incarnation());
    ck_assert(view.reconnects == 0 && view.why.empty() && view.address == other->mesh.self().advertised);
    ck_assert(host->count(Kind::link_up) == 1 && host->count(Kind::accepted) == 1);
    ck_assert(host->count(Kind::node_joined) == 1 && host->reports.size() == 3);
  }
  ck_assert(pair.n1.mesh.incarnation() != pair.n2.mesh.incarnation());
  pair.net.run_for(1h);  // and nothing happens any more
  ck_assert(pair.n1.reports.size() == 3 && pair.n2.reports.size() == 3 && pair.net.dials.size() == 2);
}
END_TEST

START_TEST(in_pieces_of_any_size) {
  for (const std::size_t bytes : {1U, 2U, 3U, 5U, 16U, 61U}) {
    Pair pair;
    pair.net.piece_bytes = bytes;
    pair.crowd1.login("alice");
    pair.net.start_whole();
    pair.net.pump();
    ck_assert(pair.crowd2.knows("alice") && pair.crowd2.send("alice", "hello") == Mesh::Sent::yes);
    pair.net.pump_outcomes();
    ck_assert(pair.crowd1.arrived.size() == 1 && pair.crowd1.arrived[0].line == "hello\n");
    ck_assert(pair.crowd2.ended.size() == 1 && pair.crowd2.ended[0].how == peer::Settled::written);
  }
}
END_TEST

// Each is named on both sides, whoever dials, and nothing else is exchanged.
START_TEST(what_both_sides_name) {
  const struct {
    const char* sentence;
    std::function<void(Mesh::Settings&, Mesh::Settings&)> change;
    const char* at_n1;  // n1 refuses n2's dial; what n2 reads
    const char* at_n2;  // the other way round
  } rows[] = {
      {"another secret", [](auto&, auto& two) { two.self.secret = "another secret of it"; },
       "the secrets (mesh.secret_file) differ", "the secrets (mesh.secret_file) differ"},
      {"no secret", [](auto&, auto& two) { two.self.secret.clear(); }, "the secrets (mesh.secret_file) differ",
       "the secrets (mesh.secret_file) differ"},
      {"another cluster", [](auto&, auto& two) { two.self.cluster = "test"; },
       "node.cluster differs: \"main\" at n1, \"test\" at n2", "node.cluster differs: \"test\" at n2, \"main\" at n1"},
      {"another value of a setting", [](auto&, auto& two) { two.self.settings[0].value = "3"; },
       "sessions.per_user differs: \"1\" at n1, \"3\" at n2", "sessions.per_user differs: \"3\" at n2, \"1\" at n1"},
      {"a setting that only one has",
       [](auto&, auto& two) {
         two.self.settings.push_back({"a.b", "c"});
       },
       "a.b differs: \"unset\" at n1, \"c\" at n2", "a.b differs: \"c\" at n2, \"unset\" at n1"},
  };
  for (const auto& row : rows) {
    Pair pair(row.change);
    pair.crowd1.login("alice");
    pair.net.start();
    pair.net.run_for(20s);
    for (const auto& [host, mine, theirs] :
         {std::tuple(&pair.n1, row.at_n1, row.at_n2), std::tuple(&pair.n2, row.at_n2, row.at_n1)}) {
      same(host->why(Kind::accept_refused), mine);
      same(host->why(Kind::dial_failed), theirs);
      ck_assert_msg(host->count(Kind::node_joined) == 0 && host->count(Kind::accepted) == 0, "%s", row.sentence);
      ck_assert_msg(host->mesh.directory().size() == 0 && !host->mesh.whole(), "%s", row.sentence);
    }
    ck_assert_msg(pair.n1.view("n2", pair.net.now).why == row.at_n2, "%s: in the view", row.sentence);
  }
}
END_TEST

START_TEST(a_node_that_meets_itself) {
  Net net;
  Crowd crowd;
  Mesh::Settings settings = Net::settings(1, 1);
  settings.peers.push_back({"other", Net::address(1)});
  Host& n1 = net.add(std::move(settings), crowd);
  crowd.mesh = &n1.mesh;
  net.start();
  net.run_for(5s);
  const std::string sentence = "n1 is this node itself: its own address is among its peers";
  same(n1.why(Kind::accept_refused), sentence);
  same(n1.why(Kind::dial_failed), sentence);
  ck_assert(n1.count(Kind::node_joined) == 0);
}
END_TEST

START_TEST(a_second_node_of_a_name) {
  Pair pair;
  pair.net.start_whole();
  Crowd crowd3;
  Mesh::Settings settings = Net::settings(3, 2);
  settings.self.name = "n2";
  Host& twin = pair.net.add(std::move(settings), crowd3);
  crowd3.mesh = &twin.mesh;
  twin.mesh.start(pair.net.now);
  pair.net.run_for(20s);
  const std::string sentence =
      "two nodes are called n2: one at 10.0.0.2:9601 is linked, another came from 10.0.0.3:9601; give one of them "
      "another name (--node)";
  same(pair.n1.why(Kind::accept_refused), sentence);
  same(twin.why(Kind::dial_failed), sentence);
  ck_assert_msg(pair.n1.count(Kind::link_down) == 0 && pair.n1.mesh.whole(), "the first is not disturbed");
  ck_assert(pair.n1.view("n2", pair.net.now).incarnation == pair.n2.mesh.incarnation());
}
END_TEST

START_TEST(another_node_at_that_address) {
  Net net;
  Crowd crowd1;
  Crowd crowd2;
  Mesh::Settings settings = Net::settings(1, 1);
  settings.peers.push_back({"n3", Net::address(2)});
  Host& n1 = net.add(std::move(settings), crowd1);
  Host& n2 = net.add(Net::settings(2, 0), crowd2);
  net.start();
  net.run_for(100ms);
  same(n1.why(Kind::dial_failed), "the node at 10.0.0.2:9601 is n2, not n3");
  (void)n2;
}
END_TEST

START_TEST(no_peer_port) {
  const struct {
    const char* answer;
    const char* why;
  } rows[] = {
      {"HTTP/1.1 400 Bad Request\r\n", "that is no peer port: it answered \"HTTP/1.1 400 Bad Request??\""},
      {"{\"cmd\":\"hello\",\"server\":\"crosstalkd/0.1.0\",\"node\":\"n1\"}\n",
       "that is no peer port: it answered \"{\"cmd\":\"hello\",\"server\":\"crosstalkd/0.1.\""},
      {"crosstalk-peer 1\n\xff\xff\xff\xff", "it sent a malformed frame"},
      {"crosstalk-peer 1\n\x09\0\0\0\x20", "no answer within 2000 ms"},
  };
  for (const auto& row : rows) {
    Net net;
    Crowd crowd;
    Host& n1 = net.add(Net::settings(1, 2), crowd);
    net.answer(Net::address(2), Net::Answer::swallowed);
    net.start();
    net.run_for(1s);
    n1.mesh.opened(net.swallowed.at(0), net.now);
    n1.mesh.bytes(net.swallowed.at(0), net.now, row.answer);
    net.run_for(1500ms);
    same(n1.reports.at(0).why, row.why);
  }
}
END_TEST

START_TEST(a_dial_is_given_up_after_2_s) {
  const struct {
    const char* sentence;
    bool opens;  // but says nothing
  } rows[] = {{"swallowed", false}, {"accepted by one that says nothing", true}};
  for (const auto& row : rows) {
    Net net;
    Crowd crowd;
    Host& n1 = net.add(Net::settings(1, 2), crowd);
    net.answer(Net::address(2), Net::Answer::swallowed);
    net.now = 50s;
    net.start();
    net.run_for(1s);
    if (row.opens) n1.mesh.opened(net.swallowed.at(0), net.now);
    net.run_for(1s - 1us);
    ck_assert_msg(n1.reports.empty(), "%s: not a moment earlier", row.sentence);
    net.run_for(1us);
    ck_assert_msg(n1.reports.size() == 1 && n1.reports[0].kind == Kind::dial_failed, "%s", row.sentence);
    same(n1.reports[0].why, "no answer within 2000 ms");
    same(n1.reports[0].address, "10.0.0.2:9601");
  }
}
END_TEST

START_TEST(never_more_than_14_dials_in_10_s) {
  for (const bool accepts_and_closes : {false, true}) {
    Net net;
    Crowd crowd1;
    Crowd crowd2;
    net.add(Net::settings(1, 2), crowd1);
    if (accepts_and_closes) {
      net.add(Net::settings(2, 0), crowd2);
      net.on_wire = [](small_net::Wire& wire) { wire.acceptor().left = wire.dialler().left = 1; };
    }
    net.start();
    net.run_for(5min);
    ck_assert_uint_gt(net.dials.size(), 30);  // it never gives up, either
    for (std::size_t i = 14; i < net.dials.size(); ++i) ck_assert(net.dials[i] - net.dials[i - 14] >= 10s);
  }
}
END_TEST

START_TEST(silent_suspect_lost) {
  Pair pair;
  pair.net.now = 7s;
  pair.net.start();
  pair.net.run_for(10s);  // dialled at 7, last heard at 17
  for (Host* host : {&pair.n1, &pair.n2}) ck_assert(host->mesh.whole());
  pair.net.hold("n1", "n2");
  pair.net.hold("n2", "n1");
  pair.net.run_for(3s - 1us);
  ck_assert(pair.n1.view("n2", pair.net.now).health == Mesh::Health::alive);
  pair.net.run_for(1us);
  ck_assert(pair.n1.view("n2", pair.net.now).health == Mesh::Health::suspect);
  ck_assert(pair.n1.count(Kind::link_down) == 0);
  pair.net.run_for(2s - 1us);
  ck_assert(pair.n1.count(Kind::link_down) == 0 && pair.n1.count(Kind::accept_lost) == 0);
  pair.net.run_for(1us);
  same(pair.n1.why(Kind::link_down), "silent for 5000 ms");
  same(pair.n1.why(Kind::accept_lost), "silent for 5000 ms");
}
END_TEST

// The answer to the last ping comes late, so the silence begins between two pings.
START_TEST(lost_after_5_s_of_silence_to_the_millisecond) {
  Pair pair;
  pair.net.now = 7s;
  pair.net.start();
  pair.net.run_for(10s - 1us);
  pair.net.hold("n1", "n2");
  pair.net.run_for(300ms + 1us);
  pair.net.hold("n1", "n2", false);
  pair.net.pump();  // heard at 17.3
  pair.net.hold("n1", "n2");
  pair.net.run_for(5s - 1us);
  ck_assert(pair.n1.count(Kind::link_down) == 0);
  pair.net.run_for(1us);
  ck_assert(pair.n1.count(Kind::link_down) == 1);
  ck_assert_msg(pair.n2.count(Kind::link_down) == 0, "the other direction is measured by itself");
}
END_TEST

struct Heard final : peer::DatagramSink {
  void on_datagram(peer::PeerId, std::string_view bytes) override { all.emplace_back(bytes); }
  std::vector<std::string> all;
};

START_TEST(datagrams) {
  Pair pair;
  Heard heard;
  pair.n2.mesh.attach(heard);
  ck_assert_msg(!pair.n1.mesh.send_datagram(0, "too early"), "no link yet");
  pair.net.start_whole();
  // Ahead of a chat that was sent before them, in order, of any content.
  const std::string zeros(1000, '\0');
  pair.crowd2.login("bob");
  pair.net.pump();
  std::size_t told_before_chat = 0;
  pair.net.piece_bytes = 16;
  ck_assert(pair.crowd1.send("bob", std::string(5000, 'x')) == Mesh::Sent::yes);
  for (const std::string& each : {std::string("one"), std::string(), zeros}) pair.n1.mesh.send_datagram(0, each);
  while (pair.crowd2.arrived.empty() && pair.net.step()) told_before_chat = heard.all.size();
  ck_assert_uint_eq(told_before_chat, 3);
  ck_assert(heard.all[0] == "one" && heard.all[1].empty() && heard.all[2] == zeros);

  // Bounded, and lost with the connection.
  pair.net.piece_bytes = std::numeric_limits<std::size_t>::max();
  const std::string large(100'000, 'x');
  int taken = 0;
  while (taken < 10 && pair.n1.mesh.send_datagram(0, large)) ++taken;
  ck_assert_int_eq(taken, 2);
  pair.net.cut_all();
  ck_assert(!pair.n1.mesh.send_datagram(0, "the link is down"));
  pair.net.run_for(10s);
  ck_assert(pair.n1.mesh.whole());
  ck_assert_uint_eq(heard.all.size(), 3);
  ck_assert(pair.n1.mesh.send_datagram(0, "up again"));
  pair.net.pump();
  ck_assert(heard.all.back() == "up again");

  // While my link is down, back by the other's.
  pair.net.answer(Net::address(2), Net::Answer::refused);
  pair.net.cut("n1", "n2");
  ck_assert(pair.n1.mesh.send_datagram(0, "the other way"));
  pair.net.pump();
  ck_assert(heard.all.back() == "the other way");
  taken = 0;
  while (taken < 10 && pair.n1.mesh.send_datagram(0, large)) ++taken;
  ck_assert_int_eq(taken, 2);
}
END_TEST

START_TEST(round_trips) {
  Pair pair;
  pair.net.now = 7s;
  pair.net.start();
  pair.net.run_for(10s - 1us);
  ck_assert(pair.n1.view("n2", pair.net.now).rtt == 0us);
  pair.net.hold("n1", "n2");
  pair.net.run_for(42ms + 1us);
  pair.net.hold("n1", "n2", false);
  pair.net.pump();
  ck_assert(pair.n1.view("n2", pair.net.now).rtt == 42ms);
  ck_assert(pair.n2.view("n1", pair.net.now).rtt == 0us);
}
END_TEST

START_TEST(a_greeting_has_2_s_and_64_may_wait) {
  Net net;
  Crowd crowd;
  Host& n1 = net.add(Net::settings(1, 1), crowd);
  net.start();
  std::vector<peer::ConnId> waiting;
  const auto waits = [&](peer::ConnId id) {
    n1.mesh.bytes(id, net.now, "no peer");  // who waits is told that it is none
    return std::exchange(n1.reports, {}).size() == 1;
  };
  for (int i = 0; i < 65; ++i) waiting.push_back(n1.mesh.accepted(net.now, "x"));
  ck_assert_msg(!waits(waiting[0]), "the 65th takes the place of the oldest");
  ck_assert(waits(waiting[1]) && waits(waiting[64]));
  net.run_for(2s - 1us);
  ck_assert(waits(waiting[2]));
  net.run_for(1us);
  ck_assert_msg(!waits(waiting[3]), "2 s are over");
}
END_TEST

}  // namespace

SUITE(two_nodes_meet, in_pieces_of_any_size, what_both_sides_name, a_node_that_meets_itself, a_second_node_of_a_name,
      another_node_at_that_address, no_peer_port, a_dial_is_given_up_after_2_s, never_more_than_14_dials_in_10_s,
      silent_suspect_lost, datagrams, lost_after_5_s_of_silence_to_the_millisecond, round_trips,
      a_greeting_has_2_s_and_64_may_wait)
