#include "src/io/stream.h"

#include <sys/socket.h>
#include <uv.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "src/io/dial.h"
#include "src/io/socket.h"
#include "src/io/timer.h"

namespace io {

namespace {

// One connection's share of a turn, each way: who sends or reads as fast as we
// do must not keep the others waiting. What one person says in a turn seldom is a
// hundredth of what is read of them at most; of a connection that carries what
// many say as much is read as can be handed on in few writes, each with much in it.
constexpr std::size_t flush_bytes_max = std::size_t{256} * 1024;
constexpr std::size_t read_bytes_of_one = std::size_t{16} * 1024;
constexpr std::uint8_t full_reads_of_many = 4;  // of the loop's read buffer, 64 KiB

// For the other side to say its end once ours is said. The kernel has all bytes by
// then and goes on sending them, and an idle client may never answer.
constexpr peer::Millis linger{1000};

// What is left of a flush is copied up to this size, so that a few bytes for a
// slow reader don't keep the memory of a buffer that once was large.
constexpr std::size_t copied_bytes_max = std::size_t{16} * 1024;

}  // namespace

// Outlives its Stream until libuv has closed the handle. There may be tens of
// thousands: nothing stands here that an idle connection does not need.
struct Stream::Node {
  uv_tcp_t handle{};
  Loop& loop;
  Stream* stream = nullptr;  // null: not taken yet, or cut

  explicit Node(Loop& on) : loop(on) { handle.data = this; }

  uv_stream_t* stream_handle() { return reinterpret_cast<uv_stream_t*>(&handle); }

  int fd() const {
    uv_os_fd_t fd = -1;
    uv_fileno(reinterpret_cast<const uv_handle_t*>(&handle), &fd);
    return fd;
  }

  void close() {
    stream = nullptr;
    auto* closing = reinterpret_cast<uv_handle_t*>(&handle);
    assert(!uv_is_closing(closing));
    uv_close(closing, [](uv_handle_t* closed) noexcept { delete static_cast<Node*>(closed->data); });
  }

  static void on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* out) noexcept {
    const Node& node = *static_cast<Node*>(handle->data);
    // libuv answers an empty buffer with UV_ENOBUFS, and asks again after the next poll.
    const std::size_t size = node.stream && !node.stream->sated_ ? node.stream->read_bytes() : 0;
    *out = uv_buf_init(node.loop.read_buffer().data(), static_cast<unsigned>(size));
  }

  static void on_read(uv_stream_t* handle, ssize_t n, const uv_buf_t* buffer) noexcept {
    Node& node = *static_cast<Node*>(handle->data);
    node.loop.begin_turn();
    if (node.stream) node.stream->received(n, buffer->base);
  }
};

// The one write that libuv may have of a stream's; owns its bytes.
struct Stream::Write {
  uv_write_t request{};
  peer::Buffer bytes;
  std::size_t size = 0;

  static void on_written(uv_write_t* request, int status) noexcept {
    const std::unique_ptr<Write> write(static_cast<Write*>(request->data));
    Node& node = *static_cast<Node*>(request->handle->data);
    node.loop.begin_turn();
    if (node.stream) node.stream->written(write->size, status);
  }
};

Stream::Stream(Loop& loop, Owner& owner, Share share) : loop_(loop), owner_(owner), share_(share) {}

Stream::~Stream() { let_go(); }

std::unique_ptr<Stream> Stream::dial(Loop& loop, const peer::Address& address, peer::Millis timeout, Owner& owner) {
  std::unique_ptr<Stream> stream(new Stream(loop, owner, Share::many));
  Stream* dialling = stream.get();
  stream->dial_ = std::make_unique<Dial>(loop, address, timeout,
                                         [dialling](peer::Result<int> fd) { dialling->dialled(std::move(fd)); });
  return stream;
}

void Stream::dialled(peer::Result<int> fd) {
  if (!fd) return lose(fd.why());
  dial_.reset();
  start(adopt(loop_, *fd));
  owner_.on_open();
}

Stream::Node* Stream::adopt(Loop& loop, int fd) {
  auto* node = new Node(loop);
  uv_tcp_init(loop.raw(), &node->handle);
  const int error = uv_tcp_open(&node->handle, fd);
  assert(error == 0);
  (void)error;
  return node;
}

void Stream::discard(Node* node) { node->close(); }

void Stream::start(Node* node) {
  node_ = node;
  node_->stream = this;
  state_ = State::open;
  set_reading();
  want_write();
}

void Stream::set_reading() {
  if (!node_ || other_ended_) return;
  if (paused_) {
    uv_read_stop(node_->stream_handle());
  } else {
    uv_read_start(node_->stream_handle(), Node::on_alloc, Node::on_read);
  }
}

