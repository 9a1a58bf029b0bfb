// Connections: dialling, bytes both ways, every way to end, and that nothing
// is called or leaked after an end.
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "src/io/listener.h"
#include "src/io/stream.h"
#include "tests/unit/running.h"
#include "tests/unit/suite.h"

namespace {

// What "scripted.test" resolves to. "hangs.test" is not answered for 10 s.
std::vector<std::string> scripted_addresses;

}  // namespace

// In place of the C library's, for libuv too: no test depends on the resolver
// of the machine.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints, addrinfo** list) {
  using Real = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "getaddrinfo"));
  const std::string_view name = node;
  if (name == "hangs.test") std::this_thread::sleep_for(std::chrono::seconds(10));
  if (name == "localhost") return real("127.0.0.1", service, hints, list);
  if (name != "scripted.test") return EAI_NONAME;
  addrinfo** end = list;
  for (const std::string& address : scripted_addresses) {
    ck_assert_int_eq(real(address.c_str(), service, hints, end), 0);
    end = &(*end)->ai_next;
  }
  return 0;
}

namespace {

using peer::Millis;

constexpr std::size_t mebi = std::size_t{1} << 20U;

// One end of a connection, scripted by a test.
struct End final : io::Stream::Owner {
  void on_open() noexcept override {
    opened = true;
    if (when_open) when_open();
  }
  void on_bytes(std::string_view bytes) noexcept override {
    heard += bytes.size();
    if (when_bytes) when_bytes(bytes);
  }
  void on_closed(std::string_view why) noexcept override {
    ck_assert_msg(!closed, "closed twice");
    closed = why;
    if (when_closed) when_closed();
  }
  void fill(peer::Buffer& out) noexcept override {
    if (when_fill) when_fill();
    const std::size_t n = std::min(to_say.size(), fill_max);
    out.append(to_say.view().substr(0, n));
    to_say.consume(n);
    filled += n;
  }
  void on_written(std::size_t n) noexcept override {
    written += n;
    if (when_written) when_written();
  }

  void say(std::string_view bytes) {
    to_say.append(bytes);
    stream->want_write();
  }
  bool is_closed() const { return closed.has_value(); }

  std::unique_ptr<io::Stream> stream;
  peer::Buffer to_say;
  std::size_t fill_max = 65536;
  std::size_t heard = 0, filled = 0, written = 0;
  bool opened = false;
  std::optional<std::string> closed;
  std::function<void()> when_open, when_closed, when_fill, when_written;
  std::function<void(std::string_view)> when_bytes;
};

// A dialled end and an accepted one.
struct Pair {
  explicit Pair(Running& running, io::Stream::Share share = io::Stream::Share::many) : run(running) {
    auto opened = io::Listener::open(run.loop, {{"127.0.0.1", 0}}, [this, share](io::Listener::Ticket& ticket) {
      there.stream = ticket.take(there, share);
    });
    ck_assert(static_cast<bool>(opened));
    listener = std::move(*opened);
    here.stream = io::Stream::dial(run.loop, listener->address(), Millis(5000), here);
  }
  void connect() {
    run.until("both ends are up", [this] { return here.opened && there.stream; });
  }

  Running& run;
  std::unique_ptr<io::Listener> listener;
  End here, there;
};

// A socket outside of the loop that listens and never accepts.
struct Deaf {
  explicit Deaf(int backlog, in_addr_t host = INADDR_LOOPBACK, std::uint16_t port = 0)
      : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(host);
    at.sin_port = htons(port);
    socklen_t size = sizeof at;
    ck_assert_int_eq(bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  }
  ~Deaf() {
    for (const int one : waiting) close(one);
    close(fd);
  }
  // Its backlog is full: a further dial is swallowed.
  void fill_up() {
    for (int i = 0; i < 8; ++i) {
      waiting.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      static_cast<void>(connect(waiting.back(), reinterpret_cast<sockaddr*>(&at), sizeof at));
    }
  }
  int accept() const { return ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC); }
  peer::Address address() const { return {"127.0.0.1", ntohs(at.sin_port)}; }

