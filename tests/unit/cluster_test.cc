// The picture of the cluster, and its JSON.
#include "src/node/cluster.h"

#include <string>

#include "tests/unit/suite.h"

namespace {

using node::Vitals;

Vitals alone() {
  Vitals vitals;
  vitals.name = "n2";
  vitals.cluster = "main";
  vitals.incarnation = peer::Incarnation{0xab};
  vitals.peer = {"10.0.0.2", 9601};
  vitals.http = {"::1", 9701};
  vitals.uptime = peer::Millis(61'999);
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
  return peer;
}

void same(const Vitals& vitals, const std::string& wanted) {
  const std::string found = to_json(cluster_of(vitals));
  ck_assert_msg(found == wanted + "\n", "found: %s\nwanted: %s", found.c_str(), wanted.c_str());
}

const std::string self =
    R"({"name":"n2","state":"alive","incarnation":"00000000000000ab","peer":"10.0.0.2:9601","http":"[::1]:9701",)"
    R"("version":")" CROSSTALK_VERSION R"(","uptime_s":61,"sessions":3,"users":3,"rooms":0,"chats_per_s":1.5})";

}  // namespace

START_TEST(one_node) {
  same(alone(),
       R"({"node":"n2","cluster":"main","whole":true,"nodes":[)" + self + R"(],"links":[],"redis":{"state":"none"}})");
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
      R"({"name":"n1","state":"dead","peer":"10.0.0.8:9601"},)" +
          self +
          R"(,{"name":"n3","state":"alive","incarnation":"00000000000000cd","peer":"10.0.0.9:9601","users":7}],"links":[)"
          R"({"from":"n1","to":"n2","state":"down"},)"
          R"({"from":"n2","to":"n1","state":"backoff","waiting_bytes":0,"reconnects":0,"why":"it said \"no\""},)"
          R"({"from":"n2","to":"n3","state":"up","rtt_us":210,"waiting_bytes":0,"reconnects":2},)"
          R"({"from":"n3","to":"n2","state":"up"}],"redis":{"state":"up","latency_us":180}})");
}
END_TEST

START_TEST(whole_is_both_ways_with_all_that_should_be_there) {
  Vitals vitals = alone();
  vitals.peers = {linked("n3")};
  ck_assert(cluster_of(vitals).whole);
  vitals.peers[0].accepts = false;
  ck_assert(!cluster_of(vitals).whole);
  vitals.peers[0].listed = false;
  ck_assert(cluster_of(vitals).whole);
}
END_TEST

SUITE(one_node, in_order_and_nothing_guessed, whole_is_both_ways_with_all_that_should_be_there)
