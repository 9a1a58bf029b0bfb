// peer::Stream, the sender's window: against a plain list of frames, its bounds,
// and what memory it holds.
#include "peer/stream.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "peer/chance.h"
#include "tests/unit/suite.h"

namespace {

std::size_t held_bytes = 0;
std::size_t allocations = 0;

}  // namespace

// All memory of this program, counted.
void* operator new(std::size_t size) {
  void* const at = std::malloc(size);
  if (at == nullptr) std::abort();
  held_bytes += malloc_usable_size(at);
  ++allocations;
  return at;
}
void operator delete(void* at) noexcept {
  if (at != nullptr) held_bytes -= malloc_usable_size(at);
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept { operator delete(at); }

namespace {

using peer::Buffer;
using peer::FrameType;
using peer::Pool;
using peer::Seq;
using peer::Stream;

constexpr std::size_t header = peer::frame_header_bytes;
constexpr std::size_t plenty = std::size_t{1} << 30U;

Seq append(Stream& stream, std::string_view body, FrameType type = FrameType::chat) {
  return stream.append(type, body);
}

std::vector<Seq> filled(Stream& stream, std::size_t budget) {
  Buffer out;
  stream.fill(out, budget);
  std::vector<Seq> numbers;
  peer::FrameReader reader;
  reader.allow(peer::frame_bytes_max);
  reader.feed(out.view());
  peer::Frame frame;
  while (reader.next(frame) == peer::FrameReader::Got::frame) numbers.push_back(frame.seq);
  return numbers;
}

using Numbers = std::vector<Seq>;

START_TEST(frames_go_out_in_order_and_once) {
  Pool pool{plenty, 0};
  Stream stream(plenty, pool);
  ck_assert(stream.empty() && !stream.unsent() && stream.begin() == 1 && stream.end() == 1);
  for (const char* body : {"one", "two", "three"}) append(stream, body);
  ck_assert(stream.unsent() && stream.unsent_bytes() == 3 * header + 11 && stream.bytes() == stream.unsent_bytes());
  ck_assert(filled(stream, 1) == Numbers{1});           // whole frames, one at least
  ck_assert(filled(stream, header + 3) == Numbers{2});  // about the budget
  ck_assert(filled(stream, 0).empty());
  ck_assert(filled(stream, plenty) == Numbers{3});
  ck_assert(filled(stream, plenty).empty() && !stream.unsent() && stream.unsent_bytes() == 0);
  ck_assert(stream.bytes() == 3 * header + 11);
}
END_TEST

START_TEST(what_is_held) {
  Pool pool{plenty, 0};
  Stream stream(plenty, pool);
  append(stream, "first", FrameType::users);
  peer::Ticket ticket;
  ticket.recipient_length = 3, ticket.sender = 1, ticket.recipient = 2, ticket.id_length = 3, ticket.id_at = 4;
  const std::array<std::string_view, 3> pieces{"sec", "", "ond\n"};
  ck_assert_uint_eq(stream.append_chat(ticket, "bob", pieces, 7), 2);
  filled(stream, 1);
  const Stream::Held first = stream.find(1);
  ck_assert(first.known && first.sent && first.type == FrameType::users && first.body == "first");
  const Stream::Held second = stream.find(2);
  ck_assert(second.known && !second.sent && second.type == FrameType::chat && second.body.ends_with("second\n") &&
            second.body.size() == peer::chat_head_bytes(ticket) + 7);
  ck_assert(second.ticket.sender == 1 && second.ticket.recipient == 2 && second.ticket.id_length == 3 &&
            second.ticket.id_at == 4);
  ck_assert(!stream.find(0).known && !stream.find(3).known);
  stream.settle(1);
  ck_assert(!stream.find(1).known && stream.find(2).known && stream.begin() == 2);
}
END_TEST

START_TEST(settled_in_any_order) {
  std::array<Seq, 5> order{1, 2, 3, 4, 5};
  do {
    Pool pool{plenty, 0};
    Stream stream(plenty, pool);
    for (int i = 0; i < 5; ++i) append(stream, "x");
    std::size_t left = 5;
    for (const Seq seq : order) {
      stream.settle(seq);
      stream.settle(seq);  // twice is once
      --left;
      bool good = stream.bytes() == left * (header + 1) && pool.bytes == stream.bytes() &&
                  stream.unsent_bytes() == stream.bytes() && stream.unsent() == (left > 0);
      for (Seq s = 1; s < stream.begin(); ++s) good = good && !stream.find(s).known;
      if (!good) ck_abort_msg("with %zu left", left);
    }
    ck_assert(stream.empty() && stream.begin() == 6 && stream.end() == 6);
    ck_assert(append(stream, "y") == 6);
  } while (std::next_permutation(order.begin(), order.end()));
}
END_TEST

START_TEST(a_new_connection) {
  const struct {
    const char* sentence;
    Seq received;
    Numbers again;
  } rows[] = {
      {"the other side has nothing", 0, {2, 4, 5, 6}},
      {"it has what is settled anyhow", 1, {2, 4, 5, 6}},
      {"it has some", 4, {5, 6}},
      {"it has the last that was sent", 5, {6}},
      {"it has all", 6, {}},
      {"it says more than there is", 99, {}},
      {"it says the greatest number", ~0ULL, {2, 4, 5, 6}},
  };
  for (const auto& row : rows) {
    Pool pool{plenty, 0};
    Stream stream(plenty, pool);
    for (int i = 0; i < 5; ++i) append(stream, "x");
    filled(stream, plenty);
    stream.settle(1);
    stream.settle(3);
    append(stream, "x");
    stream.rewind(row.received);
    ck_assert_msg(stream.unsent_bytes() == row.again.size() * (header + 1), "%s", row.sentence);
    ck_assert_msg(filled(stream, plenty) == row.again, "%s", row.sentence);
    ck_assert_msg(stream.bytes() == 4 * (header + 1), "%s: it stays held", row.sentence);
  }
}
END_TEST

START_TEST(the_bound_of_a_stream) {
  Pool pool{plenty, 0};
  Stream stream(100, pool);
  ck_assert(stream.has_room(100 - header) && !stream.has_room(100 - header + 1));
  append(stream, std::string(50, 'x'));
  ck_assert(stream.has_room(100 - 50 - 2 * header) && !stream.has_room(100 - 50 - 2 * header + 1));
  append(stream, std::string(80, 'x'));  // append() itself never refuses
  ck_assert(!stream.has_room(0) && stream.bytes() == 130 + 2 * header);
  stream.settle(1);
  ck_assert(!stream.has_room(0));
  stream.settle(2);
  ck_assert(stream.has_room(100 - header));
}
END_TEST

// A stream may hold as much as is still free: alone half of the total, of two
// a third each, of three a quarter; the largest are refused first.
START_TEST(the_pool_shared_by_streams) {
  constexpr std::size_t total = 120'000;
  constexpr std::size_t frame = 100;
  for (std::size_t n = 1; n <= 4; ++n) {
    Pool pool{total, 0};
    std::vector<std::unique_ptr<Stream>> streams;
    for (std::size_t i = 0; i < n; ++i) streams.push_back(std::make_unique<Stream>(plenty, pool));
    for (bool grew = true; grew;) {
      grew = false;
      for (const auto& stream : streams)
        if (stream->has_room(frame - header)) append(*stream, std::string(frame - header, 'x')), grew = true;
    }
    for (const auto& stream : streams) {
      ck_assert_uint_le(stream->bytes(), total / (n + 1));
      ck_assert_uint_gt(stream->bytes(), total / (n + 1) - 3 * frame);
    }
    // One that comes late still gets its first, while the large are full.
    Stream late(plenty, pool);
    ck_assert(late.has_room(frame - header) && !streams[0]->has_room(frame - header));
    ck_assert_uint_le(pool.bytes, total);
    streams.clear();
    ck_assert_uint_eq(pool.bytes, 0);
  }
}
END_TEST

START_TEST(a_pool_that_is_overdrawn) {
  Pool pool{100, 0};
  Stream stream(plenty, pool);
  append(stream, std::string(300, 'x'));
  ck_assert(!stream.has_room(0) && !stream.has_room(plenty));
  stream.reset();
  ck_assert(pool.bytes == 0 && stream.has_room(10));
}
END_TEST

START_TEST(a_reset_begins_again) {
  Pool pool{plenty, 0};
  Stream stream(plenty, pool);
  for (int i = 0; i < 1000; ++i) append(stream, std::string(200, 'x'));
  filled(stream, 5000);
  stream.settle(7);
  stream.reset();
  ck_assert(stream.empty() && stream.begin() == 1 && stream.end() == 1 && !stream.unsent() &&
            stream.unsent_bytes() == 0 && pool.bytes == 0 && !stream.find(8).known);
  ck_assert(append(stream, "new") == 1 && stream.find(1).body == "new" && filled(stream, plenty) == Numbers{1});
}
END_TEST

START_TEST(a_steady_stream_allocates_nothing) {
  Pool pool{plenty, 0};
  Stream stream(plenty, pool);
  Buffer out;
  out.grow(200'000);
  const std::string body(100, 'x');
  Seq oldest = 1;
  const auto turn = [&] {
    for (int i = 0; i < 200; ++i) append(stream, body);
    out.clear();
    stream.fill(out, plenty);
    while (stream.end() - oldest > 300) stream.settle(oldest++);
  };
  for (int i = 0; i < 100; ++i) turn();
  const std::size_t before = allocations;
  for (int i = 0; i < 1000; ++i) turn();
  ck_assert_uint_eq(allocations - before, 0);
}
END_TEST

// Whatever the sizes of frames and the order of their ends: nothing held, little
// memory held.
START_TEST(memory_goes_with_the_frames) {
  Pool pool{plenty, 0};
  Stream stream(plenty, pool);
  const std::size_t before = held_bytes;
  for (std::size_t size = 60'000; size < 70'000; size += 10) {  // each larger than the one before
    const std::string body(size, 'x');
    append(stream, body);
    stream.settle(stream.end() - 1);
  }
  ck_assert(stream.empty());
  ck_assert_msg(held_bytes - before < 300'000, "%zu bytes are held for nothing", held_bytes - before);
  // Large and small by turns, a few of each unsettled at a time.
  peer::SeededChance chance(4);
  for (int i = 0; i < 3000; ++i) {
    append(stream,
           std::string(chance.below(3) == 0 ? 66'000 + static_cast<std::size_t>(chance.below(40'000)) : 50, 'x'));
    if (stream.end() > 6) stream.settle(stream.end() - 1 - chance.below(6));
    if (stream.end() > 6) stream.settle_through(stream.end() - 6);
  }
  stream.settle_through(stream.end());
  ck_assert(stream.empty());
  ck_assert_msg(held_bytes - before < 400'000, "%zu bytes are held for nothing", held_bytes - before);
}
END_TEST

// One recipient that reads nothing for hours costs what its own chat costs.
START_TEST(one_that_stays_costs_no_more_than_itself) {
  Pool pool{plenty, 0};
  Stream stream(plenty, pool);
  const std::size_t before = held_bytes;
  append(stream, "stays");
  Buffer out;
  for (int i = 0; i < 300'000; ++i) {
    append(stream, "goes");
    out.clear();
    stream.fill(out, plenty);
    stream.settle(stream.end() - 1);
  }
  ck_assert(stream.find(1).body == "stays" && stream.begin() == 1 && stream.bytes() == header + 5);
  ck_assert_msg(held_bytes - before < 300'000, "%zu bytes are held for it", held_bytes - before);
  stream.rewind(0);
  ck_assert(filled(stream, plenty) == Numbers{1});
}
END_TEST

// A list of frames in plain words.
struct Model {
  struct Frame {
    std::string body;
    bool settled = false;
  };
  std::vector<Frame> frames;  // from 1
  std::size_t next = 1;       // to be sent

  std::size_t end() const { return frames.size() + 1; }
  std::size_t begin() const {
    std::size_t at = 1;
    while (at < end() && frames[at - 1].settled) ++at;
    return at;
  }
  std::size_t bytes(std::size_t from) const {
    std::size_t sum = 0;
    for (std::size_t at = from; at < end(); ++at)
      sum += frames[at - 1].settled ? 0 : frames[at - 1].body.size() + header;
    return sum;
  }
  std::string fill(std::size_t budget) {
    Buffer out;
    for (; next < end() && budget > 0; ++next) {
      const Frame& frame = frames[next - 1];
      if (frame.settled) continue;
      write_frame(out, FrameType::chat, next, frame.body);
      budget -= std::min(budget, frame.body.size() + header);
    }
    return std::string(out.view());
  }
};

void model_test(std::uint64_t seed) {
  peer::SeededChance chance(seed);
  Pool pool{plenty, 0};
  Stream stream(plenty, pool);
  Model model;
  for (int i = 0; i < 3000; ++i) {
    const bool grows = (i / 300) % 2 == 0;
    const auto any = static_cast<std::size_t>(chance.below(model.end() + 2));
    switch (chance.below(grows ? 8 : 6)) {
      case 0:
        stream.settle(any);
        if (any >= 1 && any < model.end()) model.frames[any - 1].settled = true;
        break;
      case 1: {
        const std::size_t near = model.begin() + chance.below(4);
        stream.settle_through(near);
        for (std::size_t at = 1; at <= near && at < model.end(); ++at) model.frames[at - 1].settled = true;
        break;
      }
      case 2: {
        const auto budget = static_cast<std::size_t>(chance.below(3) == 0 ? plenty : chance.below(5000));
        Buffer out;
        stream.fill(out, budget);
        if (out.view() != model.fill(budget)) ck_abort_msg("seed %d, step %d: filled", static_cast<int>(seed), i);
        break;
      }
      case 3:
        if (chance.below(10) != 0) break;
        stream.rewind(any);
        model.next = std::clamp(any + 1, model.begin(), model.end());
        break;
      case 4:
        if (chance.below(200) != 0) break;
        stream.reset();
        model = Model();
        break;
      default: {
        const auto size = static_cast<std::size_t>(chance.below(chance.below(40) == 0 ? 150'000 : 400));
        model.frames.push_back({std::string(size, static_cast<char>('a' + i % 26))});
        append(stream, model.frames.back().body);
      }
    }
    model.next = std::max(model.next, model.begin());
    const Stream::Held held = stream.find(any);
    const bool known = any >= 1 && any < model.end() && !model.frames[any - 1].settled;
    const bool same =
        stream.end() == model.end() && stream.begin() == model.begin() && stream.bytes() == model.bytes(1) &&
        pool.bytes == stream.bytes() && stream.unsent_bytes() == model.bytes(model.next) &&
        stream.unsent() == (model.bytes(model.next) > 0) && stream.empty() == (model.bytes(1) == 0) &&
        held.known == known && (!known || (held.body == model.frames[any - 1].body && held.sent == (any < model.next)));
    if (!same) ck_abort_msg("seed %d, step %d", static_cast<int>(seed), i);
  }
}

START_TEST(like_a_list) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) model_test(seed);
}
END_TEST

}  // namespace

SUITE(frames_go_out_in_order_and_once, what_is_held, settled_in_any_order, a_new_connection, the_bound_of_a_stream,
      the_pool_shared_by_streams, a_pool_that_is_overdrawn, a_reset_begins_again, a_steady_stream_allocates_nothing,
      memory_goes_with_the_frames, one_that_stays_costs_no_more_than_itself, like_a_list)
