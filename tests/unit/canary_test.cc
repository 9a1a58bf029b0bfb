// Canaries: the verdict, and two meshes between which one way does not deliver.
#include "peer/canary.h"

#include <string>

#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using peer::Canary;
using small_net::Crowd;
using small_net::Host;
using small_net::Net;
using Kind = peer::Report::Kind;
using Verdict = Canary::Verdict;
using suite::same;

struct Pair {
  Net net;
  Crowd crowd1;
  Crowd crowd2;
  Host* n1 = &net.add(quick(1), crowd1);
  Host* n2 = &net.add(quick(2), crowd2);

  static peer::Mesh::Settings quick(int n) {
    peer::Mesh::Settings settings = Net::settings(n, 2);
    settings.self.timing.canary_every = settings.self.timing.canary_patience = 500ms;
    return settings;
  }
  Pair() {
    crowd1.mesh = &n1->mesh;
    crowd2.mesh = &n2->mesh;
    net.start_whole();
    net.pump();
  }
  Verdict verdict(const Host* host, const char* of) const { return host->view(of, net.now).canary; }
};

}  // namespace

START_TEST(one_at_a_time_and_in_time) {
  Canary canary(5s, 5s);
  ck_assert(!canary.tick(0s) && canary.wake_at() == peer::never && canary.verdict() == Verdict::none);
  canary.start(1s);
  ck_assert(canary.wake_at() == 1s && canary.tick(1s));
  canary.sent(1s, 7);
  canary.start(2s);  // it has been
  ck_assert(!canary.tick(2s) && canary.wake_at() == 6s);
  canary.on_back(3s, 6);
  ck_assert(canary.verdict() == Verdict::none);
  canary.on_confirmed(7);
  canary.on_back(3s, 7);
  ck_assert(canary.verdict() == Verdict::ok && canary.wake_at() == 6s);
  ck_assert(canary.round_trips().counts.back() == 1 && canary.round_trips().sum == 2s);
  ck_assert(canary.tick(6s));
  canary.sent(6s, 9);
  ck_assert(canary.stop() == 9 && canary.verdict() == Verdict::none && canary.wake_at() == peer::never);
  canary.on_back(7s, 9);
  ck_assert(canary.verdict() == Verdict::none);
}
END_TEST

START_TEST(lost_on_the_way_there) {
  Canary canary(5s, 7s);
  canary.start(0s);
  ck_assert(canary.tick(0s));
  canary.sent(0s, 1);
  ck_assert_msg(!canary.tick(5s) && canary.verdict() == Verdict::none, "there is time yet");
  ck_assert(!canary.tick(7s) && canary.verdict() == Verdict::lost_there && canary.out() == 1);
  canary.on_back(8s, 1);
  ck_assert_msg(canary.verdict() == Verdict::lost_there, "it came too late");
  ck_assert(canary.tick(10s));
  canary.sent(10s, 2);
  ck_assert(!canary.tick(15s) && !canary.tick(17s) && canary.tick(20s) && canary.out() == 2);
  canary.sent(20s, 3);
  canary.on_back(20s, 2);
  ck_assert(canary.verdict() == Verdict::lost_there);
  canary.on_back(20s, 3);
  ck_assert(canary.verdict() == Verdict::ok);
}
END_TEST

START_TEST(lost_on_the_way_back) {
  Canary canary(5s, 5s);
  canary.start(0s);
  ck_assert(canary.tick(0s));
  canary.sent(0s, 1);
  canary.on_confirmed(1);
  ck_assert_msg(canary.tick(5s), "nothing more is to be heard of it, so the next is sent");
  ck_assert(canary.verdict() == Verdict::lost_back);
  canary.sent(5s, 2);
  canary.on_back(6s, 1);
  ck_assert(canary.verdict() == Verdict::lost_back);
  canary.on_back(6s, 2);
  ck_assert(canary.verdict() == Verdict::ok);
}
END_TEST

START_TEST(spans_fall_between_bounds) {
  peer::RoundTrips trips;
  for (const peer::Micros span : {0us, 250us, 251us, 2'000'000us}) trips.add(span);
  ck_assert(trips.counts[0] == 2 && trips.counts[1] == 1 && trips.counts.back() == 1 && trips.sum == 2'000'501us);
}
END_TEST

START_TEST(meshes_that_deliver) {
  Pair pair;
  pair.net.run_for(10s);
  ck_assert(pair.verdict(pair.n1, "n2") == Verdict::ok && pair.verdict(pair.n2, "n1") == Verdict::ok);
  std::uint64_t count = 0;
  for (const std::uint64_t each : pair.n1->view("n2", pair.net.now).round_trips.counts) count += each;
  ck_assert_msg(count == 21, "%d", static_cast<int>(count));
  ck_assert_msg(pair.n1->mesh.unsettled_bytes() == 0, "nothing of them stays");
  ck_assert(pair.n1->count(Kind::canary_lost) == 0);
}
END_TEST

// Pings do not come either, but that is noticed later here.
START_TEST(one_way_is_named_by_both) {
  for (const bool there : {true, false}) {
    Pair pair;
    pair.net.run_for(2s);
    const std::string from = there ? "n1" : "n2";
    const std::string to = there ? "n2" : "n1";
    pair.net.hold(from, to);
    pair.net.run_for(1100ms);
    const std::string why = "canary " + from + " -> " + to + " lost";
    same(pair.n1->why(Kind::canary_lost), why);
    same(pair.n2->why(Kind::canary_lost), why);
    ck_assert(pair.verdict(pair.n1, "n2") == (there ? Verdict::lost_there : Verdict::lost_back));
    ck_assert(pair.verdict(pair.n2, "n1") == (there ? Verdict::lost_back : Verdict::lost_there));
    ck_assert(pair.n1->count(Kind::link_down) == 0);
    pair.net.hold(from, to, false);
    pair.net.run_for(1100ms);
    for (const Host* host : {pair.n1, pair.n2}) {
      ck_assert(host->count(Kind::canary_lost) == 1 && host->count(Kind::canary_back) == 1);
      ck_assert(host->view(host == pair.n1 ? "n2" : "n1", pair.net.now).canary == Verdict::ok);
    }
  }
}
END_TEST

// What is out when a connection ends is of no use to the next one.
START_TEST(a_link_that_was_lost_begins_anew) {
  Pair pair;
  pair.net.run_for(2s);
  pair.net.hold("n1", "n2");
  pair.net.run_for(1100ms);
  pair.net.cut("n1", "n2");
  ck_assert(pair.verdict(pair.n1, "n2") == Verdict::none && pair.verdict(pair.n2, "n1") == Verdict::none);
  ck_assert(pair.n1->mesh.unsettled_bytes() == 0 && pair.n2->mesh.unsettled_bytes() == 0);
  pair.net.run_until([&] { return pair.verdict(pair.n1, "n2") == Verdict::ok; });
  pair.net.run_until([&] { return pair.verdict(pair.n2, "n1") == Verdict::ok; });
}
END_TEST

SUITE(one_at_a_time_and_in_time, lost_on_the_way_there, lost_on_the_way_back, spans_fall_between_bounds,
      meshes_that_deliver, one_way_is_named_by_both, a_link_that_was_lost_begins_anew)
