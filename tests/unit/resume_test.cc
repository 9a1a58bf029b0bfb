// Chats over links that are cut: neither lost nor doubled, in order, whatever
// the place of the cut; and the window's bound and priority.
#include <functional>
#include <string>
#include <vector>

#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using peer::FrameType;
using peer::Mesh;
using peer::Settled;
using small_net::Crowd;
using small_net::End;
using small_net::Host;
using small_net::Net;
using small_net::Wire;

struct Pair {
  Net net;
  Crowd crowd1;
  Crowd crowd2;
  Host& n1;
  Host& n2 = net.add(Net::settings(2, 2), crowd2);

  explicit Pair(const std::function<void(Mesh::Settings&)>& change = nullptr) : n1(net.add(one(change), crowd1)) {
    crowd1.mesh = &n1.mesh;
    crowd2.mesh = &n2.mesh;
    crowd2.login("bob");
    net.start_whole();
    net.pump();
  }
  static Mesh::Settings one(const std::function<void(Mesh::Settings&)>& change) {
    Mesh::Settings settings = Net::settings(1, 2);
    if (change) change(settings);
    return settings;
  }
};

// Chats "0\n" to "n-1\n" have arrived once each and in order, and are settled so.
bool all_arrived(const Pair& pair, std::size_t n) {
  bool good = pair.crowd2.arrived.size() == n && pair.crowd1.ended.size() == n;
  for (std::size_t i = 0; good && i < n; ++i) {
    const std::string line = std::to_string(i) + "\n";
    good = pair.crowd2.arrived[i].line == line && pair.crowd1.ended[i].line == line &&
           pair.crowd1.ended[i].how == Settled::written;
  }
  return good;
}

// The wire that n1 dials is cut after so many bytes of one direction; the chats
// are sent before and after.
void cut_at(std::size_t bytes, bool receipts, bool repeatedly) {
  Pair pair;
  const auto limit = [&](Wire& wire) { (receipts ? wire.dialler() : wire.acceptor()).left = bytes; };
  if (repeatedly)
    pair.net.on_wire = [&](Wire& wire) {
      if (wire.between("n1", "n2")) limit(wire);
    };
  limit(*pair.net.wire("n1", "n2"));
  for (int i = 0; i < 10; ++i) pair.crowd1.send("bob", std::to_string(i));
  pair.net.pump();
  for (int i = 10; i < 13; ++i) pair.crowd1.send("bob", std::to_string(i));
  if (repeatedly) {
    pair.net.run_for(2s);
    pair.net.on_wire = nullptr;
  }
  pair.net.run_until([&] { return pair.crowd1.ended.size() >= 13; });
  pair.net.run_for(3s);
  if (!all_arrived(pair, 13)) ck_abort_msg("cut after %zu bytes of the %s", bytes, receipts ? "receipts" : "chats");
}

START_TEST(a_cut_at_every_byte_of_the_chats) {
  for (std::size_t bytes = 1; bytes < 400; ++bytes) cut_at(bytes, false, false);
}
END_TEST

START_TEST(a_cut_at_every_byte_of_the_receipts) {
  for (std::size_t bytes = 1; bytes < 400; ++bytes) cut_at(bytes, true, false);
}
END_TEST

// Each new connection, too, is cut at the same place: in the greeting, in the
// proof, in what comes after.
START_TEST(one_cut_after_another) {
  for (std::size_t bytes = 1; bytes < 700; bytes += 3) {
    cut_at(bytes, false, true);
    cut_at(bytes, true, true);
  }
}
END_TEST

