// What a node tells the others and when, and how long what they tell is good for.
#include "src/node/lookout.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using node::Lookout;
using node::Status;
using node::Vitals;
using Kind = peer::Report::Kind;

peer::Mesh::PeerView linked(const std::string& name) {
  peer::Mesh::PeerView peer;
  peer.name = name;
  peer.incarnation = peer::Incarnation{1};
  peer.listed = peer.synced = peer.accepts = true;
  peer.state = peer::OutLink::State::up;
  return peer;
}

// A lookout, and what it has said since it was asked.
struct Post {
  Vitals vitals;
  std::vector<Status> to_all;
  std::vector<std::pair<peer::PeerId, Status>> to_one;
  std::vector<std::pair<std::string, std::string>> passed_on;
  Lookout lookout{
      {[this](std::string_view body) { to_all.push_back(node::decode(body).value()); },
       [this](peer::PeerId to, std::string_view body) { to_one.emplace_back(to, node::decode(body).value()); },
       [this](std::string_view to, std::string_view body) { passed_on.emplace_back(to, body); },
       [this] { return vitals; }}};

  Post() {
    vitals.name = "n1";
    vitals.stage = Vitals::Stage::serving;
    vitals.peers = {linked("n2"), linked("n3")};
  }
  std::vector<Status> said(peer::Time now) {
    to_all.clear();
    lookout.tick(now);
    return std::exchange(to_all, {});
  }
  void report(Kind kind, const std::string& peer, peer::Time now) {
    lookout.on_report({kind, peer, "", "because", 7}, now, 1000);
  }
};

}  // namespace

START_TEST(all_then_the_load_then_all_again) {
  Post post;
  std::vector<Status> said = post.said(0s);
  ck_assert(said.size() == 1 && said[0].identity && said[0].load && said[0].table->all);
  ck_assert(said[0].table->links.size() == 2);
  int loads = 0;
  int whole = 0;
  for (peer::Time now = 0s; now < 20s; now = std::max(now + 1ms, post.lookout.wake_at())) {
    for (const Status& each : post.said(now)) {
      ck_assert(each.load && each.identity.has_value() == each.table.has_value());
      ++(each.table ? whole : loads);
    }
    ck_assert(post.lookout.wake_at() > now && post.lookout.wake_at() <= now + 1s);
  }
  ck_assert_msg(loads == 8 && whole == 1, "%d %d", loads, whole);
}
END_TEST

START_TEST(a_change_is_told_at_once_and_alone) {
  Post post;
  post.said(0s);
  post.vitals.peers[1].state = peer::OutLink::State::waiting;
  post.vitals.peers[1].synced = false;
  post.vitals.peers[1].why = "silent for 5000 ms";
  post.report(Kind::link_down, "n3", 700ms);
  ck_assert(post.lookout.wake_at() <= 700ms);
  const std::vector<Status> said = post.said(700ms);
  ck_assert(said.size() == 1 && !said[0].identity && !said[0].load && !said[0].table->all);
  ck_assert(said[0].table->links.size() == 1 && said[0].table->links[0].why == "silent for 5000 ms");
  // What repeats is no news.
  post.vitals.peers[1].state = peer::OutLink::State::dialling;
  post.vitals.peers[1].waiting_bytes = 77;
  post.report(Kind::dial_failed, "n3", 1300ms);
  ck_assert(post.said(1300ms).empty());
}
END_TEST

START_TEST(changes_are_thinned) {
  Post post;
  post.said(0s);
  int told = 0;
  for (peer::Time now = 0s; now < 10s; now += 10ms) {
    post.vitals.peers[0].accepts = !post.vitals.peers[0].accepts;
    post.report(post.vitals.peers[0].accepts ? Kind::accepted : Kind::accept_lost, "n2", now);
    for (const Status& each : post.said(now)) told += each.table ? 1 : 0;
  }
  ck_assert_msg(told <= 20 && told >= 10, "%d", told);
}
END_TEST

START_TEST(silence_is_seen_too) {
  Post post;
  post.said(0s);
  post.vitals.peers[0].health = peer::Mesh::Health::suspect;
  ck_assert(post.lookout.wake_at() <= 1s);
  bool told = false;
  for (peer::Time now = 100ms; now <= 1s; now += 100ms)
    for (const Status& each : post.said(now)) told |= each.table.has_value();
  ck_assert(told);
}
END_TEST