  int fd;
  sockaddr_in at{};
  std::vector<int> waiting;
};

// A port on which nobody listens.
peer::Address nobody() { return Deaf(1).address(); }

char pattern(std::size_t i) { return static_cast<char>((i * 2654435761U) >> 13U); }

std::string pattern_from(std::size_t begin, std::size_t n) {
  std::string bytes(n, 0);
  for (std::size_t i = 0; i < n; ++i) bytes[i] = pattern(begin + i);
  return bytes;
}

// Dialling.

START_TEST(a_dial_that_fails_says_why) {
  Deaf swallows(0);
  swallows.fill_up();
  const struct {
    const char* sentence;
    peer::Address address;
    std::string why;
  } rows[] = {
      {"nobody listens", nobody(), "connection refused"},
      {"the name does not exist", {"no-such-host.invalid", 9601}, "host not found: no-such-host.invalid"},
      {"the name can't exist", {std::string(300, 'x'), 9601}, "host not found: " + std::string(300, 'x')},
      {"the dial is swallowed", swallows.address(), "no answer within 1 s"},
      {"nobody listens under a name", {"localhost", nobody().port}, "connection refused"},
      {"an address nothing leads to", {"255.255.255.255", 9601}, "network unreachable"},
  };
  for (const auto& row : rows) {
    Running running;
    End end;
    end.stream = io::Stream::dial(running.loop, row.address, Millis(1000), end);
    ck_assert_msg(!end.is_closed(), "%s: told from inside the call", row.sentence);
    running.until(row.sentence, [&] { return end.is_closed(); });
    ck_assert_msg(*end.closed == row.why, "%s: %s", row.sentence, end.closed->c_str());
    ck_assert(!end.opened);
    ck_assert(end.stream->remote() == (peer::Address{"?", 0}));
  }
}
END_TEST

START_TEST(a_dial_can_be_given_up_at_any_point) {
  Deaf swallows(0);
  swallows.fill_up();
  const peer::Address rows[] = {nobody(), {"no-such-host.invalid", 9601}, swallows.address()};
  for (const auto& address : rows) {
    for (const bool at_once : {true, false}) {
      Running running;
      End end;
      end.stream = io::Stream::dial(running.loop, address, Millis(5000), end);
      io::Timer soon(running.loop, [&] { end.stream.reset(); });
      soon.at(running.loop.now());
      if (at_once) end.stream.reset();
      running.until("given up", [&] { return !end.stream; });
    }
  }
}
END_TEST

START_TEST(a_dial_by_name_tries_each_address_in_order) {
  Deaf swallows(0);
  swallows.fill_up();
  const struct {
    const char* sentence;
    std::vector<std::string> addresses;
    bool opens;
  } rows[] = {
      {"the first answers", {"127.0.0.1", "127.0.0.2"}, true},
      {"the first refuses", {"127.0.0.2", "127.0.0.1"}, true},
      {"two fail at once and one refuses", {"255.255.255.255", "255.255.255.255", "127.0.0.2", "127.0.0.1"}, true},
      {"the first swallows the dial", {"127.0.0.3", "127.0.0.1"}, true},
      {"none answers", {"127.0.0.2", "127.0.0.4"}, false},
  };
  for (const auto& row : rows) {
    Running running;
    // Only 127.0.0.1 listens at the port; at 127.0.0.3 somebody swallows it.
    End here, there;
    auto listener = io::Listener::open(running.loop, {{"127.0.0.1", 0}},
                                       [&](io::Listener::Ticket& ticket) { there.stream = ticket.take(there); });
    ck_assert(static_cast<bool>(listener));
    const std::uint16_t port = (*listener)->address().port;
    Deaf third(0, INADDR_LOOPBACK + 2, port);
    third.fill_up();
    scripted_addresses = row.addresses;
    here.stream = io::Stream::dial(running.loop, {"scripted.test", port}, Millis(1000), here);
    running.until(row.sentence, [&] { return here.opened || here.is_closed(); });
    ck_assert_msg(here.opened == row.opens, "%s: %s", row.sentence, here.closed.value_or("").c_str());
    if (!row.opens) ck_assert(*here.closed == "connection refused");
    if (row.opens) ck_assert(here.stream->remote() == (*listener)->address());
  }
}
END_TEST