void Stream::pause_reading() {
  if (state_ != State::dialling && state_ != State::open) return;
  paused_ = true;
  set_reading();
}

void Stream::resume_reading() {
  paused_ = false;
  set_reading();
}

std::size_t Stream::read_bytes() const { return share_ == Share::one ? read_bytes_of_one : loop_.read_buffer().size(); }

void Stream::received(std::ptrdiff_t n, const char* bytes) {
  if (sated_ && n == UV_ENOBUFS) return;
  if (n == 0) {
    full_reads_ = 0;
    return;
  }
  if (n == UV_EOF) return received_end();
  if (n < 0) return lose(socket_failure(static_cast<int>(-n)));

  const auto size = static_cast<std::size_t>(n);
  full_reads_ = size == read_bytes() ? static_cast<std::uint8_t>(full_reads_ + 1) : 0;
  if (full_reads_ == (share_ == Share::one ? 1 : full_reads_of_many)) {
    full_reads_ = 0;
    sated_ = true;
    want_write();  // the flush is the turn's end
  }
  if (state_ == State::open) owner_.on_bytes({bytes, size});
}

void Stream::received_end() {
  other_ended_ = true;
  // Who has said all still may be listening to our last words.
  const bool waits = state_ == State::draining || (state_ == State::open && owner_.on_end());
  if (!waits) lose("");
}

void Stream::want_write() { loop_.mark_dirty(*this); }

void Stream::flush() noexcept {
  sated_ = false;
  if ((state_ != State::open && state_ != State::draining) || writing_) return;

  Node* const node = node_;  // its way back is cut if the owner does away with us in a call
  std::size_t taken = 0;
  while (taken < flush_bytes_max) {
    peer::Buffer& out = loop_.write_buffer();
    owner_.fill(out);
    if (!node->stream) return;
    if (out.empty()) {
      if (state_ == State::draining) say_end();
      return;
    }
    const std::string_view bytes = out.view();
    uv_buf_t buffer = uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int result = uv_try_write(node->stream_handle(), &buffer, 1);
    if (result < 0 && result != UV_EAGAIN) return lose(socket_failure(-result));
    const std::size_t done = result < 0 ? 0 : static_cast<std::size_t>(result);
    if (done < bytes.size()) write_later(out, done);
    if (done > 0) owner_.on_written(done);
    if (!node->stream || writing_) return;
    taken += done;
  }
  loop_.mark_dirty_next_turn(*this);
}

// What the socket would not take goes, with its memory where it is much, into a
// write of libuv's.
void Stream::write_later(peer::Buffer& out, std::size_t done) {
  auto write = std::make_unique<Write>();
  std::string_view rest = out.view().substr(done);
  if (rest.size() <= copied_bytes_max) {
    write->bytes.append(rest);
    rest = write->bytes.view();
  } else {
    write->bytes.swap(out);
  }
  write->size = rest.size();
  write->request.data = write.get();
  uv_buf_t buffer = uv_buf_init(const_cast<char*>(rest.data()), static_cast<unsigned>(rest.size()));
  const int error = uv_write(&write->request, node_->stream_handle(), &buffer, 1, Write::on_written);
  assert(error == 0);
  (void)error;
  static_cast<void>(write.release());
  writing_ = true;
}

void Stream::written(std::size_t n, int error) {
  writing_ = false;
  if (error < 0) return lose(socket_failure(-error));
  want_write();
  owner_.on_written(n);
}

void Stream::finish(peer::Millis patience) {
  until_ = loop_.now() + patience;
  switch (state_) {
    case State::dialling:
      dial_.reset();  // nothing was said that would have to arrive
      until_ = loop_.now();
      state_ = State::ending;
      break;
    case State::open: state_ = State::draining; break;
    case State::draining:
    case State::ending:
    case State::closed: return;
  }
  patience_ = std::make_unique<Timer>(loop_, [this] { lose(""); });
  patience_->at(until_);
  resume_reading();
  want_write();
}

// Nothing is queued in libuv, so the system call does all that uv_shutdown would,
// with no request to keep.
void Stream::say_end() {
  if (other_ended_) return lose("");  // the closing says it
  ::shutdown(node_->fd(), SHUT_WR);
  state_ = State::ending;
  patience_->at(std::min(until_, loop_.now() + linger));
}

// The one way to the end. The owner may destroy the stream in the call.
void Stream::lose(std::string why) {
  state_ = State::closed;
  let_go();
  owner_.on_closed(why);
}

void Stream::let_go() {
  loop_.forget(*this);
  dial_.reset();
  patience_.reset();
  if (node_) std::exchange(node_, nullptr)->close();
}

peer::Address Stream::remote() const { return node_ ? remote_address(node_->fd()) : peer::Address{"?", 0}; }

}  // namespace io