START_TEST(who_is_gone_is_told_by_the_whole) {
  Post post;
  post.said(0s);
  post.vitals.peers.pop_back();
  post.report(Kind::node_left, "n3", 600ms);
  const std::vector<Status> said = post.said(600ms);
  ck_assert(said.size() == 1 && said[0].table->all && said[0].table->links.size() == 1);
}
END_TEST

START_TEST(a_newcomer_is_told_all) {
  Post post;
  post.said(0s);
  post.report(Kind::link_up, "n3", 10ms);
  post.lookout.tick(10ms);
  ck_assert(post.to_one.size() == 1 && post.to_one[0].first == 7);
  ck_assert(post.to_one[0].second.identity.has_value());
  ck_assert(post.to_one[0].second.table->all && post.to_one[0].second.table->links.size() == 2);
  post.lookout.tick(2s);
  ck_assert(post.to_one.size() == 1);
}
END_TEST

START_TEST(draining_is_told_with_the_next_look) {
  Post post;
  post.said(0s);
  post.vitals.stage = Vitals::Stage::draining;
  ck_assert(post.said(1s)[0].load->stage == Vitals::Stage::draining);
}
END_TEST

START_TEST(a_thousand_links_in_parts) {
  Post post;
  post.vitals.peers.clear();
  for (int i = 0; i < 1000; ++i) post.vitals.peers.push_back(linked("n" + std::to_string(i)));
  const std::vector<Status> said = post.said(0s);
  std::size_t links = 0;
  for (std::size_t i = 0; i < said.size(); ++i) {
    ck_assert(said[i].table->all == (i == 0) && said[i].identity.has_value() == (i == 0));
    links += said[i].table->links.size();
  }
  ck_assert_uint_eq(links, 1000);
}
END_TEST

START_TEST(the_last_hundred_events) {
  Post post;
  post.report(Kind::dial_failed, "n2", 0s);
  ck_assert_msg(post.lookout.cluster(0s).events.empty(), "that repeats without end");
  post.report(Kind::node_joined, "n2", 0s);
  for (int i = 0; i < 100; ++i) post.report(Kind::link_up, "n3", 0s);
  const auto events = post.lookout.cluster(0s).events;
  ck_assert(events.size() == 100 && events[0].what == "link_up" && events[0].peer == "n3" && events[0].at_ms == 1000);
}
END_TEST

START_TEST(one_word_after_the_other) {
  node::Hearsay hearsay;
  const peer::Incarnation life{5};
  Status first;
  first.identity = node::Identity{};
  first.table = {true, {{"n1"}, {"n3"}}};
  hearsay.note("n2", life, node::encode(first), 1s);
  Status change;
  change.table = {false, {{"n3", true}, {"n4"}}};
  hearsay.note("n2", life, node::encode(change), 3s);
  const node::Hearsay::Word* word = hearsay.find("n2");
  ck_assert(word->links.size() == 3 && word->links.at("n3").link.listed && word->links.at("n3").at == 3s);
  ck_assert(word->links.at("n1").at == 1s && word->identity && !word->load && word->at == 3s);
  hearsay.note("n2", life, "\x01garbage", 4s);
  ck_assert(hearsay.malformed() == 1 && hearsay.find("n2")->at == 3s);
  hearsay.note("n2", life, node::encode(first), 5s);
  ck_assert(hearsay.find("n2")->links.size() == 2);
  hearsay.note("n2", peer::Incarnation{6}, node::encode(change), 6s);
  ck_assert_msg(!hearsay.find("n2")->identity && hearsay.find("n2")->links.size() == 2,
                "another life's word is nobody's");
  hearsay.forget("n2");
  ck_assert(hearsay.find("n2") == nullptr);
}
END_TEST

