// One TCP connection: bytes in as they come, bytes out once a turn.
//
// Owned by whoever made it, through unique_ptr. The libuv handle lives in a
// heap node of its own: destroying the Stream closes it and cuts the way back,
// so no call reaches the owner after that, not even for writes under way.
// TCP_NODELAY is always set. All callbacks come from the loop, never from
// inside a call of the owner's, except on_closed from flush().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "peer/buffer.h"
#include "peer/ids.h"
#include "peer/result.h"
#include "src/io/loop.h"

namespace io {

class Dial;
class Timer;

class Stream final : public Flushable {
 public:
  // What is read of a connection in one turn at most, so that who sends as fast as we
  // read does not keep the others waiting.
  enum class Share : std::uint8_t {
    one,   // somebody's: 16 KiB
    many,  // it carries what many say: 256 KiB
  };

  class Owner {
   public:
    // The dial succeeded (only for streams made by dial()).
    virtual void on_open() noexcept {}
    // Borrowed for the length of the call; 64 bytes beyond are readable.
    // The owner may destroy the stream inside.
    virtual void on_bytes(std::string_view bytes) noexcept = 0;
    // The other side has said all it will, but may still be listening. True: the
    // owner has called finish(), to have its last words written, or will; false:
    // the connection is closed. It must not destroy the stream inside.
    virtual bool on_end() noexcept { return false; }
    // The connection is gone or the dial failed: `why` is a sentence for the
    // log, empty where the other side closed in good order. Called once; the
    // owner destroys the stream inside or later.
    virtual void on_closed(std::string_view why) noexcept = 0;
    // Called while flushing when `out` is empty: append what is to be sent
    // now, or nothing. Called again in the same flush until it appends nothing
    // or the socket is full.
    virtual void fill(peer::Buffer& out) noexcept = 0;
    // The kernel has taken n more bytes, in the order of fill().
    virtual void on_written(std::size_t n) noexcept { (void)n; }

   protected:
    ~Owner() = default;
  };

  // Begins to dial; names are resolved in libuv's pool. The whole takes at most
  // `timeout`, then on_closed("no answer within 2 s"). Its share is that of many.
  static std::unique_ptr<Stream> dial(Loop&, const peer::Address&, peer::Millis timeout, Owner&);

  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // There is something to fill: flush at the end of the turn.
  void want_write();
  void flush() noexcept override;

  // Stops and resumes reading (back pressure on the other side).
  void pause_reading();
  void resume_reading();

  // fill() is asked until it has nothing more; once all of that is written: FIN,
  // then wait for the other side's end (reading and dropping what comes, so that
  // the kernel does not answer it with a reset that would take our last words
  // with it), `patience` at most in all; then on_closed(""). No on_bytes after
  // this call.
  void finish(peer::Millis patience);

  // Host:port of the other side, for the log and limits; "?" when unknown.
  peer::Address remote() const;

 private:
  friend class Listener;
  struct Node;
  struct Write;

  // dialling → open → draining → ending → closed; any → closed.
  enum class State : std::uint8_t {
    dialling,
    open,
    draining,  // finish() was called: what is still to be said is being written
    ending,    // FIN sent, waiting for the other side's
    closed,    // told of by on_closed, or about to be
  };

  Stream(Loop&, Owner&, Share);

  // A connected socket becomes a node, and a node that nobody took is closed.
  static Node* adopt(Loop&, int fd);
  static void discard(Node*);
  void start(Node*);

  void dialled(peer::Result<int> fd);
  void received(std::ptrdiff_t n, const char* bytes);
  void received_end();
  std::size_t read_bytes() const;
  void set_reading();
  void write_later(peer::Buffer& out, std::size_t done);
  void written(std::size_t n, int error);
  void say_end();
  void lose(std::string why);
  void let_go();

  Loop& loop_;
  Owner& owner_;
  Node* node_ = nullptr;             // while there is a connection
  std::unique_ptr<Dial> dial_;       // while dialling
  std::unique_ptr<Timer> patience_;  // once finish() was called
  peer::Time until_{0};              // and how long it may take
  const Share share_;
  State state_ = State::dialling;
  bool writing_ = false;  // libuv has a write of ours, the only one
  bool paused_ = false;   // by pause_reading()
  bool sated_ = false;    // has read its share of this turn
  bool other_ended_ = false;
  std::uint8_t full_reads_ = 0;  // one after the other
};

}  // namespace io
