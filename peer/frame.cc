#include "peer/frame.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace peer {

static_assert(std::endian::native == std::endian::little, "frames are written as the machine holds them");

void Writer::text8(std::string_view text) {
  assert(text.size() <= 0xff);
  u8(static_cast<std::uint8_t>(text.size()));
  bytes(text);
}

void Writer::text16(std::string_view text) {
  assert(text.size() <= 0xffff);
  u16(static_cast<std::uint16_t>(text.size()));
  bytes(text);
}

void write_frame_header(char* at, FrameType type, Seq seq, std::size_t body_bytes) {
  const auto size = static_cast<std::uint32_t>(body_bytes + frame_header_bytes - sizeof(std::uint32_t));
  std::memcpy(at, &size, sizeof size);
  at[4] = static_cast<char>(type);
  std::memcpy(at + 5, &seq, sizeof seq);
}

void write_frame(Buffer& out, FrameType type, Seq seq, std::string_view body) {
  assert(body.size() + frame_header_bytes <= frame_bytes_max);
  write_frame_header(out.grow(frame_header_bytes), type, seq, body.size());
  out.append(body);
}

void FrameReader::feed(std::string_view bytes) {
  assert(fed_.empty());
  fed_ = bytes;
}

// Looks for a whole frame at the front of `from`.
FrameReader::Got FrameReader::cut(std::string_view from, Frame& frame, std::size_t& used) {
  if (from.size() < sizeof(std::uint32_t)) return Got::nothing;
  Reader reader(from);
  const std::size_t size = reader.u32();
  if (size < frame_header_bytes - sizeof(std::uint32_t) || size + sizeof(std::uint32_t) > allowed_) return Got::broken;
  if (from.size() < size + sizeof(std::uint32_t)) return Got::nothing;
  frame.type = FrameType{reader.u8()};
  frame.seq = reader.u64();
  frame.body = reader.bytes(size + sizeof(std::uint32_t) - frame_header_bytes);
  used = size + sizeof(std::uint32_t);
  return Got::frame;
}

FrameReader::Got FrameReader::next(Frame& frame) {
  if (broken_) return Got::broken;
  if (carried_out_ > 0) {
    carry_.consume(carried_out_);
    carried_out_ = 0;
    if (carry_.empty()) carry_.release();
  }
  std::size_t used = 0;
  Got got = Got::nothing;
  if (carry_.empty()) {
    got = cut(fed_, frame, used);
    if (got == Got::frame) fed_.remove_prefix(used);
  } else {
    // Complete the carried frame with just what it lacks, so that what follows
    // it is borrowed again. Twice at most: first its size, then the rest.
    while ((got = cut(carry_.view(), frame, used)) == Got::nothing && !fed_.empty()) {
      std::size_t lacks = sizeof(std::uint32_t);
      if (carry_.size() >= lacks) lacks += Reader(carry_.view()).u32();
      const std::size_t take = std::min(lacks - carry_.size(), fed_.size());
      carry_.append(fed_.substr(0, take));
      fed_.remove_prefix(take);
    }
    if (got == Got::frame) carried_out_ = used;
  }
  if (got == Got::nothing) {
    carry_.append(fed_);
    fed_ = {};
  }
  broken_ = got == Got::broken;
  return got;
}

DecodedChat decode_chat(std::string_view body) {
  Reader reader(body);
  DecodedChat decoded;
  decoded.chat.flags = reader.u8();
  decoded.chat.recipient = reader.text8();
  decoded.chat.line = reader.rest();
  decoded.ok = reader.ok() && !decoded.chat.recipient.empty() && decoded.chat.recipient.size() <= 64 &&
               decoded.chat.line.size() >= 2 && decoded.chat.line.back() == '\n';
  return decoded;
}

}  // namespace peer
