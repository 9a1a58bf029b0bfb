// The picture of the cluster: merged from what each tells, and its JSON.
#include "src/node/cluster.h"

#include <string>

#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using node::Cluster;
using node::Hearsay;
using node::LinkSight;
using node::LinkState;
using node::LinkWord;
using node::Status;
using node::Vitals;
using Health = peer::Mesh::Health;
using Verdict = peer::Canary::Verdict;

Vitals alone() {
  Vitals vitals;
  vitals.name = "n2";
  vitals.cluster = "main";
  vitals.incarnation = peer::Incarnation{0xab};
  vitals.peer = {"10.0.0.2", 9601};
  vitals.http = {"::1", 9701};
  vitals.client = {"10.0.0.2", 9501};
  vitals.stage = Vitals::Stage::serving;
  vitals.uptime = peer::Millis(61'999);
  vitals.loop_lag = peer::Micros(70);
  vitals.memory_bytes = 5'000'000;
  vitals.settings = {{"mesh.hold_ms", "2000"}};
  vitals.users = 3;
  vitals.chats_per_s = 1.5;
  return vitals;
}

peer::Mesh::PeerView linked(const std::string& name) {
  peer::Mesh::PeerView peer;
  peer.name = name;
  peer.address = {"10.0.0.9", 9601};
  peer.incarnation = peer::Incarnation{0xcd};
  peer.listed = peer.synced = peer.accepts = true;
  peer.state = peer::OutLink::State::up;
  peer.rtt = peer::Micros(210);
  peer.reconnects = 2;
  peer.users = 7;
  return peer;
}

peer::Mesh::PeerView never_met(const std::string& name) {
  peer::Mesh::PeerView peer;
  peer.name = name;
  peer.address = {"10.0.0.8", 9601};
  peer.health = peer::Mesh::Health::dead;
  peer.listed = true;
  peer.state = peer::OutLink::State::waiting;
  peer.why = "it said \"no\"";
  peer.next_try = peer::Millis(900);
  return peer;
}

constexpr peer::Incarnation life{0xcd};

LinkWord up(const std::string& name) {
  return {name, true, Health::alive, true, LinkState::up, 50us, 0, 0, {}, "", Verdict::ok};
}

LinkWord down(const std::string& name) {
  return {name, true, Health::suspect, false, LinkState::backoff, {}, 0, 1, 700ms, "silent for 5000 ms"};
}

// It tells so at 10 s.
void tell(Hearsay& hearsay, const std::string& from, std::vector<LinkWord> links, peer::Time now = 10s) {
  Status status;
  status.identity = node::Identity{"9.9", {}, {"h", 1}, {"h", 2}, {}};
  status.load = node::Load{};
  status.load->stage = Vitals::Stage::draining;
  status.load->sessions = 44;
  status.table = {true, std::move(links)};
  hearsay.note(from, life, node::encode(status), now);
}

void same(const Vitals& vitals, const std::string& wanted) {
  const std::string found = to_json(cluster_of(vitals, Hearsay(), 10s));
  ck_assert_msg(found == wanted + "\n", "found: %s\nwanted: %s", found.c_str(), wanted.c_str());
}

const LinkSight& link(const Cluster& cluster, const std::string& from, const std::string& to) {
  for (const LinkSight& each : cluster.links)
    if (each.from == from && each.to == to) return each;
  ck_abort_msg("no link %s -> %s", from.c_str(), to.c_str());
}

const node::NodeSight& at(const Cluster& cluster, const std::string& name) {
  for (const node::NodeSight& each : cluster.nodes)
    if (each.name == name) return each;
  ck_abort_msg("no node %s", name.c_str());
}

// n2 sees n1 and n3, and they tell that all is well.
struct Three {
  Vitals vitals = alone();
  Hearsay hearsay;
  Three() {
    vitals.peers = {linked("n1"), linked("n3")};
    tell(hearsay, "n1", {up("n2"), up("n3")});
    tell(hearsay, "n3", {up("n1"), up("n2")});
  }
  Cluster now(peer::Time at = 11s) const { return cluster_of(vitals, hearsay, at); }
};

const std::string self =
    R"({"name":"n2","state":"alive","listed":true,"incarnation":"00000000000000ab","peer":"10.0.0.2:9601",)"
    R"("client":"10.0.0.2:9501","http":"[::1]:9701","version":")" CROSSTALK_VERSION
    R"(","stage":"serving","uptime_s":61,"sessions":3,"users":3,"rooms":0,"chats_per_s":1.5,"loop_lag_us":70,)"
    R"("memory_bytes":5000000,"redis":"REDIS","settings":{"mesh.hold_ms":"2000"}})";

