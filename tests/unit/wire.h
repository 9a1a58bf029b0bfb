// Client sessions without sockets, for tests: a world with a desk and a clock, and
// connections whose bytes lie there until the test says that the kernel took them.
#pragma once

#include <check.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "src/client/session.h"
#include "tests/unit/fake_desk.h"

inline client::SessionSettings usual() {
  client::SessionSettings settings;
  settings.node = "n1";
  settings.version = "1.2.3";
  return settings;
}

struct World {
  explicit World(client::SessionSettings settings = usual())
      : commons(std::move(settings), peer::Incarnation{1}, desk, chance) {
    commons.clock.now = std::chrono::seconds(100);
    commons.clock.wall_ms = 1700000000000;
  }
  peer::SeededChance chance{1};
  FakeDesk desk;
  client::Commons commons;
};

// A connection without a socket: what the session writes lies in `out` until
// the test says that the kernel took it.
class Wire : public client::Port {
 public:
  explicit Wire(World& world) : world_(world), session(world.commons, *this) { session.greet(); }

  void want_write() override { wants_write = true; }
  void want_review() override { wants_review = true; }
  void want_turn(peer::Time when) override {
    ck_assert(!std::exchange(wants_turn, true));
    turn_at = when;
  }
  void want_ticks() override { ck_assert(!std::exchange(ticked, true)); }
  void want_watch() override { ck_assert(!std::exchange(watched, true)); }
  void pause_reading() override { ck_assert(!std::exchange(paused, true)); }
  void resume_reading() override { ck_assert(std::exchange(paused, false)); }
  void finish(peer::Millis at_most) override {
    ck_assert_msg(!std::exchange(finished, true), "finished twice");
    patience = at_most;
  }

  // As one read brings them: the padding behind is not the session's to understand.
  void bytes(std::string_view text) {
    std::string buffer(text);
    buffer.append(client::line_padding, '}');
    session.on_bytes(std::string_view(buffer).substr(0, text.size()));
  }
  void line(std::string_view text) { bytes(std::string(text) + "\n"); }

  // The end of a turn, in which the kernel takes `most` bytes.
  void flush(std::size_t most = ~std::size_t{0}) {
    for (;;) {
      if (full_.empty()) session.fill(full_);
      if (full_.empty() || most == 0) break;
      const std::size_t n = std::min(most, full_.size());
      out += full_.view().substr(0, n);
      full_.consume(n);
      most -= n;
      session.on_written(n);
    }
    if (std::exchange(wants_review, false)) session.review();
  }

  // The next turn, in which nothing came, and for which the session waits if it must.
  void turn() {
    if (wants_turn) world_.commons.clock.now = std::max(world_.commons.clock.now, turn_at);
    if (std::exchange(wants_turn, false)) session.go_on();
    flush();
  }

  // What the door's timers do.
  void tick() {
    if (ticked) ticked = session.tick();
  }
  void watch() {
    if (watched) watched = session.watch();
  }

  // What came out since the last time.
  std::string heard() {
    flush();
    return std::exchange(out, {});
  }

  World& world_;
  bool wants_write = false;
  bool wants_review = false;
  bool wants_turn = false;
  peer::Time turn_at{0};  // while it wants one
  bool ticked = false;
  bool watched = false;
  bool paused = false;
  bool finished = false;
  peer::Millis patience{0};
  std::string out;
  peer::Buffer full_;
  client::Session session;
};

inline const std::string hello = R"({"cmd":"hello","server":"crosstalkd/1.2.3","node":"n1","proto":1})"
                                 "\n";

inline std::string login(std::string_view name) { return R"({"cmd":"login","name":")" + std::string(name) + "\"}"; }

inline std::string chat_to(std::string_view name, std::string_view rest) {
  return R"({"cmd":"chat","recv":")" + std::string(name) + "\"," + std::string(rest) + "}";
}

// A user whose login was answered.
struct User : Wire {
  User(World& world, std::string_view name) : Wire(world) {
    line(login(name));
    ck_assert(session.logged_in());
    heard();
  }
};

inline void expect(const char* sentence, std::string_view found, std::string_view expected) {
  ck_assert_msg(found == expected, "%s\nexpected:\n%s\nfound:\n%s", sentence, std::string(expected).c_str(),
                std::string(found).c_str());
}
