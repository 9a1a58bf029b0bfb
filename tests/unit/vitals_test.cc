// What a node says of itself, from what it knows.
#include "src/node/vitals.h"

#include <string>

#include "src/node/rate.h"
#include "tests/unit/suite.h"

namespace {

using node::Vitals;
using PeerView = peer::Mesh::PeerView;
using State = peer::OutLink::State;

PeerView peer_of(const std::string& name) {
  PeerView peer;
  peer.name = name;
  peer.listed = peer.synced = peer.accepts = true;
  peer.state = State::up;
  return peer;
}

PeerView in(PeerView peer, State state, const std::string& why = "") {
  peer.state = state;
  peer.synced = false;
  peer.why = why;
  return peer;
}

Vitals serving(std::vector<PeerView> peers) {
  Vitals vitals;
  vitals.name = "n1";
  vitals.stage = Vitals::Stage::serving;
  vitals.peers = std::move(peers);
  return vitals;
}

PeerView deaf(PeerView peer) {
  peer.accepts = false;
  return peer;
}

PeerView with(PeerView peer, peer::Canary::Verdict canary) {
  peer.canary = canary;
  return peer;
}

PeerView unlisted(PeerView peer) {
  peer.listed = false;
  return peer;
}

PeerView refused(PeerView peer) {
  peer.refused = true;
  return peer;
}

}  // namespace

START_TEST(ready_or_why_not) {
  const PeerView n2 = peer_of("n2");
  Vitals starting = serving({});
  starting.stage = Vitals::Stage::starting;
  Vitals draining = serving({});
  draining.stage = Vitals::Stage::draining;
  Vitals unread = serving({});
  unread.redis = Vitals::Service::up;
  Vitals away = serving({n2});
  away.redis = Vitals::Service::down;
  std::vector<PeerView> many;
  for (int i = 10; i < 30; ++i) many.push_back(deaf(peer_of("n" + std::to_string(i))));

  const struct {
    const char* sentence;
    Vitals vitals;
    std::string why;
  } rows[] = {
      {"alone", serving({}), ""},
      {"linked both ways", serving({n2, peer_of("n3")}), ""},
      {"Redis is away", away, ""},
      {"starting", starting, "starting: Redis has not answered yet"},
      {"draining", draining, "draining: this node sends its users elsewhere"},
      {"who is there is not known", unread, "the set of nodes has not been read yet"},
      {"one way", serving({n2, deaf(peer_of("n3"))}), "link from n3: down"},
      {"the other way", serving({in(n2, State::waiting, "connection refused")}),
       "link to n2: backoff (connection refused)"},
      {"neither", serving({deaf(in(n2, State::dialling))}), "link to n2: connecting; link from n2: down"},
      {"not all is told yet", serving({in(n2, State::up)}), "link to n2: syncing"},
      {"two", serving({in(n2, State::idle), deaf(peer_of("n3"))}), "link to n2: down; link from n3: down"},
      {"no delivery there", serving({with(n2, peer::Canary::Verdict::lost_there)}), "canary n1 -> n2 lost"},
      {"no delivery back", serving({with(n2, peer::Canary::Verdict::lost_back)}), "canary n2 -> n1 lost"},
      {"delivery", serving({with(n2, peer::Canary::Verdict::ok)}), ""},
      {"a link that is down says enough", serving({with(deaf(n2), peer::Canary::Verdict::lost_back)}),
       "link from n2: down"},
      {"one that should not be there", serving({unlisted(in(n2, State::waiting))}), ""},
      {"many", serving(many),
       "link from n10: down; link from n11: down; link from n12: down; link from n13: down; link from n14: down; link "
       "from n15: down; link from n16: down; link from n17: down; and 12 more nodes"},
  };
  for (const auto& row : rows) {
    const std::string why = node::why_not_ready(row.vitals);
    ck_assert_msg(why == row.why, "%s: %s", row.sentence, why.c_str());
  }
}
END_TEST

START_TEST(words_of_links) {
  const PeerView n2 = peer_of("n2");
  ck_assert(node::link_word(n2) == "up");
  ck_assert(node::link_word(in(n2, State::up)) == "syncing");
  ck_assert(node::link_word(in(n2, State::proving)) == "connecting");
  ck_assert(node::link_word(in(n2, State::waiting)) == "backoff");
  ck_assert(node::link_word(refused(in(n2, State::waiting))) == "refused");
  ck_assert(node::link_word(refused(in(n2, State::dialling))) == "connecting");
  ck_assert(node::link_word(in(n2, State::idle)) == "down");
}
END_TEST

START_TEST(a_rate_is_of_late) {
  node::Rate rate;
  const auto second = [](int n) { return peer::Time(std::chrono::seconds(n)); };
  ck_assert(rate.per_s() == 0);
  rate.note(second(0), 100);
  ck_assert(rate.per_s() == 0);
  rate.note(second(1), 110);
  ck_assert(rate.per_s() == 10);
  rate.note(second(3), 130);
  ck_assert(rate.per_s() == 10);
  for (int i = 4; i < 30; ++i) rate.note(second(i), 130);
  ck_assert(rate.per_s() == 0);
}
END_TEST

SUITE(ready_or_why_not, words_of_links, a_rate_is_of_late)
