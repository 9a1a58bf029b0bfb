// A bare relay: two processes with one connection between them, which carry what
// clients of the one write to clients of the other, and look at nothing but the head of
// each frame. Two hops and no parsing: what the machine itself takes for a message, to
// compare servers with.
//
// On loopback only, without bounds or manners; to be measured, and for nothing else.
// Everything that came in one turn is written at its end, once for each connection.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "tools/bench/commands.h"
#include "tools/bench/crowd.h"
#include "tools/bench/frame.h"

namespace bench {

namespace {

constexpr std::uint32_t serials_max = 1'000'000;

struct End {
  int socket;
  bool link = false;
  bool marked = false;
  bool writing = false;  // the kernel has no room
  std::uint32_t serial = 0;
  std::string partial{};
  std::string out{};
};

class Half {
 public:
  Half(int listener, int link) : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(256 * 1024) {
    watch(EPOLL_CTL_ADD, listener_, nullptr, EPOLLIN);
    link_ = adopt(link);
    link_->link = true;
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    while (true) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        auto* const end = static_cast<End*>(event.data.ptr);
        if (end == nullptr) {
          accept_all();
          continue;
        }
        if ((event.events & EPOLLOUT) != 0) mark(*end);
        if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read(*end);
      }
      for (End* const end : marked_) write(*end);
      marked_.clear();
    }
  }

 private:
  void watch(int operation, int socket, End* end, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = end;
    epoll_ctl(epoll_, operation, socket, &event);
  }

  End* adopt(int socket) {
    const int one = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    auto* const end = new End{socket};
    watch(EPOLL_CTL_ADD, socket, end, EPOLLIN);
    return end;
  }

  void accept_all() {
    for (int socket; (socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) adopt(socket);
  }

  void mark(End& end) {
    if (!end.marked) marked_.push_back(&end);
    end.marked = true;
  }

  void read(End& end) {
    if (end.socket < 0) return;
    const std::size_t had = end.partial.size();
    std::copy(end.partial.begin(), end.partial.end(), buffer_.begin());
    const ssize_t got = recv(end.socket, buffer_.data() + had, buffer_.size() - had, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return drop(end);
    const std::string_view bytes(buffer_.data(), had + static_cast<std::size_t>(got));
    std::size_t at = 0;
    while (bytes.size() - at >= frame_head_bytes) {
      const FrameHead head = read_frame_head(bytes.substr(at));
      if (head.size > frame_size_max) return drop(end);
      if (bytes.size() - at < frame_head_bytes + head.size) break;
      take(end, head, bytes.substr(at, frame_head_bytes + head.size));
      at += frame_head_bytes + head.size;
    }
    end.partial.assign(bytes.substr(at));
  }

  void take(End& from, const FrameHead& head, std::string_view frame) {
    if (!from.link && head.size == 0) {
      if (head.to >= serials_max) return;
      if (head.to >= by_serial_.size()) by_serial_.resize(head.to + std::size_t{1});
      from.serial = head.to;
      by_serial_[head.to] = &from;
      append(from, frame);
    } else if (!from.link) {
      append(*link_, frame);
    } else if (head.to < by_serial_.size() && by_serial_[head.to] != nullptr) {
      append(*by_serial_[head.to], frame);
    }
  }

  void append(End& to, std::string_view frame) {
    to.out += frame;
    mark(to);
  }

  void write(End& end) {
    end.marked = false;
    if (end.socket < 0) {
      delete &end;
      return;
    }
    const ssize_t sent = send(end.socket, end.out.data(), end.out.size(), MSG_NOSIGNAL);
    end.out.erase(0, static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    if (end.out.empty() != end.writing) return;
    end.writing = !end.out.empty();
    watch(EPOLL_CTL_MOD, end.socket, &end, end.writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  // Freed at the end of the turn. Without the other half there is nothing left to do.
  void drop(End& end) {
    if (end.link) std::exit(0);
    if (end.serial < by_serial_.size() && by_serial_[end.serial] == &end) by_serial_[end.serial] = nullptr;
    close(end.socket);
    end.socket = -1;
    mark(end);
  }

  int listener_;
  int epoll_;
  End* link_ = nullptr;
  std::vector<End*> by_serial_;
  std::vector<End*> marked_;
  std::vector<char> buffer_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Listens; -1 where it can't.
int listen_on(std::uint16_t port, int flags) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  const int one = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const sockaddr_in address = loopback(port);
  const bool bound = bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return bound && listen(listener, 4096) == 0 ? listener : -1;
}

std::uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// TCP like between nodes, not a pipe.
bool connect_halves(int& one, int& other) {
  const int listener = listen_on(0, 0);
  const sockaddr_in address = loopback(port_of(listener));
  one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(one, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  other = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  close(listener);
  fcntl(one, F_SETFL, O_NONBLOCK);
  return other >= 0;
}

}  // namespace

Ending run_relay(const Invocation& invocation) {
  if (Ending failed = Crowd::make_room(20'000); failed && Crowd::make_room(1000)) return failed;
  std::array<int, 2> listeners{};
  for (std::size_t i = 0; i < 2; ++i) {
    listeners[i] = listen_on(invocation.ports[i], SOCK_NONBLOCK);
    if (listeners[i] < 0)
      return Error{Exit::failed, "127.0.0.1:" + std::to_string(invocation.ports[i]) + ": " + std::strerror(errno)};
  }
  std::array<int, 2> links{};
  if (!connect_halves(links[0], links[1])) return Error{Exit::failed, std::string("loopback: ") + std::strerror(errno)};
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return Error{Exit::failed, std::string("fork: ") + std::strerror(errno)};
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) std::exit(0);
    close(listeners[0]);
    close(links[0]);
    Half(listeners[1], links[1]).run();
  }
  std::printf("{\"nodes\":\"127.0.0.1:%u,127.0.0.1:%u\",\"pids\":\"%d,%d\"}\n", port_of(listeners[0]),
              port_of(listeners[1]), static_cast<int>(parent), static_cast<int>(child));
  std::fflush(stdout);
  close(listeners[1]);
  close(links[1]);
  Half(listeners[0], links[0]).run();
}

}  // namespace bench