// Cuts at random, chats all the time, receipts that come when they like.
START_TEST(a_storm_of_cuts) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    peer::SeededChance chance(seed);
    Pair pair;
    pair.crowd2.answers = false;
    pair.net.on_wire = [&](Wire& wire) {
      if (chance.below(3) == 0) return;
      wire.acceptor().left = static_cast<std::size_t>(chance.below(20'000) + 1);
      wire.dialler().left = static_cast<std::size_t>(chance.below(4000) + 1);
    };
    pair.net.piece_bytes = 777;
    std::size_t sent = 0;
    std::vector<std::size_t> pending;
    std::size_t seen = 0;
    for (int round = 0; round < 400 || pair.crowd1.ended.size() < sent; ++round) {
      if (round > 5000)
        ck_abort_msg("seed %d: %zu of %zu ended", static_cast<int>(seed), pair.crowd1.ended.size(), sent);
      if (round < 400)
        for (std::uint64_t n = chance.below(20); n > 0; --n) pair.crowd1.send("bob", std::to_string(sent++));
      if (chance.below(10) == 0) pair.net.cut(chance.below(2) == 0 ? "n1" : "n2", chance.below(2) == 0 ? "n2" : "n1");
      pair.net.run_for(std::chrono::milliseconds(chance.below(60)));
      while (seen < pair.crowd2.arrived.size()) pending.push_back(seen++);
      // Some of those that arrived are settled, in any order.
      for (std::uint64_t n = chance.below(30); n > 0 && !pending.empty(); --n) {
        const auto at = static_cast<std::size_t>(chance.below(pending.size()));
        const Crowd::Arrived& chat = pair.crowd2.arrived[pending[at]];
        pair.n2.mesh.settle(chat.from, chat.era, chat.seq, peer::WireOutcome::written);
        pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    ck_assert(pair.crowd2.arrived.size() == sent && pair.crowd1.ended.size() == sent);
    for (std::size_t i = 0; i < sent; ++i) ck_assert(pair.crowd2.arrived[i].line == std::to_string(i) + "\n");
    std::vector<bool> ended(sent);
    for (const Crowd::Ended& each : pair.crowd1.ended) {
      ck_assert(each.how == Settled::written && !ended[static_cast<std::size_t>(std::stoi(each.line))]);
      ended[static_cast<std::size_t>(std::stoi(each.line))] = true;
    }
    ck_assert(pair.n1.mesh.unsettled_bytes() == 0 && pair.crowd1.eras == 0);
    ck_assert(pair.n1.view("n2", pair.net.now).reconnects > 0);
  }
}
END_TEST

START_TEST(outcomes_wait_for_the_link) {
  Pair pair;
  pair.crowd2.answers = false;
  for (int i = 0; i < 4; ++i) pair.crowd1.send("bob", std::to_string(i));
  pair.net.pump();
  pair.net.answer(Net::address(2), Net::Answer::refused);
  pair.net.cut("n1", "n2");
  const auto settle = [&](std::size_t i, peer::WireOutcome how) {
    const Crowd::Arrived& chat = pair.crowd2.arrived.at(i);
    pair.n2.mesh.settle(chat.from, chat.era, chat.seq, how);
  };
  settle(3, peer::WireOutcome::written);
  settle(1, peer::WireOutcome::not_here);
  settle(1, peer::WireOutcome::written);  // once is once
  settle(0, peer::WireOutcome::written);
  pair.net.run_for(1s);
  ck_assert(pair.crowd1.ended.empty());
  pair.net.answer(Net::address(2), Net::Answer::yes);
  pair.net.run_until([&] { return pair.n1.mesh.whole(); });
  pair.net.pump();
  ck_assert_uint_eq(pair.crowd1.ended.size(), 3);
  ck_assert(pair.crowd1.ended[0].line == "0\n" && pair.crowd1.ended[0].how == Settled::written);
  ck_assert(pair.crowd1.ended[1].line == "1\n" && pair.crowd1.ended[1].how == Settled::not_here);
  ck_assert(pair.crowd1.ended[2].line == "3\n" && pair.crowd1.ended[2].how == Settled::written);
  settle(2, peer::WireOutcome::written);
  pair.net.pump_outcomes();
  ck_assert(pair.crowd1.ended.size() == 4 && pair.n1.mesh.unsettled_bytes() == 0);
}
END_TEST

// A peer is not woken for each outcome that nobody waits for.
START_TEST(outcomes_wait_for_others) {
  Pair pair;
  std::size_t told = 0;
  pair.net.on_write = [&](const Host& host, std::string_view bytes) { told += &host == &pair.n2 && !bytes.empty(); };
  const auto ended_of = [&](const char* sentence, std::size_t ended, std::size_t frames) {
    ck_assert_msg(pair.crowd1.ended.size() == ended && told == frames, "%s: %zu ended, %zu told", sentence,
                  pair.crowd1.ended.size(), told);
  };
  pair.net.run_for(1ms);
  pair.crowd1.send("bob", "1");
  pair.net.run_for(3ms);
  pair.crowd1.send("bob", "2");
  pair.net.run_for(1999us);
  ended_of("they wait", 0, 0);
  pair.net.run_for(1us);
  ended_of("for 5 ms at most, and are told as one", 2, 1);

  pair.crowd1.send("bob", "3");
  pair.crowd1.send_awaited("bob", "4, whose sender waits for its outcome");
  pair.net.pump();
  ended_of("one that somebody waits for takes them along", 4, 2);

  pair.crowd1.send("bob", "5");
  pair.crowd1.send("bob", std::string(32'768, 'x'));
  pair.net.pump();
  ended_of("so does much that has come", 6, 3);

  pair.crowd1.send("bob", "7");
  pair.crowd2.logout("bob");
  pair.net.pump();
  ck_assert_msg(pair.crowd1.ended.back().how == Settled::not_here && told > 3, "a refusal does not wait");
}
END_TEST

START_TEST(an_outcome_of_another_era_finds_nobody) {
  Pair pair;
  pair.crowd2.answers = false;
  pair.crowd1.send("bob", "of the first life");
  pair.net.pump();
  const Crowd::Arrived old = pair.crowd2.arrived.at(0);
  pair.n1.mesh.reincarnate(pair.net.now);
  ck_assert(pair.crowd1.ended.size() == 1 && pair.crowd1.ended[0].how == Settled::lost && pair.crowd1.ended[0].sent);
  pair.net.run_until([&] { return pair.n1.mesh.whole() && pair.n2.mesh.whole(); });
  pair.net.pump();
  ck_assert(pair.crowd2.eras == 1);
  pair.crowd1.send("bob", "of the second");
  pair.net.pump();
  const Crowd::Arrived anew = pair.crowd2.arrived.at(1);
  ck_assert(anew.era != old.era);
  pair.n2.mesh.settle(old.from, old.era, anew.seq, peer::WireOutcome::not_here);
  pair.net.pump();
  ck_assert(pair.crowd1.ended.size() == 1);
  pair.n2.mesh.settle(anew.from, anew.era, anew.seq, peer::WireOutcome::written);
  pair.net.pump_outcomes();
  ck_assert(pair.crowd1.ended.size() == 2 && pair.crowd1.ended[1].how == Settled::written);
}
END_TEST

START_TEST(a_full_window) {
  Pair pair([](Mesh::Settings& settings) { settings.self.window_bytes = 10'000; });
  pair.crowd2.answers = false;
  std::size_t sent = 0;
  while (pair.crowd1.send("bob", std::to_string(sent)) == Mesh::Sent::yes) ++sent;
  ck_assert_msg(pair.n1.mesh.unsettled_bytes() <= 10'000 && pair.n1.mesh.unsettled_bytes() > 9900, "to the last frame");
  pair.net.pump();
  ck_assert_msg(pair.crowd1.send("bob", "x") == Mesh::Sent::full, "that it arrived settles nothing");
  pair.n1.mesh.reset_lane(0, "bob");  // passes the bound
  pair.net.pump();
  ck_assert(pair.crowd2.resets.size() == 1 && pair.crowd2.resets[0] == "bob");
  const Crowd::Arrived& first = pair.crowd2.arrived.at(0);
  pair.n2.mesh.settle(first.from, first.era, first.seq, peer::WireOutcome::written);
  pair.net.pump_outcomes();
  ck_assert(pair.crowd1.send("bob", "0") == Mesh::Sent::yes && pair.crowd1.send("bob", "1") == Mesh::Sent::full);
  for (std::size_t i = 1; i < pair.crowd2.arrived.size(); ++i)
    pair.n2.mesh.settle(first.from, first.era, pair.crowd2.arrived[i].seq, peer::WireOutcome::written);
  pair.net.pump_outcomes();
  ck_assert_uint_eq(pair.crowd1.ended.size(), sent);
}
END_TEST

START_TEST(a_peer_that_was_never_met) {
  Net net;
  Crowd crowd;
  Host& n1 = net.add(Net::settings(1, 2), crowd);
  net.start();
  const std::string line = "x\n";
  const std::array<std::string_view, 1> pieces{line};
  ck_assert(n1.mesh.send(0, "bob", pieces, 2, {}) == Mesh::Sent::gone);
}
END_TEST

// The frames that n1 would write to n2 now.
std::vector<FrameType> next_frames(Pair& pair) {
  peer::Buffer out;
  pair.n1.mesh.fill(pair.net.wire("n1", "n2")->dialler().conn, out);
  std::vector<FrameType> types;
  peer::FrameReader reader;
  reader.allow(peer::frame_bytes_max);
  reader.feed(out.view());
  for (peer::Frame frame; reader.next(frame) == peer::FrameReader::Got::frame;) types.push_back(frame.type);
  return types;
}

START_TEST(control_goes_ahead_of_chats) {
  Pair pair;
  for (int i = 0; i < 20'000; ++i) ck_assert(pair.crowd1.send("bob", std::string(100, 'x')) == Mesh::Sent::yes);
  std::vector<FrameType> frames = next_frames(pair);
  ck_assert_msg(frames.size() > 500 && frames.size() < 2000,
                "bulk goes in portions, that nothing waits long behind it");
  ck_assert(frames.front() == FrameType::chat && frames.back() == FrameType::chat);
  pair.crowd1.login("alice");
  pair.net.now += 1s;
  pair.n1.mesh.tick(pair.net.now);  // a ping is due
  frames = next_frames(pair);
  ck_assert(frames.size() > 500 && frames[0] == FrameType::ping && frames[1] == FrameType::users &&
            frames[2] == FrameType::chat);
  frames = next_frames(pair);
  ck_assert(frames[0] == FrameType::chat);
}
END_TEST

// Receipts and pongs go ahead on the way back as well.
START_TEST(outcomes_come_in_runs) {
  Pair pair;
  pair.crowd2.answers = false;
  for (int i = 0; i < 1000; ++i) pair.crowd1.send("bob", std::to_string(i));
  pair.net.pump();
  for (const Crowd::Arrived& chat : pair.crowd2.arrived)
    pair.n2.mesh.settle(chat.from, chat.era, chat.seq, peer::WireOutcome::written);
  peer::Buffer out;
  pair.n2.mesh.fill(pair.net.wire("n1", "n2")->acceptor().conn, out);
  ck_assert_msg(out.size() == peer::frame_header_bytes + 13, "one run for all: %zu bytes", out.size());
  pair.n1.mesh.bytes(pair.net.wire("n1", "n2")->dialler().conn, pair.net.now, out.view());
  ck_assert(all_arrived(pair, 1000));
}
END_TEST

}  // namespace

SUITE(a_cut_at_every_byte_of_the_chats, a_cut_at_every_byte_of_the_receipts, one_cut_after_another, a_storm_of_cuts,
      outcomes_wait_for_the_link, outcomes_wait_for_others, an_outcome_of_another_era_finds_nobody, a_full_window,
      a_peer_that_was_never_met, control_goes_ahead_of_chats, outcomes_come_in_runs)
