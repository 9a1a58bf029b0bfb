// What a link takes from a peer that has proven itself but does not keep to the
// protocol: frames are slipped into a living connection.
#include <functional>
#include <string>
#include <string_view>

#include "tests/unit/small_net.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using peer::Buffer;
using peer::FrameType;
using peer::Writer;
using small_net::Crowd;
using small_net::Host;
using small_net::Net;
using Kind = peer::Report::Kind;

struct Pair {
  Net net;
  Crowd crowd1;
  Crowd crowd2;
  Host& n1 = net.add(Net::settings(1, 2), crowd1);
  Host& n2 = net.add(Net::settings(2, 2), crowd2);

  Pair() {
    crowd1.mesh = &n1.mesh;
    crowd2.mesh = &n2.mesh;
    crowd1.login("alice");
    crowd2.login("bob");
    net.start_whole();
    net.run_for(1500ms);
  }
  // As if the one who dialled, or was dialled, had said so.
  void slip(bool from_dialler, std::string_view frames) {
    small_net::Wire& wire = *net.wire("n1", "n2");
    (from_dialler ? wire.acceptor() : wire.dialler()).to_read.append(frames);
    net.pump();
  }
};

std::string frame(FrameType type, peer::Seq seq, std::string_view body) {
  Buffer out;
  write_frame(out, type, seq, body);
  return std::string(out.view());
}
std::string body(const std::function<void(Writer&)>& write) {
  Buffer out;
  Writer writer(out);
  write(writer);
  return std::string(out.view());
}
std::string epoch(std::uint32_t number) {
  return body([number](Writer& w) { w.u32(number); });
}
std::string run(peer::Seq first, std::uint32_t count, std::uint8_t how) {
  return body([=](Writer& w) { w.u64(first), w.u32(count), w.u8(how); });
}
const std::string chat_to_bob = "\0\3bobhello\n"s;

// Before anything else each has sent a canary and one back, and was told of both.
constexpr peer::Seq birds = 2;
constexpr peer::Seq told = 2;

// n2 reads what n1, which has dialled, seems to say.
START_TEST(what_the_dialled_one_takes) {
  const struct {
    const char* sentence;
    std::string frames;
    const char* why;  // it is lost; null: it stays
    bool heals = true;
  } rows[] = {
      {"a ping", frame(FrameType::ping, 0, body([](Writer& w) { w.u64(1), w.u64(0); })), nullptr},
      {"a ping cut short", frame(FrameType::ping, 0, "x"), nullptr},
      {"a chat again, of a number that it has", frame(FrameType::chat, birds + 1, chat_to_bob), nullptr},
      {"a chat that is none", frame(FrameType::chat, birds + 2, "x"), "it sent a malformed chat", false},
      {"a change again, of a number that it has", frame(FrameType::users, 2, "garbage"), nullptr},
      {"a change that leaves one out", frame(FrameType::users, 9, ""), "it skipped a change of who is there"},
      {"users that are garbage", frame(FrameType::users, 4, "\1garbage"), "it sent malformed users"},
      {"a snapshot that does not begin with number 1", frame(FrameType::snapshot_begin, 4, epoch(9)),
       "it sent a malformed snapshot"},
      {"a snapshot without its epoch", frame(FrameType::snapshot_begin, 1, ""), "it sent a malformed snapshot"},
      {"the same snapshot once more", frame(FrameType::snapshot_begin, 1, epoch(1)), nullptr},
      {"a hello", frame(FrameType::hello, 0, ""), "it sent a frame that has no place there"},
      {"a pong", frame(FrameType::pong, 0, ""), "it sent a frame that has no place there"},
      {"outcomes", frame(FrameType::outcomes, 1, run(1, 1, 1)), "it sent a frame that has no place there"},
      {"a frame of no known type", frame(FrameType{99}, 0, ""), "it sent a frame that has no place there"},
      {"a frame too long", "\xff\xff\xff\x7f", "it sent a malformed frame"},
  };
  for (const auto& row : rows) {
    Pair pair;
    pair.crowd1.send("bob", "the first");
    pair.net.pump();
    pair.crowd2.arrived.clear();
    pair.slip(true, row.frames);
    ck_assert_msg((pair.n2.count(Kind::accept_lost) == 1) == (row.why != nullptr), "%s", row.sentence);
    if (row.why != nullptr) ck_assert_msg(pair.n2.why(Kind::accept_lost) == row.why, "%s", row.sentence);
    ck_assert_msg(pair.crowd2.arrived.empty(), "%s: nothing is delivered", row.sentence);
    ck_assert_msg(pair.crowd2.knows("alice"), "%s: what was told before stands", row.sentence);
    if (row.heals) pair.net.run_until([&] { return pair.n1.mesh.whole() && pair.n2.mesh.whole(); });
  }
}
END_TEST

