// The wire between peers: length-prefixed binary frames, little-endian.
//
//   u32 size     of all that follows
//   u8  type
//   u64 seq      the frame's place in its stream; 0 where it is in none
//   …   body
//
// Pure encoding and decoding; what the frames mean is said in outlink.h and
// inlink.h. A body that does not decode is an error of the other side's, never
// an assert.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "peer/buffer.h"
#include "peer/ids.h"

namespace peer {

enum class FrameType : std::uint8_t {
  // The handshake (hello.h); unnumbered.
  hello = 1,
  proof = 2,
  welcome = 3,
  refuse = 4,
  // Of the moment; unnumbered.
  ping = 5,
  pong = 6,
  received = 7,  // how far a stream was received
  bye = 8,       // I leave in good order
  datagram = 9,  // lost with the connection; of the one who was dialled where it has no link of its own
  // The control stream, from the dialler.
  snapshot_begin = 16,
  users = 17,
  snapshot_end = 18,
  // The chat stream, from the dialler.
  chat = 32,
  lane_reset = 33,
  wake = 34,         // something lies in the mailbox of a user of yours
  canary = 35,       // to be sent back (canary.h)
  canary_back = 36,  // yours of that number has come
  // The outcome stream, from the one who was dialled.
  outcomes = 48,
};

inline constexpr std::size_t frame_header_bytes = 13;
// The longest line a node may be told to accept is 1 MiB (limits.line_bytes);
// the recipient's line adds names, id and time to its content.
inline constexpr std::size_t frame_bytes_max = (std::size_t{1} << 20U) + 8192;
// Until the other side has proven itself it may send this much at a time.
inline constexpr std::size_t greeting_bytes_max = 4096;

// Datagrams that wait for a connection; small, or pings would wait behind them.
inline constexpr std::size_t datagrams_bytes_max = 262144;

// Sent first by either side: a person or a program that reached the wrong port
// sees what this is, and a line-based one answers with an error.
inline constexpr std::string_view preface = "crosstalk-peer 1\n";

struct Frame {
  FrameType type{};
  Seq seq = 0;
  std::string_view body;  // borrowed
};

// Writes little-endian values at the end of a Buffer.
class Writer {
 public:
  explicit Writer(Buffer& out) : out_(&out) {}
  void u8(std::uint8_t value) { out_->push_back(static_cast<char>(value)); }
  void u16(std::uint16_t value) { raw(value); }
  void u32(std::uint32_t value) { raw(value); }
  void u64(std::uint64_t value) { raw(value); }
  // A text of at most 255 or 65,535 bytes with its length before it.
  void text8(std::string_view text);
  void text16(std::string_view text);
  void bytes(std::string_view text) { out_->append(text); }

 private:
  template <class T>
  void raw(T value) {
    std::memcpy(out_->grow(sizeof value), &value, sizeof value);
  }
  Buffer* out_;
};

// Reads them back. A read past the end gives zeros and makes ok() false for
// good, so a whole body is read first and ok() asked once.
class Reader {
 public:
  explicit Reader(std::string_view body) : rest_(body) {}
  std::uint8_t u8() { return raw<std::uint8_t>(); }
  std::uint16_t u16() { return raw<std::uint16_t>(); }
  std::uint32_t u32() { return raw<std::uint32_t>(); }
  std::uint64_t u64() { return raw<std::uint64_t>(); }
  std::string_view text8() { return bytes(u8()); }
  std::string_view text16() { return bytes(u16()); }
  std::string_view bytes(std::size_t n) {
    if (n > rest_.size()) return ok_ = false, std::string_view();
    const std::string_view text = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return text;
  }
  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }
  bool more() const { return ok_ && !rest_.empty(); }

 private:
  template <class T>
  T raw() {
    T value{};
    const std::string_view from = bytes(sizeof value);
    if (ok_) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::string_view rest_;
  bool ok_ = true;
};

// Appends one whole frame.
void write_frame(Buffer& out, FrameType type, Seq seq, std::string_view body);
// Writes the header of a frame whose body has `body_bytes` to `at`.
void write_frame_header(char* at, FrameType type, Seq seq, std::size_t body_bytes);

// Cuts a byte stream into frames. A frame that arrived whole is borrowed from
// what was fed; only one that is split is copied.
class FrameReader {
 public:
  enum class Got : std::uint8_t { frame, nothing, broken };

  // Nothing longer than this is let in: greeting_bytes_max until proven.
  void allow(std::size_t frame_bytes) { allowed_ = frame_bytes; }

  // Borrowed until next() has said `nothing`.
  void feed(std::string_view bytes);

  // The next frame in `frame`, borrowed until the next call; `nothing`: feed
  // more; `broken`: a frame too long or of an impossible size, for good.
  Got next(Frame& frame);

 private:
  Got cut(std::string_view from, Frame& frame, std::size_t& used);
  std::string_view fed_;
  Buffer carry_;                 // the front of a frame whose end has not come
  std::size_t carried_out_ = 0;  // of carry_, handed out by the last next()
  std::size_t allowed_ = greeting_bytes_max;
  bool broken_ = false;
};

// Where in a chat's line its sender's token stands: {"cmd":"chat","send":"…
inline constexpr std::size_t chat_sender_at = 21;

struct Ticket;

// The body of a chat frame: a head, then the line with its LF.
//   u8 flags, text8 recipient; where the client gave the id: u8 sender_length,
//   u32 id_at, u16 id_length
struct ChatBody {
  bool may_repeat = false;  // the recipient may have it already
  std::string_view recipient;
  std::string_view sender;  // tokens in the line, with their quotes, that name the
  std::string_view id;      // chat; both empty where the id is a server's
  std::string_view line;
};

// The head of a chat of this ticket.
std::size_t chat_head_bytes(const Ticket& ticket);
// Gives where it ends.
char* write_chat_head(char* to, const Ticket& ticket, std::string_view recipient);

// Sets the mark in a body that is encoded already.
void chat_may_repeat(char* body);

// The recipient is 1 to 64 bytes, the line not empty, the tokens lie in it; else
// ok is false.
struct DecodedChat {
  bool ok = false;
  ChatBody chat;
};
DecodedChat decode_chat(std::string_view body);

// Of a chat that was written here with this ticket; its bytes are not looked at.
std::string_view chat_recipient(const Ticket& ticket, std::string_view body);
std::string_view chat_line(const Ticket& ticket, std::string_view body);

}  // namespace peer
