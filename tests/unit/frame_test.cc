// The wire: frames cut from bytes that are split anywhere, and bodies that lie.
#include "peer/frame.h"
#include "peer/stream.h"

#include <string>
#include <string_view>
#include <vector>

#include "peer/chance.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::string_view_literals;
using peer::Buffer;
using peer::Frame;
using peer::FrameReader;
using peer::FrameType;
using Got = FrameReader::Got;

struct Copy {
  FrameType type;
  peer::Seq seq;
  std::string body;
  bool operator==(const Copy&) const = default;
};

// What a reader makes of `pieces`, each fed from memory that is gone afterwards.
struct Cut {
  std::vector<Copy> frames;
  bool broken = false;
};
void feed(FrameReader& reader, std::string_view piece, Cut& cut) {
  const std::vector<char> lent(piece.begin(), piece.end());  // a heap block, so that a sanitizer sees a late look
  reader.feed({lent.data(), lent.size()});
  Frame frame;
  for (;;) {
    switch (reader.next(frame)) {
      case Got::frame: cut.frames.push_back({frame.type, frame.seq, std::string(frame.body)}); break;
      case Got::nothing: return;
      case Got::broken: cut.broken = true; return;
    }
  }
}

std::string bytes_of(const std::vector<Copy>& frames) {
  Buffer out;
  for (const Copy& frame : frames) write_frame(out, frame.type, frame.seq, frame.body);
  return std::string(out.view());
}

const std::vector<Copy>& sample() {
  static const std::vector<Copy> frames{{FrameType::ping, 0, ""},
                                        {FrameType::chat, 1,
                                         "\x01\x03"
                                         "bobhello\n"},
                                        {FrameType::bye, 0, ""},
                                        {FrameType::users, ~0ULL, std::string(20, '\xff')},
                                        {FrameType::chat, 0x0102030405060708U, std::string("\0\0\0\0", 4)}};
  return frames;
}

START_TEST(the_bytes_of_a_frame) {
  Buffer out;
  write_frame(out, FrameType::chat, 0x0102030405060708U, "ab");
  ck_assert(out.view() ==
            "\x0b\0\0\0\x20\x08\x07\x06\x05\x04\x03\x02\x01"
            "ab"sv);
  ck_assert_uint_eq(peer::frame_header_bytes, 13);
}
END_TEST

START_TEST(every_split_in_two_and_three) {
  const std::string bytes = bytes_of(sample());
  const std::string_view all = bytes;
  for (std::size_t first = 0; first <= all.size(); ++first)
    for (std::size_t second = first; second <= all.size(); ++second) {
      FrameReader reader;
      Cut cut;
      feed(reader, all.substr(0, first), cut);
      feed(reader, all.substr(first, second - first), cut);
      feed(reader, all.substr(second), cut);
      if (cut.broken || cut.frames != sample()) ck_abort_msg("cut at %zu and %zu", first, second);
    }
}
END_TEST

START_TEST(byte_by_byte) {
  FrameReader reader;
  Cut cut;
  for (const char byte : bytes_of(sample())) feed(reader, {&byte, 1}, cut);
  ck_assert(!cut.broken && cut.frames == sample());
}
END_TEST

