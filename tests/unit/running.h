// A loop that is run until something is so; the test fails where it never is,
// and where a handle or a socket is left open at the end. Declared first in a
// test, so that all else is gone by then.
#pragma once

#include <check.h>
#include <sys/stat.h>

#include <functional>
#include <string>
#include <utility>

#include "src/io/loop.h"
#include "src/io/timer.h"

class Running {
 public:
  // Generous: other programs may keep both cores busy.
  static constexpr peer::Millis patience{20'000};

  Running() = default;
  ~Running() {
    ck_assert_msg(loop.close(), "a handle was left open");
    ck_assert_msg(open_sockets() == sockets_before_, "a socket was left open");
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  io::Loop loop;
  std::function<void()> each_turn;

  void until(const char* what, std::function<bool()> so) {
    io::Timer late(loop, [what] { ck_abort_msg("never came about: %s", what); });
    late.at(loop.now() + patience);
    bool is_so = so();
    loop.on_turn_end([this, &so, &is_so] {
      if (each_turn) each_turn();
      if (!is_so && so()) is_so = true;
      if (is_so) loop.stop();
    });
    if (!is_so) loop.run();
    loop.on_turn_end({});
    ck_assert_msg(is_so, "never came about: %s", what);
  }

  void until_later(peer::Millis span) {
    bool over = false;
    io::Timer timer(loop, [&over] { over = true; });
    timer.at(loop.now() + span);
    until("time passes", [&over] { return over; });
  }

 private:
  static int open_sockets() {
    int n = 0;
    struct stat about {};
    for (int fd = 3; fd < 256; ++fd) n += fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode);
    return n;
  }

  const int sockets_before_ = open_sockets();
};
