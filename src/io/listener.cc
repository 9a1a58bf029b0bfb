#include "src/io/listener.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cassert>
#include <cerrno>
#include <limits>
#include <utility>

#include "src/io/descriptors.h"
#include "src/io/resolve.h"
#include "src/io/socket.h"
#include "src/io/timer.h"

namespace io {

namespace {

constexpr int backlog = 4096;  // the kernel cuts it to net.core.somaxconn

// So many a turn, which take some 200 us with their greetings; the kernel keeps the rest.
constexpr int accepts_max = 32;

constexpr peer::Millis pause_when_full{100};

// What passes when others close something. libuv's own listener answers it by
// accepting and closing everyone who waits, and may spin where that fails; so
// the accepting is done here.
bool out_of_resources(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

peer::Failure failure(const peer::Address& address, int error) {
  return {to_string(address) + ": " + socket_failure(error)};
}

}  // namespace

Listener::Ticket::~Ticket() {
  if (node_) Stream::discard(node_);
}

std::unique_ptr<Stream> Listener::Ticket::take(Stream::Owner& owner, Stream::Share share) {
  assert(node_);
  std::unique_ptr<Stream> stream(new Stream(loop_, owner, share));
  stream->start(std::exchange(node_, nullptr));
  return stream;
}

// Outlives its Listener until libuv has closed the handle, and the call with it.
struct Listener::Node {
  uv_poll_t handle{};
  Loop& loop;
  int fd;
  OnAccept call;
  Reserve reserve;
  Timer resume;
  bool is_short = false;  // of descriptors: someone may be waiting
  bool stopped = false;   // nobody is to be accepted
  bool cut = false;

  Node(Loop& on, int socket, OnAccept to_call, Reserve what_to_do)
      : loop(on), fd(socket), call(std::move(to_call)), reserve(what_to_do), resume(on, [this] {
          accept_from_now_on();
        }) {
    const int error = uv_poll_init(loop.raw(), &handle, fd);
    assert(error == 0);
    (void)error;
    handle.data = this;
    accept_from_now_on();
  }

  void accept_from_now_on() {
    if (!stopped) uv_poll_start(&handle, UV_READABLE, on_ready);
  }

  void stop() {
    stopped = true;
    uv_poll_stop(&handle);
    set_short(false);
  }

  void pause() {
    uv_poll_stop(&handle);
    resume.at(loop.now() + pause_when_full);
  }

  void set_short(bool now) {
    if (std::exchange(is_short, now) != now) loop.shortage(now);
  }

  // All that the process had when it opened this socket lies below it.
  std::size_t mark() const {
    if (reserve == Reserve::used) return std::numeric_limits<std::size_t>::max();
    return descriptor_mark(descriptor_limit(), static_cast<std::size_t>(fd) + 1);
  }

  bool someone_waits() const {
    pollfd ready{fd, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
  }

  // A connection; or -1 and errno: EAGAIN where nobody waits, also when there
  // would be no room (where the kernel looks first for room, and says so).
  int accept(std::size_t mark) const {
    const bool room = reserve == Reserve::used || next_descriptor(fd) < mark;
    errno = EMFILE;
    const int got = room ? ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
    if (got < 0 && out_of_resources(errno) && !someone_waits()) errno = EAGAIN;
    return got;
  }

  static void on_ready(uv_poll_t* poll, int status, int) noexcept {
    Node& node = *static_cast<Node*>(poll->data);
    node.loop.begin_turn();
    if (node.cut) return;
    if (status != 0) return node.pause();
    const std::size_t mark = node.mark();
    for (int i = 0; i < accepts_max && !node.cut && !node.stopped; ++i) {
      const int fd = node.accept(mark);
      if (fd >= 0) {
        Ticket ticket(node.loop, Stream::adopt(node.loop, fd));
        node.call(ticket);
      } else if (errno == EAGAIN) {
        return node.set_short(false);
      } else if (out_of_resources(errno)) {
        node.pause();
        return node.set_short(true);
      }
      // Anything else befell one connection that is gone already (accept(2)).
    }
  }
};

namespace {

// -1 and errno.
int adopt(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) return -1;
  if (listens == 0 || local_address(fd).port == 0) {
    errno = EINVAL;
    return -1;
  }
  set_options(fd);
  const int flags = fcntl(fd, F_GETFL);
  return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? -1 : fd;
}

peer::Result<int> bind_and_listen(const peer::Address& address) {
  const Resolve::Answer ends = Resolve::now(address);
  if (!ends) return peer::Failure{to_string(address) + ": " + ends.why()};
  const Endpoint& end = ends->front();
  // Linux hands the options of a listening socket down to those it accepts.
  const int fd = open_socket(end.storage.ss_family);
  if (fd < 0) return failure(address, errno);
  const int on = 1;  // a restart must not wait for the connections of the last life to be forgotten
  static_cast<void>(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  if (::bind(fd, end.get(), end.size) != 0 || ::listen(fd, backlog) != 0) {
    const int error = errno;
    ::close(fd);
    return failure(address, error);
  }
  return fd;
}

}  // namespace

peer::Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const Place& place, OnAccept call, Reserve reserve) {
  int fd = place.socket;
  if (fd < 0) {
    const peer::Result<int> bound = bind_and_listen(place.address);
    if (!bound) return peer::Failure{bound.why()};
    fd = *bound;
  } else if (adopt(fd) < 0) {
    ::close(fd);
    return peer::Failure{"the socket that was handed in for it is no listening TCP socket"};
  }
  return std::unique_ptr<Listener>(new Listener(new Node(loop, fd, std::move(call), reserve)));
}

Listener::Listener(Node* node) : node_(node) {}

Listener::~Listener() {
  node_->cut = true;
  node_->set_short(false);
  node_->resume.stop();
  uv_close(reinterpret_cast<uv_handle_t*>(&node_->handle),
           [](uv_handle_t* closed) noexcept { delete static_cast<Node*>(closed->data); });
  ::close(node_->fd);
}

void Listener::pause() { node_->stop(); }

int Listener::socket() const { return node_->fd; }

peer::Address Listener::address() const { return local_address(node_->fd); }

}  // namespace io
