#include "src/io/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include <uv.h>

#include <cassert>
#include <cerrno>
#include <utility>

namespace io {

namespace {

// What the kernel may hold of us unsent. Control frames are handed over ahead
// of bulk chat, but nothing overtakes what the kernel has: with megabytes
// waiting there a ping would come too late and a good link be taken for lost.
constexpr int unsent_bytes_max = 128 * 1024;

std::string no_answer_within(peer::Millis timeout) {
  const auto ms = timeout.count();
  return "no answer within " + (ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms");
}

}  // namespace

// One socket on its way to one address; polled for writing. The node lives
// until libuv has closed its handle.
struct Dial::Attempt {
  uv_poll_t handle{};
  Dial* dial;
  Loop& loop;
  int fd;

  Attempt(Dial& by, int socket) : dial(&by), loop(by.loop_), fd(socket) {
    const int error = uv_poll_init(loop.raw(), &handle, fd);
    assert(error == 0);
    (void)error;
    handle.data = this;
    uv_poll_start(&handle, UV_WRITABLE, on_ready);
  }

  // Lets go of the socket, which stays open, and dies later.
  int release() {
    dial = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) noexcept { delete static_cast<Attempt*>(closed->data); });
    return std::exchange(fd, -1);
  }

  // libuv reports a refused or reset socket as EBADF; the socket knows better.
  static void on_ready(uv_poll_t* poll, int, int) noexcept {
    Attempt& attempt = *static_cast<Attempt*>(poll->data);
    attempt.loop.begin_turn();
    if (!attempt.dial) return;
    Dial& dial = *attempt.dial;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(attempt.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    const int fd = attempt.release();
    dial.attempt_ = nullptr;
    // A port of the ephemeral range that nobody listens on may, once in a while,
    // be given to the very socket that dials it, which then meets itself.
    if (error == 0 && local_address(fd) == remote_address(fd)) error = ECONNREFUSED;
    if (error == 0) return dial.finish(fd);
    ::close(fd);
    dial.failed(socket_failure(error));
  }
};

Dial::Dial(Loop& loop, const peer::Address& address, peer::Millis timeout, Done done)
    : loop_(loop),
      timeout_(timeout),
      deadline_(loop.now() + timeout),
      done_(std::move(done)),
      timer_(loop, [this] { failed(verdict_); }),
      verdict_(no_answer_within(timeout)) {
  if (auto end = literal_endpoint(address)) {
    ends_.push_back(*end);
    try_next();
  } else {
    timer_.at(deadline_);
    resolve_ =
        std::make_unique<Resolve>(loop, address, [this](Resolve::Answer answer) { resolved(std::move(answer)); });
  }
}

Dial::~Dial() {
  if (attempt_) ::close(attempt_->release());
}

void Dial::resolved(Resolve::Answer answer) {
  resolve_.reset();
  if (!answer) return finish(peer::Failure{answer.why()});
  ends_ = std::move(*answer);
  try_next();
}

void Dial::try_next() {
  const auto left = static_cast<peer::Micros::rep>(ends_.size() - next_);
  const Endpoint& end = ends_[next_++];
  const int fd = open_socket(end.storage.ss_family);
  if (fd >= 0) {
    const int bytes = unsent_bytes_max;
    static_cast<void>(setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes));
    if (::connect(fd, end.get(), end.size) == 0 || errno == EINPROGRESS) {
      attempt_ = new Attempt(*this, fd);
      verdict_ = no_answer_within(timeout_);
      timer_.at(loop_.now() + (deadline_ - loop_.now()) / left);
      return;
    }
  }
  // Known at once, told from the loop: `done` is never called from within the
  // constructor.
  verdict_ = socket_failure(errno);
  if (fd >= 0) ::close(fd);
  timer_.at(loop_.now());
}

void Dial::failed(const std::string& why) {
  if (attempt_) ::close(std::exchange(attempt_, nullptr)->release());
  if (next_ < ends_.size() && loop_.now() < deadline_) return try_next();
  finish(peer::Failure{why});
}

void Dial::finish(peer::Result<int> result) {
  timer_.stop();
  resolve_.reset();
  const Done done = std::move(done_);
  done(std::move(result));
}

}  // namespace io