std::string self_with(const std::string& redis) {
  std::string text = self;
  return text.replace(text.find("REDIS"), 5, redis);
}

}  // namespace

START_TEST(one_node) {
  same(alone(), R"({"node":"n2","cluster":"main","whole":true,"nodes":[)" + self_with("none") +
                    R"(],"links":[],"redis":{"state":"none"},"events":[]})");
}
END_TEST

START_TEST(in_order_and_nothing_guessed) {
  Vitals vitals = alone();
  vitals.peers = {linked("n3"), never_met("n1")};
  vitals.redis = Vitals::Service::up;
  vitals.redis_latency = peer::Micros(180);
  same(
      vitals,
      R"({"node":"n2","cluster":"main","whole":false,"nodes":[)"
      R"({"name":"n1","state":"dead","listed":true,"peer":"10.0.0.8:9601"},)" +
          self_with("up") +
          R"(,{"name":"n3","state":"alive","listed":true,"incarnation":"00000000000000cd","peer":"10.0.0.9:9601",)"
          R"("users":7}],"links":[)"
          R"({"from":"n1","to":"n2","state":"down","accepted":false},)"
          R"({"from":"n2","to":"n1","state":"backoff","waiting_bytes":0,"reconnects":0,"why":"it said \"no\"",)"
          R"("next_try_ms":900},)"
          R"({"from":"n2","to":"n3","state":"up","rtt_us":210,"waiting_bytes":0,"reconnects":2},)"
          R"({"from":"n3","to":"n2","state":"up","accepted":true}],"redis":{"state":"up","latency_us":180},"events":[]})");
}
END_TEST

START_TEST(all_of_it_from_one) {
  const Three three;
  const Cluster cluster = three.now();
  ck_assert(cluster.whole && cluster.links.size() == 6);
  ck_assert(link(cluster, "n1", "n3").word->rtt == 50us && link(cluster, "n1", "n3").accepted == true);
  ck_assert(at(cluster, "n3").load->sessions == 44 && at(cluster, "n3").age == 1000ms && !at(cluster, "n2").age);
  ck_assert(at(cluster, "n3").identity->version == "9.9");
}
END_TEST