// Two that are cut off from each other hear of each other by way of the first between.
START_TEST(what_cannot_be_told_is_passed_on) {
  Post post;
  post.vitals.name = "n4";
  post.vitals.peers = {linked("n1"), linked("n2"), linked("n3")};
  const auto tell = [&post](const std::string& from, std::vector<node::LinkWord> links) {
    Status status;
    status.load = node::Load{};
    status.load->sessions = 77;
    status.table = {true, std::move(links)};
    post.lookout.on_news(from, peer::Incarnation{1}, node::encode(status), 1s);
  };
  const auto word = [](const char* name, bool accepted) {
    return node::LinkWord{name, true, peer::Mesh::Health::suspect, accepted, node::LinkState::backoff};
  };
  tell("n1", {word("n2", false), word("n3", true)});
  tell("n2", {word("n1", true), word("n3", true)});
  tell("n3", {word("n1", true), word("n2", false)});
  post.lookout.tick(2s);
  ck_assert_uint_eq(post.passed_on.size(), 2);
  ck_assert_msg(post.passed_on[0].first == "n1" && post.passed_on[1].first == "n3", "n2 hears all");
  post.lookout.tick(3s);
  ck_assert_uint_eq(post.passed_on.size(), 2);
  tell("n3", {word("n1", true), word("n2", true)});
  post.lookout.tick(4s);
  ck_assert_msg(post.passed_on.size() == 2, "now n3 can pass it on to n1");

  Post far;
  far.vitals.peers = {linked("n2")};
  const std::string body = post.passed_on[0].second;
  far.lookout.on_relayed(body, 30s);
  const node::Hearsay::Word* heard = far.lookout.hearsay().find("n2");
  ck_assert(heard != nullptr && heard->relayed && heard->at == 29s && heard->load->sessions == 77);
  ck_assert(heard->links.size() == 2 && far.lookout.cluster(30s).nodes[1].load->sessions == 77);
  // Its own word is the better one.
  far.lookout.on_news("n2", peer::Incarnation{1}, node::encode(Status{}), 31s);
  far.lookout.on_relayed(body, 31s);
  ck_assert(!far.lookout.hearsay().find("n2")->relayed && far.lookout.hearsay().find("n2")->at == 31s);
  for (std::size_t end = 0; end < body.size(); ++end)
    far.lookout.on_relayed(std::string_view(body).substr(0, end), 31s);
  ck_assert(far.lookout.hearsay().malformed() > 0);
}
END_TEST

START_TEST(who_has_less_to_do) {
  Post post;
  const auto tell = [&](const std::string& node, std::uint64_t sessions, Vitals::Stage stage, peer::Time now) {
    node::Load load;
    load.sessions = sessions;
    load.stage = stage;
    const node::Identity identity{"1", {"10.0.0.9", 9601}, {node, 9501}, {"10.0.0.9", 9701}, {}};
    post.lookout.on_news(node, peer::Incarnation{1}, node::encode({identity, load}), now);
  };
  std::vector<peer::Mesh::PeerView> peers{linked("n2"), linked("n3"), linked("n4"), linked("n5")};
  peers[2].synced = false;
  ck_assert_msg(!post.lookout.less_loaded(peers, 100, 0s), "nobody has told anything");
  tell("n2", 40, Vitals::Stage::serving, 0s);
  tell("n3", 30, Vitals::Stage::serving, 0s);
  tell("n4", 1, Vitals::Stage::serving, 0s);   // its link is not up
  tell("n5", 2, Vitals::Stage::draining, 0s);  // takes nobody
  ck_assert((post.lookout.less_loaded(peers, 100, 0s) == peer::Address{"n3", 9501}));
  ck_assert((post.lookout.less_loaded(peers, 31, 0s) == peer::Address{"n3", 9501}));
  ck_assert_msg(!post.lookout.less_loaded(peers, 30, 0s), "none has fewer");
  tell("n2", 20, Vitals::Stage::serving, 5s);
  ck_assert((post.lookout.less_loaded(peers, 100, 5s) == peer::Address{"n2", 9501}));
  tell("n2", 90, Vitals::Stage::serving, 6s);
  ck_assert((post.lookout.less_loaded(peers, 100, 12s) == peer::Address{"n2", 9501}));
  ck_assert_msg(!post.lookout.less_loaded(peers, 100, 30s), "all of that is old");
}
END_TEST

SUITE(what_cannot_be_told_is_passed_on, all_then_the_load_then_all_again, a_change_is_told_at_once_and_alone,
      changes_are_thinned, silence_is_seen_too, who_is_gone_is_told_by_the_whole, a_newcomer_is_told_all,
      draining_is_told_with_the_next_look, a_thousand_links_in_parts, the_last_hundred_events, one_word_after_the_other,
      who_has_less_to_do)