START_TEST(a_look_up_that_hangs_holds_up_neither_the_dial_nor_the_end) {
  Running running;
  End end;
  end.stream = io::Stream::dial(running.loop, {"hangs.test", 1}, Millis(50), end);
  running.until("it is given up", [&] { return end.is_closed(); });
  ck_assert(*end.closed == "no answer within 50 ms");
  const auto start = std::chrono::steady_clock::now();
  ck_assert(running.loop.close());
  ck_assert(std::chrono::steady_clock::now() - start < std::chrono::seconds(8));
  _exit(0);  // as a process does that was told to stop
}
END_TEST

START_TEST(ipv6_works_where_there_is_any) {
  Running running;
  End here, there;
  auto listener = io::Listener::open(running.loop, {{"::1", 0}},
                                     [&](io::Listener::Ticket& ticket) { there.stream = ticket.take(there); });
  if (!listener) {
    ck_assert_msg(listener.why().starts_with("[::1]:0: "), "%s", listener.why().c_str());
    return;
  }
  here.stream = io::Stream::dial(running.loop, (*listener)->address(), Millis(5000), here);
  running.until("both ends are up", [&] { return here.opened && there.stream; });
  ck_assert(there.stream->remote().host == "::1");
}
END_TEST

START_TEST(every_connection_has_its_options) {
  Running running;
  Pair pair(running);
  pair.connect();
  int connected = 0;
  for (int fd = 3; fd < 64; ++fd) {
    sockaddr_in end{};
    socklen_t size = sizeof end;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&end), &size) != 0 || end.sin_family != AF_INET) continue;
    ++connected;
    const auto option = [fd](int level, int name) {
      int value = -1;
      socklen_t bytes = sizeof value;
      getsockopt(fd, level, name, &value, &bytes);
      return value;
    };
    ck_assert_int_eq(option(IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert_int_eq(option(SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(option(IPPROTO_TCP, TCP_USER_TIMEOUT), 60'000);
  }
  ck_assert_int_eq(connected, 2);
}
END_TEST

// Bytes.

START_TEST(megabytes_are_echoed_under_back_pressure) {
  Running running;
  Pair pair(running);
  pair.connect();
  constexpr std::size_t total = 24 * mebi;
  constexpr std::size_t waiting_max = mebi / 2;
  End& here = pair.here;
  End& there = pair.there;
  std::size_t said = 0, checked = 0;

  const auto say_more = [&] {
    while (said < total && here.to_say.size() < waiting_max) {
      const std::size_t n = std::min<std::size_t>(total - said, 50'000);
      here.say(pattern_from(said, n));
      said += n;
    }
  };
  here.when_written = say_more;
  there.when_bytes = [&](std::string_view bytes) {
    there.say(bytes);
    if (there.to_say.size() > waiting_max) there.stream->pause_reading();
  };
  there.when_written = [&] {
    if (there.to_say.size() < waiting_max / 2) there.stream->resume_reading();
  };
  here.when_bytes = [&](std::string_view bytes) {
    for (const char c : bytes) {
      if (c != pattern(checked++)) ck_abort_msg("byte %zu is wrong", checked - 1);
    }
  };
  // The reader dawdles: it reads in one turn out of three.
  int turn = 0;
  running.each_turn = [&] { ++turn % 3 == 0 ? here.stream->resume_reading() : here.stream->pause_reading(); };
  io::Timer keep_turning(running.loop, [] {});
  keep_turning.every(Millis(1));
  say_more();
  running.until("all came back", [&] { return checked == total && here.written == total; });
  ck_assert_uint_eq(here.filled, total);
  ck_assert_uint_eq(here.written, total);
  ck_assert_uint_eq(there.heard, total);
  ck_assert_uint_eq(there.written, total);
  ck_assert(!here.is_closed() && !there.is_closed());
}
END_TEST

START_TEST(a_flood_gets_its_share_of_a_turn_both_ways) {
  Running running;
  Pair pair(running);
  pair.connect();
  pair.here.say(std::string(16 * mebi, 'x'));
  pair.here.fill_max = 16 * 1024;
  std::size_t heard_before = 0, filled_before = 0;
  running.each_turn = [&] {
    ck_assert_uint_le(pair.there.heard - heard_before, 256 * 1024);
    ck_assert_uint_le(pair.here.filled - filled_before, 256 * 1024);
    heard_before = pair.there.heard;
    filled_before = pair.here.filled;
  };
  running.until("all has come", [&] { return pair.there.heard == 16 * mebi; });
}
END_TEST

START_TEST(somebody_is_read_less_of_than_who_speaks_for_many) {
  const struct {
    io::Stream::Share share;
    std::size_t most;
  } rows[] = {{io::Stream::Share::one, std::size_t{16} * 1024}, {io::Stream::Share::many, std::size_t{256} * 1024}};
  for (const auto& row : rows) {
    Running running;
    Pair pair(running, row.share);
    pair.connect();
    pair.here.say(std::string(4 * mebi, 'x'));
    std::size_t before = 0, most = 0;
    running.each_turn = [&] {
      most = std::max(most, pair.there.heard - before);
      before = pair.there.heard;
    };
    running.until("all has come", [&] { return pair.there.heard == 4 * mebi; });
    ck_assert_uint_le(most, row.most);
  }
}
END_TEST

START_TEST(nothing_is_read_while_paused) {
  Running running;
  Pair pair(running);
  pair.connect();
  pair.there.stream->pause_reading();
  pair.there.stream->pause_reading();
  pair.here.say("hello");
  running.until("it is with the kernel", [&] { return pair.here.written == 5; });
  running.until_later(Millis(20));
  ck_assert_uint_eq(pair.there.heard, 0);
  pair.there.stream->resume_reading();
  pair.there.stream->resume_reading();
  running.until("it is read", [&] { return pair.there.heard == 5; });
}
END_TEST

START_TEST(bytes_may_be_read_beyond) {
  Running running;
  Pair pair(running);
  pair.connect();
  unsigned sum = 0;
  pair.there.when_bytes = [&](std::string_view bytes) {
    for (std::size_t i = 0; i < 64; ++i) sum += static_cast<unsigned char>(bytes.data()[bytes.size() + i]);
    if (pair.there.heard >= mebi) pair.there.when_bytes = nullptr;
  };
  pair.here.say(std::string(mebi, 'x'));
  running.until("all is read", [&] { return pair.there.heard == mebi; });
  ck_assert_uint_ne(sum, 1);
}
END_TEST

// Ends.

START_TEST(a_stream_may_be_destroyed_in_each_of_its_calls) {
  enum class In { open, bytes, closed, fill, written, late_written };
  for (const In in : {In::open, In::bytes, In::closed, In::fill, In::written, In::late_written}) {
    Running running;
    Pair pair(running);
    End& here = pair.here;
    const auto destroy = [&here] { here.stream.reset(); };
    std::size_t bytes = 100;
    switch (in) {
      case In::open: here.when_open = destroy; break;
      case In::bytes: here.when_bytes = [&](std::string_view) { destroy(); }; break;
      case In::closed: here.when_closed = destroy; break;
      case In::fill: here.when_fill = destroy; break;
      case In::written: here.when_written = destroy; break;
      case In::late_written:  // by the write that libuv has
        here.fill_max = 32 * mebi;
        bytes = here.fill_max;
        here.when_written = [&] {
          if (here.written == here.filled) destroy();
        };
        break;
    }
    running.until("it is open, or gone", [&] { return pair.there.stream && (here.opened || !here.stream); });
    if (here.stream) here.say(std::string(bytes, 'x'));
    pair.there.say("hello");
    if (in == In::closed) pair.there.stream->finish(Millis(5000));
    running.until("it is gone", [&] { return !here.stream; });
    running.until("the other end has noticed", [&] { return pair.there.is_closed(); });
  }
}
END_TEST

START_TEST(a_write_under_way_dies_with_its_stream) {
  Running running;
  Pair pair(running);
  pair.connect();
  pair.there.stream->pause_reading();
  pair.here.fill_max = 32 * mebi;
  pair.here.say(std::string(32 * mebi, 'x'));
  running.until("some of it is written", [&] { return pair.here.written > 0; });
  ck_assert_uint_lt(pair.here.written, 32 * mebi);
  const std::size_t written = pair.here.written;
  pair.here.stream.reset();
  running.until_later(Millis(10));
  ck_assert_uint_eq(pair.here.written, written);
  ck_assert(!pair.here.is_closed());
}
END_TEST

START_TEST(the_other_side_may_close_in_good_order_or_not) {
  for (const bool reset : {false, true}) {
    Running running;
    Deaf deaf(8);
    End end;
    end.stream = io::Stream::dial(running.loop, deaf.address(), Millis(5000), end);
    const int other = deaf.accept();
    running.until("it is open", [&] { return end.opened; });
    const linger hard{1, 0};
    if (reset) setsockopt(other, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(other);
    running.until("it has ended", [&] { return end.is_closed(); });
    ck_assert_str_eq(end.closed->c_str(), reset ? "connection reset by the other side" : "");
  }
}
END_TEST

START_TEST(a_write_to_who_is_gone_ends_it_once) {
  Running running;
  Deaf deaf(8);
  End end;
  end.stream = io::Stream::dial(running.loop, deaf.address(), Millis(5000), end);
  const int other = deaf.accept();
  running.until("it is open", [&] { return end.opened; });
  end.stream->pause_reading();  // so that only writing tells
  const linger hard{1, 0};
  setsockopt(other, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close(other);
  end.say("is anybody there?");
  running.until("it has ended", [&] { return end.is_closed(); });
  ck_assert_str_ne(end.closed->c_str(), "");
  end.stream->want_write();
  end.stream->finish(Millis(100));
  running.until_later(Millis(5));
}
END_TEST

START_TEST(finish_brings_the_last_words_though_the_other_side_has_sent_on) {
  Running running;
  Deaf deaf(8);
  End end;
  end.stream = io::Stream::dial(running.loop, deaf.address(), Millis(5000), end);
  const int other = deaf.accept();
  running.until("it is open", [&] { return end.opened; });
  // The other side keeps talking and reads only once it is told of the end.
  end.when_bytes = [](std::string_view) { ck_abort_msg("bytes after finish"); };
  const std::string chatter(100'000, 'x');
  constexpr std::size_t last_words = 4 * mebi;
  end.say(std::string(last_words, 'y'));
  end.stream->pause_reading();  // does not outlast the end
  end.stream->finish(Millis(60'000));
  ck_assert_int_eq(send(other, chatter.data(), chatter.size(), MSG_DONTWAIT) > 0, 1);
  std::size_t heard = 0;
  bool told_end = false;
  std::vector<char> buffer(65536);
  io::Timer listen(running.loop, [&] {
    for (ssize_t n; !told_end && (n = recv(other, buffer.data(), buffer.size(), MSG_DONTWAIT)) >= 0;) {
      heard += static_cast<std::size_t>(n);
      told_end = n == 0;
    }
    ck_assert_msg(told_end || errno == EAGAIN, "the last words were cut off after %zu bytes", heard);
    if (!told_end) send(other, chatter.data(), chatter.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  listen.every(Millis(1));
  running.until("the other side has heard all", [&] { return told_end; });
  ck_assert_uint_eq(heard, last_words);
  ck_assert(!end.is_closed());
  close(other);
  running.until("it has ended", [&] { return end.is_closed(); });
  ck_assert_uint_eq(end.written, last_words);
}
END_TEST

START_TEST(finish_waits_no_longer_than_its_patience) {
  const struct {
    const char* sentence;
    std::size_t bytes;
  } rows[] = {
      {"the other side never ends", 5},
      {"the other side never reads", 32 * mebi},
  };
  for (const auto& row : rows) {
    Running running;
    Deaf deaf(8);
    End end;
    end.fill_max = row.bytes;
    end.stream = io::Stream::dial(running.loop, deaf.address(), Millis(5000), end);
    running.until("it is open", [&] { return end.opened; });
    end.say(std::string(row.bytes, 'x'));
    const peer::Time start = running.loop.now();
    end.stream->finish(Millis(100));
    end.stream->finish(Millis(10'000));  // the first word counts
    running.until(row.sentence, [&] { return end.is_closed(); });
    ck_assert_str_eq(end.closed->c_str(), "");
    ck_assert(running.loop.now() - start >= Millis(100));
    ck_assert(running.loop.now() - start < Millis(9000));
  }
}
END_TEST

START_TEST(finish_before_the_dial_is_through_ends_it) {
  Running running;
  Pair pair(running);
  pair.here.stream->finish(Millis(5000));
  ck_assert(!pair.here.is_closed());
  running.until("it has ended", [&] { return pair.here.is_closed(); });
  ck_assert(!pair.here.opened);
}
END_TEST

START_TEST(who_has_said_all_may_still_hear_ours) {
  Running running;
  Deaf deaf(8);
  End end;
  end.fill_max = 32 * mebi;
  end.stream = io::Stream::dial(running.loop, deaf.address(), Millis(5000), end);
  const int other = deaf.accept();
  running.until("it is open", [&] { return end.opened; });
  end.say(std::string(8 * mebi, 'x'));
  end.stream->finish(Millis(60'000));
  running.until("some is written", [&] { return end.written > 0 || end.filled == 8 * mebi; });
  shutdown(other, SHUT_WR);
  running.until_later(Millis(10));
  std::size_t heard = 0;
  std::vector<char> buffer(65536);
  io::Timer listen(running.loop, [&] {
    for (ssize_t n; (n = recv(other, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;)
      heard += static_cast<std::size_t>(n);
  });
  listen.every(Millis(1));
  running.until("it has heard all", [&] { return heard == 8 * mebi; });
  running.until("and that is the end", [&] { return end.is_closed(); });
  ck_assert_str_eq(end.closed->c_str(), "");
  close(other);
}
END_TEST

START_TEST(an_idle_stream_is_small) {
  // The handle's node (libuv's 248 bytes and two pointers) comes on top.
  ck_assert_uint_le(sizeof(io::Stream), 80);
}
END_TEST

}  // namespace

SUITE(a_dial_that_fails_says_why, a_dial_can_be_given_up_at_any_point, a_dial_by_name_tries_each_address_in_order,
      a_look_up_that_hangs_holds_up_neither_the_dial_nor_the_end, ipv6_works_where_there_is_any,
      every_connection_has_its_options, megabytes_are_echoed_under_back_pressure,
      a_flood_gets_its_share_of_a_turn_both_ways, somebody_is_read_less_of_than_who_speaks_for_many,
      nothing_is_read_while_paused, bytes_may_be_read_beyond, a_stream_may_be_destroyed_in_each_of_its_calls,
      a_write_under_way_dies_with_its_stream, the_other_side_may_close_in_good_order_or_not,
      a_write_to_who_is_gone_ends_it_once, finish_brings_the_last_words_though_the_other_side_has_sent_on,
      finish_waits_no_longer_than_its_patience, finish_before_the_dial_is_through_ends_it,
      who_has_said_all_may_still_hear_ours, an_idle_stream_is_small)
