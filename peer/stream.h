// A numbered, acknowledged, bounded stream of frames: the sender's half.
//
// A TCP connection only carries it. Every frame keeps its bytes here until it
// is settled (one by one, in any order: chats; or all through a number: control
// and outcomes), so that after a lost connection the stream goes on where the
// other side says it stands. The receiver's half is one number: the highest
// received; what comes again at or below it is dropped.
//
// Memory: bytes lie in 64 KiB chunks, freed when all their frames are settled.
// Nothing is allocated per frame once the chunks and the table have their size.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "peer/buffer.h"
#include "peer/frame.h"
#include "peer/ids.h"
#include "peer/numbered.h"

namespace peer {

// What the sender's node remembers of a chat until it is settled.
struct Ticket {
  std::uint64_t sender = 0;        // the session that waits for the outcome; 0: nobody
  std::uint64_t recipient = 0;     // the hash of the recipient's name
  std::uint32_t trail = 0;         // where its sender's node notes what becomes of it; 0: nowhere
  std::uint32_t id_at = 0;         // where in the line the client's id token stands,
  std::uint16_t id_length = 0;     // with its quotes; 0: the client gave none
  std::uint8_t sender_length = 0;  // of the sender's token, at chat_sender_at
  // Of the recipient's name, set by the stream: what stands behind it is found without a
  // look at the chat, which lies far behind in memory when its end comes.
  std::uint8_t recipient_length = 0;
  bool may_repeat : 1 = false;  // the recipient may have it already,
  bool was_sent : 1 = false;    // since it was on its way to another place before
};

// The bytes of some frames, one behind the other.
struct Chunk {
  std::unique_ptr<char[]> bytes;
  std::size_t capacity = 0;
  std::size_t used = 0;
  std::size_t live = 0;  // frames in it that are not settled
};

// Bytes that several streams hold together. A stream may grow while it holds
// less than what is still free of the total (the dynamic threshold of Choudhury
// and Hahne 1998): when memory is short the largest are refused first, and the
// total is never passed.
struct Pool {
  std::size_t bytes_max = 0;
  std::size_t bytes = 0;
  // A few chunks without frames, so that steady streams allocate nothing.
  std::vector<std::unique_ptr<Chunk>> spares{};
};

class Stream {
 public:
  // `pool` outlives the stream.
  Stream(std::size_t bytes_max, Pool& pool) : bytes_max_(bytes_max), pool_(&pool) {}
  ~Stream() { reset(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Whoever appends asks first; append() itself never refuses, so that a few small
  // frames that must not be lost can pass the bound.
  bool has_room(std::size_t body_bytes) const;

  // Appends a frame and gives its number.
  Seq append(FrameType type, std::string_view body);

  // Appends a chat; 0 where there is no room for it. `line` in pieces.
  Seq append_chat(Ticket ticket, std::string_view recipient, std::span<const std::string_view> line,
                  std::size_t line_bytes);

  // A frame that was appended and is not settled yet; `known` is false for any
  // other number. The body is borrowed until the next call that is not const.
  struct Held {
    bool known = false;
    bool sent = false;  // filled since the last rewind: the other side may have it
    FrameType type{};
    Ticket ticket;
    std::string_view body;
  };
  Held find(Seq) const;

  // A chat that is still held: its recipient may have it already.
  void mark_may_repeat(Seq);

  // Settled: its bytes are forgotten. Unknown numbers are ignored.
  void settle(Seq);
  void settle_through(Seq);

  // Whole frames that are still to be sent, in order, about `budget` bytes.
  void fill(Buffer& out, std::size_t budget);
  bool unsent() const { return unsent_bytes_ > 0; }
  std::size_t unsent_bytes() const { return unsent_bytes_; }

  // A new connection: the other side has everything through `received`; what
  // follows and is not settled is sent (again).
  void rewind(Seq received);

  // Forgets everything and begins again at 1.
  void reset();

  std::size_t bytes() const { return bytes_; }  // held until settled
  bool empty() const { return bytes_ == 0; }
  // The first held from `seq` on, or the next to come.
  Seq next(Seq seq) const { return entries_.next(seq, end_); }
  Seq begin() const { return entries_.first(end_); }
  Seq end() const { return end_; }

 private:
  struct Entry {
    Chunk* chunk = nullptr;
    std::uint32_t at = 0;
    std::uint32_t size = 0;  // of the whole frame
    Ticket ticket;
  };
  char* put(FrameType type, std::size_t body_bytes, const Ticket& ticket);
  char* reserve(std::size_t size, Entry& entry);
  void free_chunk(Chunk* chunk);
  void add_chunk(std::size_t size);
  void give_back(std::unique_ptr<Chunk> chunk);

  std::size_t bytes_max_;
  Pool* pool_;
  Numbered<Entry> entries_;
  Seq end_ = 1;
  Seq next_unsent_ = 1;  // between begin() and end()
  std::size_t bytes_ = 0;
  std::size_t unsent_bytes_ = 0;
  std::vector<std::unique_ptr<Chunk>> chunks_;  // the last one is being filled
};

}  // namespace peer
