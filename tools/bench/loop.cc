#include "tools/bench/loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace bench {

namespace {

constexpr std::size_t read_bytes_max = 256 * 1024;
constexpr std::size_t events_max = 512;

sigset_t interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Loop::Loop(const Dialect& dialect, Owner& owner)
    : dialect_(dialect), owner_(owner), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(read_bytes_max) {
  const sigset_t set = interrupts();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, signals_, &event);
}

Loop::~Loop() {
  ::close(signals_);
  ::close(epoll_);
}

std::string Loop::dial(Client& client, const Place& place) {
  client.socket = socket(place.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client.socket < 0) return std::strerror(errno);
  const int one = 1;
  setsockopt(client.socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (place.loopback) {
    if (std::string why = bind_source(client); !why.empty()) {
      close(client);
      return why;
    }
  }
  const auto* const address = reinterpret_cast<const sockaddr*>(&place.address);
  if (connect(client.socket, address, place.size) < 0 && errno != EINPROGRESS) {
    std::string why = std::strerror(errno);
    close(client);
    return why;
  }
  client.state = Client::State::dialling;
  client.writing = true;
  watch(client, EPOLL_CTL_ADD);
  return {};
}

// The port is chosen by connect(), so that only the whole way has to be unique.
std::string Loop::bind_source(const Client& client) const {
  const int one = 1;
  setsockopt(client.socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  const sockaddr_storage source = loopback_source(client.serial);
  const bool bound = bind(client.socket, reinterpret_cast<const sockaddr*>(&source), sizeof(sockaddr_in)) == 0;
  return bound ? std::string() : std::strerror(errno);
}

void Loop::close(Client& client) {
  if (client.socket >= 0) {
    const linger reset{1, 0};
    setsockopt(client.socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::close(client.socket);
  }
  client.socket = -1;
  client.state = Client::State::closed;
  client.writing = false;
  client.out.clear();
  client.out_at = 0;
  client.partial.clear();
  client.content_at = 0;
  client.to_confirm = client.confirmed = 0;
}

void Loop::lose(Client& client, std::string why) {
  if (!client.farewell.empty()) why = std::exchange(client.farewell, {});
  const Client::State before = client.state;
  close(client);
  owner_.lost(client, before, why);
}

void Loop::watch(Client& client, int operation) {
  epoll_event event{};
  event.events = (client.deaf ? EPOLLRDHUP : EPOLLIN) | (client.writing ? EPOLLOUT : 0U);
  event.data.ptr = &client;
  epoll_ctl(epoll_, operation, client.socket, &event);
}

void Loop::listen(Client& client, bool listens) {
  if (client.deaf == !listens) return;
  client.deaf = !listens;
  if (client.socket >= 0) watch(client, EPOLL_CTL_MOD);
}

void Loop::sip(Client& client, std::size_t bytes) {
  if (client.state != Client::State::ready) return;
  if (recv(client.socket, buffer_.data(), std::min(bytes, buffer_.size()), 0) == 0) lose(client, "it hung up");
}

// Writing may mark nothing, but losing a client may.
void Loop::write_marked() {
  for (std::size_t i = 0; i < marked_.size(); ++i) {
    marked_[i]->marked = false;
    write(*marked_[i]);
  }
  marked_.clear();
}

void Loop::write(Client& client) {
  if (client.state == Client::State::closed || client.state == Client::State::dialling) return;
  while (client.waiting() > 0) {
    const ssize_t sent = send(client.socket, client.out.data() + client.out_at, client.waiting(), MSG_NOSIGNAL);
    if (sent >= 0) {
      client.out_at += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      return lose(client, std::strerror(errno));
    }
  }
  const bool left = client.waiting() > 0;
  if (!left) {
    client.out.clear();
    client.out_at = 0;
  }
  if (left == client.writing) return;
  client.writing = left;
  watch(client, EPOLL_CTL_MOD);
}

void Loop::turn(Nanos until) {
  write_marked();
  const Nanos begin = now();
  const Nanos wait = until > begin ? until - begin : 0;
  const timespec timeout{static_cast<time_t>(wait / second), static_cast<long>(wait % second)};
  std::array<epoll_event, events_max> events;
  const int count = epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr)
      take_signal();
    else
      take_event(*static_cast<Client*>(event.data.ptr), event.events);
  }
}

void Loop::take_signal() {
  signalfd_siginfo signal{};
  if (::read(signals_, &signal, sizeof signal) != sizeof signal) return;
  interrupted_ = true;
  const sigset_t set = interrupts();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

// An event of a connection that was closed in this turn, by another's, is none.
void Loop::take_event(Client& client, std::uint32_t events) {
  if (client.state == Client::State::closed) return;
  if (client.state == Client::State::dialling) return take_connected(client);
  if (client.deaf && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) return lose(client, "it hung up");
  if (!client.deaf && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read(client);
  if ((events & EPOLLOUT) != 0 && client.socket >= 0) mark(client);
}

void Loop::take_connected(Client& client) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(client.socket, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return lose(client, std::strerror(error));
  client.state = Client::State::greeting;
  client.out = dialect_.greeting(client);
  mark(client);
}

void Loop::read(Client& client) {
  const std::size_t had = client.partial.size();
  if (had > buffer_.size() / 2) return lose(client, "it sends a message without an end");
  std::copy(client.partial.begin(), client.partial.end(), buffer_.begin());
  const ssize_t got = recv(client.socket, buffer_.data() + had, buffer_.size() - had, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return lose(client, got == 0 ? "it hung up" : std::strerror(errno));
  read_at_ = now();
  const std::string_view bytes(buffer_.data(), had + static_cast<std::size_t>(got));
  const std::size_t taken = dialect_.read(client, bytes, owner_);
  if (client.state == Client::State::closed) return;
  client.partial.assign(bytes.substr(taken));
  if (client.waiting() > 0) mark(client);
}

}  // namespace bench
