#include "peer/frame.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "peer/stream.h"

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

namespace {

constexpr std::uint8_t flag_may_repeat = 1;
constexpr std::uint8_t flag_has_id = 2;

}  // namespace

std::size_t chat_head_bytes(const Ticket& ticket) {
  return 2 + ticket.recipient_length + (ticket.id_length > 0 ? 7 : 0);
}

char* write_chat_head(char* to, const Ticket& ticket, std::string_view recipient) {
  assert(recipient.size() == ticket.recipient_length);
  const bool has_id = ticket.id_length > 0;
  *to++ = static_cast<char>((ticket.may_repeat ? flag_may_repeat : 0) | (has_id ? flag_has_id : 0));
  *to++ = static_cast<char>(static_cast<unsigned char>(recipient.size()));
  std::memcpy(to, recipient.data(), recipient.size());
  to += recipient.size();
  if (!has_id) return to;
  std::memcpy(to, &ticket.sender_length, sizeof ticket.sender_length);
  std::memcpy(to + 1, &ticket.id_at, sizeof ticket.id_at);
  std::memcpy(to + 5, &ticket.id_length, sizeof ticket.id_length);
  return to + 7;
}

void chat_may_repeat(char* body) { *body = static_cast<char>(*body | flag_may_repeat); }

std::string_view chat_recipient(const Ticket& ticket, std::string_view body) {
  return body.substr(2, ticket.recipient_length);
}

std::string_view chat_line(const Ticket& ticket, std::string_view body) { return body.substr(chat_head_bytes(ticket)); }

DecodedChat decode_chat(std::string_view body) {
  Reader reader(body);
  DecodedChat decoded;
  ChatBody& chat = decoded.chat;
  const std::uint8_t flags = reader.u8();
  chat.may_repeat = (flags & flag_may_repeat) != 0;
  chat.recipient = reader.text8();
  const bool has_id = (flags & flag_has_id) != 0;
  const std::size_t sender_length = has_id ? reader.u8() : 0;
  const std::size_t id_at = has_id ? reader.u32() : 0;
  const std::size_t id_length = has_id ? reader.u16() : 0;
  chat.line = reader.rest();
  const bool whole = reader.ok() && !chat.recipient.empty() && chat.recipient.size() <= 64 && chat.line.size() >= 2 &&
                     chat.line.back() == '\n';
  if (!whole || !has_id) return decoded.ok = whole, decoded;
  const auto lies_within = [&](std::size_t at, std::size_t length) {
    return length > 0 && at <= chat.line.size() && length <= chat.line.size() - at;
  };
  if (!lies_within(chat_sender_at, sender_length) || !lies_within(id_at, id_length)) return decoded;
  chat.sender = chat.line.substr(chat_sender_at, sender_length);
  chat.id = chat.line.substr(id_at, id_length);
  decoded.ok = true;
  return decoded;
}

}  // namespace peer