// What the far end says does not come in the way of what the near end says.
START_TEST(a_link_between_others_that_is_cut_one_way) {
  Three three;
  LinkWord cut = down("n3");
  cut.accepted = true;
  LinkWord deaf = up("n1");
  deaf.accepted = false;
  tell(three.hearsay, "n1", {up("n2"), cut});
  tell(three.hearsay, "n3", {deaf, up("n2")});
  const Cluster cluster = three.now(10'300ms);
  ck_assert(!cluster.whole);
  const LinkSight& there = link(cluster, "n1", "n3");
  ck_assert(there.state == LinkState::backoff && there.accepted == false && there.word->why == "silent for 5000 ms");
  ck_assert_msg(there.next_try == 400ms, "it is nearer by now");
  const LinkSight& back = link(cluster, "n3", "n1");
  ck_assert(back.state == LinkState::up && back.accepted == true && delivers(back) && !delivers(there));
}
END_TEST

START_TEST(one_end_alone_is_believed) {
  Three three;
  LinkWord deaf = up("n1");
  deaf.accepted = false;
  tell(three.hearsay, "n3", {deaf, up("n2")});
  ck_assert_msg(!three.now().whole, "its dialler has not noticed yet");
  tell(three.hearsay, "n3", {up("n1"), up("n2")});
  LinkWord mute = up("n3");
  mute.canary = Verdict::lost_back;
  tell(three.hearsay, "n1", {up("n2"), mute});
  const Cluster cluster = three.now();
  ck_assert(!cluster.whole && link(cluster, "n1", "n3").state == LinkState::up);
  ck_assert(to_json(cluster).find(R"("canary":"lost","canary_why":"canary n3 -> n1 lost")") != std::string::npos);
}
END_TEST

// It may be gone: it has said nothing since the other end saw the link break.
START_TEST(who_is_silent_since_is_not_believed) {
  Three three;
  LinkWord deaf = up("n1");
  deaf.accepted = false;
  tell(three.hearsay, "n3", {deaf, up("n2")}, 11s);
  ck_assert(link(three.now(12s), "n1", "n3").state == LinkState::down && !link(three.now(12s), "n1", "n3").word);
  tell(three.hearsay, "n1", {up("n2"), up("n3")}, 12s);
  ck_assert(link(three.now(12s), "n1", "n3").state == LinkState::up);
  LinkWord cut = down("n3");
  tell(three.hearsay, "n1", {up("n2"), cut}, 12s);
  tell(three.hearsay, "n3", {up("n1"), up("n2")}, 13s);
  ck_assert_msg(link(three.now(13s), "n1", "n3").state == LinkState::backoff, "one that says no is");
}
END_TEST

START_TEST(what_is_old_is_not_known) {
  const Three three;
  const Cluster cluster = three.now(20s);
  ck_assert(!cluster.whole && cluster.links.size() == 4 && !at(cluster, "n3").load && !at(cluster, "n3").identity);
  ck_assert(at(cluster, "n3").age == 10s && at(cluster, "n3").users == 7);
  ck_assert(three.now(19'999ms).whole);
  // Of the silent one the others' words are what there is.
  Three silent;
  tell(silent.hearsay, "n1", {up("n2"), up("n3")}, 15s);
  const Cluster half = silent.now(21s);
  ck_assert(half.whole && !link(half, "n3", "n1").word && link(half, "n3", "n1").state == LinkState::up);
}
END_TEST

START_TEST(an_earlier_life_says_nothing) {
  Three three;
  three.vitals.peers[1].incarnation = peer::Incarnation{0xef};
  const Cluster cluster = three.now();
  ck_assert(!at(cluster, "n3").load && !at(cluster, "n3").age && !link(cluster, "n3", "n1").word);
}
END_TEST

START_TEST(what_others_know_of_others) {
  Three three;
  tell(three.hearsay, "n1", {up("n2"), up("n3"), up("n4")});
  three.vitals.peers[1].health = Health::suspect;  // not reached from here, but from n1
  const Cluster cluster = three.now();
  ck_assert(at(cluster, "n4").health == Health::alive && at(cluster, "n4").listed && !at(cluster, "n4").load);
  ck_assert(at(cluster, "n3").health == Health::alive);
  ck_assert_msg(!cluster.whole, "nobody tells of n4 and n3");
  ck_assert(link(cluster, "n4", "n1").accepted == true);
}
END_TEST

START_TEST(whole_is_both_ways_with_all_that_should_be_there) {
  Vitals vitals = alone();
  vitals.peers = {linked("n3")};
  const auto whole = [&vitals] { return cluster_of(vitals, Hearsay(), 0s).whole; };
  ck_assert(whole());
  vitals.peers[0].canary = Verdict::lost_there;
  ck_assert(!whole());
  vitals.peers[0].canary = Verdict::ok;
  vitals.peers[0].accepts = false;
  ck_assert(!whole());
  vitals.peers[0].listed = false;
  ck_assert(whole());
}
END_TEST

SUITE(one_node, in_order_and_nothing_guessed, all_of_it_from_one, a_link_between_others_that_is_cut_one_way,
      who_is_silent_since_is_not_believed, one_end_alone_is_believed, what_is_old_is_not_known,
      an_earlier_life_says_nothing, what_others_know_of_others, whole_is_both_ways_with_all_that_should_be_there)