START_TEST(large_frames_in_random_pieces) {
  peer::SeededChance chance(5);
  for (int round = 0; round < 40; ++round) {
    std::vector<Copy> frames;
    for (int i = 0; i < 30; ++i) {
      const auto size = static_cast<std::size_t>(chance.below(chance.below(8) == 0 ? 300'000 : 200));
      frames.push_back({FrameType::chat, chance.next(), std::string(size, static_cast<char>('a' + i))});
    }
    const std::string bytes = bytes_of(frames);
    FrameReader reader;
    reader.allow(peer::frame_bytes_max);
    Cut cut;
    for (std::size_t at = 0; at < bytes.size();) {
      const auto n = static_cast<std::size_t>(chance.below(chance.below(3) == 0 ? 100'000 : 20) + 1);
      feed(reader, std::string_view(bytes).substr(at, n), cut);
      at += n;
    }
    ck_assert(!cut.broken && cut.frames == frames);
  }
}
END_TEST

START_TEST(a_whole_frame_is_borrowed) {
  const std::string bytes = bytes_of(sample());
  FrameReader reader;
  reader.feed(bytes);
  Frame frame;
  std::size_t at = 0;
  while (reader.next(frame) == Got::frame) {
    ck_assert(frame.body.data() == bytes.data() + at + peer::frame_header_bytes);
    at += peer::frame_header_bytes + frame.body.size();
  }
  ck_assert_uint_eq(at, bytes.size());
}
END_TEST

std::string with_size(std::uint32_t size, std::size_t bytes_behind) {
  Buffer out;
  peer::Writer(out).u32(size);
  return std::string(out.view()) + std::string(bytes_behind, 'x');
}

START_TEST(sizes) {
  const struct {
    const char* sentence;
    std::uint32_t size;   // as the frame says, of what follows
    std::size_t allowed;  // 0: as it is before the proof
    bool broken;
  } rows[] = {
      {"a frame of nothing", 0, 0, true},
      {"too small for its type and number", 8, 0, true},
      {"the smallest", 9, 0, false},
      {"the longest greeting", 4096 - 4, 0, false},
      {"a longer greeting", 4096 - 3, 0, true},
      {"the longest of all", peer::frame_bytes_max - 4, peer::frame_bytes_max, false},
      {"a longer one", peer::frame_bytes_max - 3, peer::frame_bytes_max, true},
      {"the greatest number", 0xffffffffU, peer::frame_bytes_max, true},
  };
  for (const auto& row : rows) {
    // Known as soon as the four bytes of the size are there.
    for (const std::size_t bytes : {4U, 5U}) {
      FrameReader reader;
      if (row.allowed != 0) reader.allow(row.allowed);
      Cut cut;
      feed(reader, std::string_view(with_size(row.size, 1)).substr(0, bytes), cut);
      ck_assert_msg(cut.broken == row.broken, "%s", row.sentence);
      if (row.broken) {
        Frame frame;
        ck_assert_msg(reader.next(frame) == Got::broken, "%s: for good", row.sentence);
        continue;
      }
      feed(reader, std::string(row.size + 4 - bytes, 'x'), cut);
      ck_assert_msg(!cut.broken && cut.frames.size() == 1 && cut.frames[0].body.size() == row.size - 9, "%s",
                    row.sentence);
    }
  }
}
END_TEST

START_TEST(a_good_frame_before_a_bad_one_is_given) {
  const std::string bytes = bytes_of({sample()[1]}) + with_size(3, 10);
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    FrameReader reader;
    Cut cut;
    feed(reader, std::string_view(bytes).substr(0, at), cut);
    if (!cut.broken) feed(reader, std::string_view(bytes).substr(at), cut);
    ck_assert(cut.broken && cut.frames.size() == 1 && cut.frames[0] == sample()[1]);
  }
}
END_TEST

// Whatever comes: no crash, no frame over the bound, and what is refused in one
// piece is refused in pieces.
START_TEST(garbage) {
  peer::SeededChance chance(11);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = round % 2 == 0 ? bytes_of(sample()) : std::string();
    for (std::uint64_t i = chance.below(64); i > 0; --i) bytes += static_cast<char>(chance.next());
    for (std::uint64_t i = chance.below(4); i > 0 && !bytes.empty(); --i)
      bytes[static_cast<std::size_t>(chance.below(bytes.size()))] = static_cast<char>(chance.below(12));
    FrameReader whole;
    Cut at_once;
    feed(whole, bytes, at_once);
    FrameReader split;
    Cut in_pieces;
    for (std::size_t at = 0; at < bytes.size() && !in_pieces.broken;) {
      const auto n = static_cast<std::size_t>(chance.below(9) + 1);
      feed(split, std::string_view(bytes).substr(at, n), in_pieces);
      at += n;
    }
    bool good = at_once.broken == in_pieces.broken && at_once.frames == in_pieces.frames;
    for (const Copy& frame : at_once.frames) {
      good = good && frame.body.size() + peer::frame_header_bytes <= peer::greeting_bytes_max;
      (void)peer::decode_chat(frame.body);
    }
    if (!good) ck_abort_msg("round %d", round);
  }
}
END_TEST

START_TEST(writer_and_reader) {
  Buffer out;
  peer::Writer writer(out);
  writer.u8(0x12);
  writer.u16(0x3456);
  writer.u32(0x789abcde);
  writer.u64(0x1122334455667788U);
  writer.text8("eight");
  writer.text16(std::string(300, 's'));
  writer.bytes("rest");
  const std::string bytes(out.view());
  ck_assert(std::string_view(bytes).substr(0, 7) == "\x12\x56\x34\xde\xbc\x9a\x78"sv);
  // Cut short anywhere: ok() is false, and nothing past the end is read.
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    const std::vector<char> lent(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    peer::Reader reader({lent.data(), lent.size()});
    const bool same = reader.u8() == 0x12 && reader.u16() == 0x3456 && reader.u32() == 0x789abcdeU &&
                      reader.u64() == 0x1122334455667788U && reader.text8() == "eight" &&
                      reader.text16() == std::string(300, 's');
    const bool whole = n >= bytes.size() - 4;
    ck_assert(reader.ok() == whole && same == whole);
    if (whole) ck_assert(reader.rest().size() == n + 4 - bytes.size());
    if (!whole) ck_assert(!reader.more());
  }
}
END_TEST

START_TEST(chat_bodies) {
  const std::string name64(64, 'b');
  const std::string name65(65, 'b');
  const struct {
    const char* sentence;
    std::string body;
    bool ok;
  } rows[] = {
      {"a chat", std::string("\0\3bobhello\n", 11), true},
      {"one that may repeat", std::string("\1\3bobhello\n", 11), true},
      {"flags of a later version are passed over", std::string("\xfc\3bobhello\n", 11), true},
      {"nothing at all", "", false},
      {"flags alone", std::string("\0", 1), false},
      {"an empty recipient", std::string("\0\0hello\n", 8), false},
      {"a recipient of 64 bytes", std::string("\0\x40", 2) + name64 + "x\n", true},
      {"of 65", std::string("\0\x41", 2) + name65 + "x\n", false},
      {"a recipient that is cut short", std::string("\0\5bob", 5), false},
      {"no line", std::string("\0\3bob", 5), false},
      {"an empty line", std::string("\0\3bob\n", 6), false},
      {"the shortest line", std::string("\0\3bobx\n", 7), true},
      {"a line without its end", std::string("\0\3bobhello", 10), false},
  };
  for (const auto& row : rows) {
    const peer::DecodedChat decoded = peer::decode_chat(row.body);
    ck_assert_msg(decoded.ok == row.ok, "%s", row.sentence);
  }
}
END_TEST

std::string with_head(const peer::Ticket& ticket) {
  std::string head(peer::chat_head_bytes(ticket), '\0');
  ck_assert_ptr_eq(peer::write_chat_head(head.data(), ticket, "bob"), head.data() + head.size());
  return head;
}

START_TEST(a_chat_with_its_head) {
  const std::string line = R"({"cmd":"chat","send":"al","recv":"bob","id":"7"})"
                           "\n";
  peer::Ticket ticket;
  ticket.recipient_length = 3;
  ticket.id_at = static_cast<std::uint32_t>(line.find("\"7\""));
  ticket.id_length = 3;
  ticket.sender_length = 4;
  ticket.may_repeat = true;
  const std::string body = with_head(ticket) + line;
  ck_assert(peer::chat_recipient(ticket, body) == "bob" && peer::chat_line(ticket, body) == line);
  const peer::DecodedChat decoded = peer::decode_chat(body);
  ck_assert(decoded.ok && decoded.chat.may_repeat && decoded.chat.recipient == "bob" && decoded.chat.line == line);
  ck_assert(decoded.chat.sender == "\"al\"" && decoded.chat.id == "\"7\"");

  ticket.id_length = 0;
  ticket.may_repeat = false;
  const std::string plain = with_head(ticket) + line;
  ck_assert(peer::chat_recipient(ticket, plain) == "bob" && peer::chat_line(ticket, plain) == line);
  const peer::DecodedChat without = peer::decode_chat(plain);
  ck_assert(without.ok && !without.chat.may_repeat && without.chat.sender.empty() && without.chat.id.empty());

  const auto size = static_cast<std::uint32_t>(line.size());
  const struct {
    const char* sentence;
    std::uint32_t id_at;
    std::uint16_t id_length;
    std::uint8_t sender_length;
    bool ok;
  } rows[] = {
      {"tokens to the very end", size - 3, 3, static_cast<std::uint8_t>(size - peer::chat_sender_at), true},
      {"an id that ends behind the line", size - 2, 3, 4, false},
      {"one that begins behind it", size + 1, 1, 4, false},
      {"one so far behind that the sum wraps", 0xffffffff, 0xffff, 4, false},
      {"a sender that ends behind it", 5, 3, static_cast<std::uint8_t>(size - peer::chat_sender_at + 1), false},
      {"no sender", 5, 3, 0, false},
  };
  for (const auto& row : rows) {
    ticket.id_at = row.id_at;
    ticket.id_length = row.id_length;
    ticket.sender_length = row.sender_length;
    const std::string bytes = with_head(ticket) + line;
    ck_assert_msg(peer::decode_chat(bytes).ok == row.ok, "%s", row.sentence);
  }
  for (std::size_t n = 0; n < body.size() - line.size(); ++n)
    ck_assert(!peer::decode_chat(std::string_view(body).substr(0, n)).ok);
}
END_TEST

}  // namespace

SUITE(the_bytes_of_a_frame, every_split_in_two_and_three, byte_by_byte, large_frames_in_random_pieces,
      a_whole_frame_is_borrowed, sizes, a_good_frame_before_a_bad_one_is_given, garbage, writer_and_reader, chat_bodies,
      a_chat_with_its_head)
