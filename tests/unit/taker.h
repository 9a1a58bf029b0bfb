// Someone who takes the connections of a listener, and the other ends.
#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "src/io/listener.h"
#include "src/io/stream.h"

// A blocking connection to a port of ours, from outside the loop.
inline int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  ck_assert_int_eq(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return fd;
}

struct Taker final : io::Stream::Owner {
  void on_bytes(std::string_view bytes) noexcept override {
    heard += bytes;
    if (when_heard) when_heard();
  }
  void on_closed(std::string_view) noexcept override { closed = true; }
  void fill(peer::Buffer&) noexcept override {}
  std::unique_ptr<io::Stream> stream;
  std::string heard;
  std::function<void()> when_heard;
  bool closed = false;
};

inline std::unique_ptr<io::Listener> listen_on(io::Loop& loop, io::Listener::OnAccept call,
                                               io::Listener::Reserve reserve = io::Listener::Reserve::kept) {
  auto listener = io::Listener::open(loop, {{"127.0.0.1", 0}}, std::move(call), reserve);
  ck_assert_msg(static_cast<bool>(listener), "%s", listener ? "" : listener.why().c_str());
  return std::move(*listener);
}
