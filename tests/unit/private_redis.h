// A redis-server of a test's own, on a port of its own, and raw connections to
// it. It dies with the test's process, however that ends.
#pragma once

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

// A blocking TCP connection for a test's other end. -1 where refused.
inline int raw_connect(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return fd;
  close(fd);
  return -1;
}

// A listening socket that a test accepts from by hand.
class RawListener {
 public:
  RawListener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ck_assert_int_eq(bind(fd_, reinterpret_cast<sockaddr*>(&at), size), 0);
    ck_assert_int_eq(listen(fd_, 64), 0);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
  }
  ~RawListener() { close(fd_); }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  std::uint16_t port() const { return port_; }
  int accept() const { return accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); }  // -1: nobody waits

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

class PrivateRedis {
 public:
  explicit PrivateRedis(std::vector<std::string> more = {}) : more_(std::move(more)) {
    // Between finding a free port and taking it another program may be faster.
    for (int i = 0; i < 10; ++i) {
      port_ = RawListener().port();
      if (try_start()) return;
    }
    ck_abort_msg("redis-server does not start");
  }
  ~PrivateRedis() { kill_now(); }
  PrivateRedis(const PrivateRedis&) = delete;
  PrivateRedis& operator=(const PrivateRedis&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  pid_t pid() const { return pid_; }

  // One inline command; its answer as it comes, at least a line of it.
  std::string say(const std::string& line) const {
    const int fd = raw_connect(port_);
    ck_assert_int_ge(fd, 0);
    std::string answer = exchange(fd, line);
    close(fd);
    return answer;
  }

  // The same on a connection there is.
  static std::string exchange(int fd, const std::string& line) {
    const std::string bytes = line + "\r\n";
    std::string answer;
    if (send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) return answer;
    char buffer[4096];
    while (answer.find('\n') == std::string::npos) {
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      answer.append(buffer, static_cast<std::size_t>(n));
    }
    return answer;
  }

  // SHUTDOWN NOSAVE, and the process is gone.
  void shut_down() {
    say("SHUTDOWN NOSAVE");
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // As a crash or a kill -9 ends it.
  void shut_down_hard() { kill_now(); }

  // On the same port, with what it has written to its files.
  void start_again() { ck_assert_msg(try_start(), "redis-server does not start again"); }

 private:
  void kill_now() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // Starts it and waits until it answers; false where it exits instead.
  bool try_start() {
    std::vector<std::string> argv{
        "redis-server", "--port", std::to_string(port_), "--bind",   "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir",        "/tmp",   "--logfile",           "/dev/null"};
    argv.insert(argv.end(), more_.begin(), more_.end());
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      execvp(words[0], words.data());
      _exit(127);
    }
    for (int i = 0; i < 2000; ++i) {
      if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
        pid_ = -1;
        return false;
      }
      const int fd = raw_connect(port_);
      // PONG, or NOAUTH where there is a password: it speaks.
      const bool speaks = fd >= 0 && !exchange(fd, "PING").empty();
      if (fd >= 0) close(fd);
      if (speaks) return true;
      const timespec moment{0, 5'000'000};
      nanosleep(&moment, nullptr);
    }
    kill_now();
    return false;
  }

  std::vector<std::string> more_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};