// n1 reads what n2, which it has dialled, seems to say.
START_TEST(what_the_dialler_takes) {
  const struct {
    const char* sentence;
    std::string frames;
    const char* why;    // it is lost; null: it stays
    std::size_t ended;  // of the two chats that are under way
  } rows[] = {
      {"a pong of another ping", frame(FrameType::pong, 0, body([](Writer& w) { w.u64(1); })), nullptr, 0},
      {"a pong cut short", frame(FrameType::pong, 0, "x"), nullptr, 0},
      {"a receipt for another epoch", frame(FrameType::received, 0, epoch(99) + std::string(8, '\x7f')), nullptr, 0},
      {"a receipt cut short", frame(FrameType::received, 0, epoch(1)), nullptr, 0},
      {"the end of the first", frame(FrameType::outcomes, told + 1, run(birds + 1, 1, 1)), nullptr, 1},
      {"the end of both", frame(FrameType::outcomes, told + 1, run(birds + 1, 2, 1)), nullptr, 2},
      {"the end of both in two runs", frame(FrameType::outcomes, told + 1, run(birds + 1, 1, 2) + run(birds + 2, 1, 1)),
       nullptr, 2},
      {"the end of the first, twice",
       frame(FrameType::outcomes, told + 1, run(birds + 1, 1, 1)) +
           frame(FrameType::outcomes, told + 2, run(birds + 1, 1, 2)),
       nullptr, 1},
      {"outcomes again, of a number that it has",
       frame(FrameType::outcomes, told + 1, run(birds + 1, 1, 1)) +
           frame(FrameType::outcomes, told + 1, run(birds + 2, 1, 1)),
       nullptr, 1},
      {"outcomes that leave some out", frame(FrameType::outcomes, told + 2, run(birds + 1, 1, 1)),
       "it skipped outcomes", 0},
      {"the end of a chat that was never sent", frame(FrameType::outcomes, told + 1, run(birds + 3, 1, 1)),
       "it sent malformed outcomes", 0},
      {"of more than were sent", frame(FrameType::outcomes, told + 1, run(birds + 1, 3, 1)),
       "it sent malformed outcomes", 0},
      {"of the greatest numbers", frame(FrameType::outcomes, told + 1, run(~0ULL, 0xffffffffU, 1)),
       "it sent malformed outcomes", 0},
      {"of no kind", frame(FrameType::outcomes, told + 1, run(birds + 1, 1, 0)), "it sent malformed outcomes", 0},
      {"delivered, and not confirmed",
       frame(FrameType::outcomes, told + 1, run(birds + 1, 1, 4) + run(birds + 2, 1, 5)), nullptr, 2},
      {"of an unknown kind", frame(FrameType::outcomes, told + 1, run(birds + 1, 1, 6)), "it sent malformed outcomes",
       0},
      {"outcomes cut short", frame(FrameType::outcomes, told + 1, run(birds + 1, 1, 1).substr(0, 12)),
       "it sent malformed outcomes", 0},
      {"a chat", frame(FrameType::chat, 1, chat_to_bob), "it sent a frame that has no place there", 0},
      {"a welcome", frame(FrameType::welcome, 0, ""), "it sent a frame that has no place there", 0},
      {"a late refusal", frame(FrameType::refuse, 0, encode(peer::Refused{peer::Refusal::given_up, "you are dead"})),
       "you are dead", 0},
  };
  for (const auto& row : rows) {
    Pair pair;
    pair.crowd2.answers = false;
    pair.crowd1.send("bob", "1");
    pair.crowd1.send("bob", "2");
    pair.net.pump();
    pair.slip(false, row.frames);
    ck_assert_msg((pair.n1.count(Kind::link_down) == 1) == (row.why != nullptr), "%s", row.sentence);
    if (row.why != nullptr) ck_assert_msg(pair.n1.why(Kind::link_down) == row.why, "%s", row.sentence);
    ck_assert_msg(pair.crowd1.ended.size() == row.ended, "%s: %zu ended", row.sentence, pair.crowd1.ended.size());
    ck_assert_msg(pair.n1.count(Kind::reincarnated) == 0, "%s", row.sentence);
  }
}
END_TEST

// Random frames of all types, as from a peer gone mad: nothing worse than lost links.
START_TEST(anything) {
  peer::SeededChance chance(21);
  for (int round = 0; round < 60; ++round) {
    Pair pair;
    for (int i = 0; i < 30; ++i) {
      if (pair.net.wire("n1", "n2") == nullptr) pair.net.run_for(1s);
      if (pair.net.wire("n1", "n2") == nullptr) continue;
      std::string bytes;
      for (std::uint64_t n = chance.below(40); n > 0; --n)
        bytes += static_cast<char>(chance.below(3) == 0 ? chance.next() : chance.below(5));
      pair.slip(chance.below(2) == 0,
                frame(FrameType{static_cast<std::uint8_t>(chance.below(50))}, chance.below(8), bytes));
    }
    pair.net.run_for(1s);
  }
}
END_TEST

}  // namespace

SUITE(what_the_dialled_one_takes, what_the_dialler_takes, anything)
