// The log's lines as they reach standard error.
#include "src/node/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <functional>

#include "src/node/flaps.h"
#include "tests/unit/suite.h"

namespace {

using node::Log;
using node::LogFormat;
using node::LogLevel;
using node::Repeats;
using suite::same;

// What `call` writes to standard error.
std::string caught(const std::function<void()>& call) {
  std::FILE* file = std::tmpfile();
  ck_assert_ptr_nonnull(file);
  const int kept = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  call();
  dup2(kept, STDERR_FILENO);
  close(kept);
  std::rewind(file);
  std::string text(1U << 16U, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  return text;
}

// The line without the time, which is checked for its form.
std::string timeless(const std::string& line) {
  const bool json = line.starts_with('{');
  const std::string form = json ? R"({"ts":"0000-00-00T00:00:00.000Z",)" : "ts=0000-00-00T00:00:00.000Z ";
  bool fits = line.size() > form.size() && line.find('\n') == line.size() - 1;
  for (std::size_t i = 0; fits && i < form.size(); ++i)
    fits = form[i] == '0' ? line[i] >= '0' && line[i] <= '9' : line[i] == form[i];
  ck_assert_msg(fits, "not one line with a time: %s", line.c_str());
  return line.substr(form.size(), line.size() - form.size() - 1);
}

// libcheck's own comparison keeps a pointer into a temporary.
struct Row {
  const char* sentence;
  std::string value;
  const char* logfmt;
  const char* json;
};

const Row rows[] = {
    {"a word stands bare", "n2", "n2", "n2"},
    {"an address stands bare", "[::1]:9601", "[::1]:9601", "[::1]:9601"},
    {"nobody takes it for a pattern", "%v{}{0}", "%v{}{0}", "%v{}{0}"},
    {"a space needs quotes", "link up", "\"link up\"", "link up"},
    {"an equals sign needs quotes", "a=b", "\"a=b\"", "a=b"},
    {"nothing is shown as nothing", "", "\"\"", ""},
    {"a quote is escaped", "a\"b", R"("a\"b")", R"(a\"b)"},
    {"a backslash is escaped", "a\\b", R"("a\\b")", R"(a\\b)"},
    {"a newline forges no line", "a\nts=0", R"("a\nts=0")", R"(a\nts=0)"},
    {"an escape sequence reaches no terminal", "\x1b[2J", R"("\x1b[2J")", R"(\u001b[2J)"},
    {"NUL is shown", std::string("a\0b", 3), R"("a\x00b")", R"(a\u0000b)"},
    {"DEL is shown", "\x7f", R"("\x7f")", R"(\u007f)"},
    {"C1 is shown", "\xc2\x9b", R"("\x9b")", R"(\u009b)"},
    {"a bidirectional override is shown", "\xe2\x80\xae", R"("\u202e")", R"(\u202e)"},
    {"a zero-width character is shown", "a\xe2\x80\x8b", R"("a\u200b")", R"(a\u200b)"},
    {"a byte order mark is shown", "\xef\xbb\xbf", R"("\ufeff")", R"(\ufeff)"},
    {"other scripts are left alone", "给您", "给您", "给您"},
    {"a stray byte is shown, or replaced", "\xff", R"("\xff")", R"(\ufffd)"},
    {"a cut character is stray bytes", "\xe7\xbb", R"("\xe7\xbb")", R"(\ufffd\ufffd)"},
};

START_TEST(values_are_escaped) {
  for (const Row& row : rows) {
    const auto line = [&](LogFormat format) {
      return timeless(caught([&] { Log(LogLevel::info, format, "n1").info("link up", {{"peer", row.value}}); }));
    };
    ck_assert_msg(line(LogFormat::logfmt) == std::string("level=info node=n1 msg=\"link up\" peer=") + row.logfmt,
                  "%s: %s", row.sentence, line(LogFormat::logfmt).c_str());
    ck_assert_msg(line(LogFormat::json) ==
                      std::string(R"("level":"info","node":"n1","msg":"link up","peer":")") + row.json + "\"}",
                  "%s: %s", row.sentence, line(LogFormat::json).c_str());
  }
}
END_TEST

START_TEST(long_values_are_cut_between_characters) {
  const auto value_of = [](const std::string& value) {
    const std::string line = timeless(caught([&] {
      Log(LogLevel::info, LogFormat::logfmt, "n1").info("m", {{"v", value}});
    }));
    return line.substr(std::string("level=info node=n1 msg=m v=").size());
  };
  same(value_of(std::string(1024, 'a')), std::string(1024, 'a'));
  same(value_of(std::string(1025, 'a')), ("\"" + std::string(1024, 'a') + "…\""));
  same(value_of(std::string(1023, 'a') + "é"), ("\"" + std::string(1023, 'a') + "…\""));
  // Also the message itself.
  const std::string line =
      timeless(caught([] { Log(LogLevel::info, LogFormat::logfmt, "n1").info(std::string(5000, 'b')); }));
  ck_assert_uint_lt(line.size(), 1100);
}
END_TEST

START_TEST(levels_below_are_silent) {
  constexpr LogLevel levels[] = {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error};
  const char* names[] = {"debug", "info", "warn", "error"};
  for (std::size_t at = 0; at < 4; ++at) {
    const std::string text = caught([&] {
      Log log(levels[at], LogFormat::logfmt, "n1");
      log.debug("m");
      log.info("m");
      log.warn("m");
      log.error("m");
    });
    for (std::size_t other = 0; other < 4; ++other) {
      const bool there = text.find(std::string(" level=") + names[other] + " node=n1 msg=m\n") != std::string::npos;
      ck_assert_msg(there == (other >= at), "at %s, a line of %s", names[at], names[other]);
    }
  }
}
END_TEST

START_TEST(fields_keep_their_order) {
  const std::string text = caught([] {
    Log(LogLevel::info, LogFormat::json, "n1").warn("m", {{"b", "1"}, {"a", "2"}});
  });
  same(timeless(text), R"("level":"warn","node":"n1","msg":"m","b":"1","a":"2"})");
}
END_TEST

START_TEST(repeats_are_told_at_doublings) {
  Repeats repeats;
  std::string told;
  for (int i = 1; i <= 20; ++i)
    if (const auto times = repeats.count("refused")) told += std::to_string(times) + " ";
  same(told, "1 2 4 8 16 ");
  ck_assert_uint_eq(repeats.count("another"), 1);
  repeats.forget("refus");  // all that begins so
  ck_assert_uint_eq(repeats.count("refused"), 1);
  ck_assert_uint_eq(repeats.count("another"), 2);
}
END_TEST

START_TEST(repeats_are_bounded) {
  Repeats repeats;
  for (int i = 0; i < 1024; ++i) ck_assert_uint_eq(repeats.count(std::to_string(i)), 1);
  ck_assert_uint_eq(repeats.count("0"), 2);     // a key that is known makes no room
  ck_assert_uint_eq(repeats.count("1024"), 1);  // one too many: all are forgotten
  ck_assert_uint_eq(repeats.count("0"), 1);
}
END_TEST

// Nobody reads.

// Standard error is one end of this while it lives.
struct Stuck {
  enum class Kind { pipe, foreign_pipe, socket, terminal };

  explicit Stuck(Kind kind) : kept(dup(STDERR_FILENO)) {
    int ends[2] = {-1, -1};
    if (kind == Kind::terminal) {
      ck_assert_int_eq(openpty(&ends[0], &ends[1], nullptr, nullptr, nullptr), 0);
      termios raw{};
      tcgetattr(ends[1], &raw);
      cfmakeraw(&raw);
      tcsetattr(ends[1], TCSANOW, &raw);
    } else if (kind == Kind::socket) {
      ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    } else {
      ck_assert_int_eq(pipe(ends), 0);
    }
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    reader = ends[0];
    fcntl(reader, F_SETFL, O_NONBLOCK);
    // It was made by root, and may not be opened anew by others.
    if (kind == Kind::foreign_pipe && geteuid() == 0) ck_assert_int_eq(setuid(65534), 0);
  }
  ~Stuck() {
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(reader);
  }
  // All that has been written and not read.
  std::string read_all() const {
    std::string all;
    std::string part(1U << 16U, '\0');
    for (ssize_t n; (n = read(reader, part.data(), part.size())) > 0;) all.append(part, 0, static_cast<std::size_t>(n));
    return all;
  }

  int kept;
  int reader;
};

// What nobody reads is dropped and counted: what there is in the end are whole
// lines in their order, and where some are missing, how many.
struct Account {
  explicit Account(const std::string& text, const std::string& tail) {
    const std::string told = " level=warn node=n1 msg=\"lines were dropped\" lines=";
    for (std::size_t from = 0, to; (to = text.find('\n', from)) != std::string::npos; from = to + 1) {
      const std::string line = text.substr(from, to - from);
      if (const std::size_t at = line.find(told); at != std::string::npos) {
        dropped += std::stoi(line.substr(at + told.size()));
      } else {
        const std::string wanted = " level=error node=n1 msg=m n=" + std::to_string(seen++ + dropped) + tail;
        ck_assert_msg(line.ends_with(wanted), "wanted %s, got %s", wanted.c_str(), line.c_str());
      }
    }
  }
  int seen = 0, dropped = 0;
};

void drop_and_count(Stuck::Kind kind) {
  const Stuck end(kind);
  Log log(LogLevel::error, LogFormat::logfmt, "n1");
  const std::string value(700, 'v');
  const std::string tail = " v=" + value + " w=\"" + (value + value).substr(0, 1024) + "…\"";
  const auto write = [&](int n) { log.error("m", {{"n", std::to_string(n)}, {"v", value}, {"w", value + value}}); };
  for (int n = 0; n < 1000; ++n) write(n);
  log.catch_up();
  std::string text = end.read_all();
  log.catch_up();
  write(1000);
  log.catch_up();  // there is nothing more to be told
  write(1001);
  Account account("", tail);
  for (int i = 0; i < 2000 && account.seen + account.dropped < 1002; ++i) {
    pollfd readable{end.reader, POLLIN, 0};
    poll(&readable, 1, 5);  // what was written to a terminal takes its time
    text += end.read_all();
    log.catch_up();
    account = Account(text, tail);
  }
  ck_assert_int_eq(account.seen + account.dropped, 1002);
  ck_assert_int_gt(account.seen, 2);
  ck_assert_int_gt(account.dropped, 100);
}

START_TEST(a_pipe_that_nobody_reads) { drop_and_count(Stuck::Kind::pipe); }
END_TEST
START_TEST(a_pipe_that_may_not_be_opened_anew) { drop_and_count(Stuck::Kind::foreign_pipe); }
END_TEST
START_TEST(a_socket_that_nobody_reads) { drop_and_count(Stuck::Kind::socket); }
END_TEST
START_TEST(a_terminal_that_stands_still) { drop_and_count(Stuck::Kind::terminal); }
END_TEST

// O_NONBLOCK on standard error would be everybody's.
START_TEST(standard_error_stays_as_it_was) {
  const Stuck end(Stuck::Kind::pipe);
  const Log log(LogLevel::info, LogFormat::logfmt, "n1");
  ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(a_reader_who_is_gone_stops_nobody) {
  std::signal(SIGPIPE, SIG_IGN);
  Stuck end(Stuck::Kind::pipe);
  close(end.reader);
  Log log(LogLevel::info, LogFormat::logfmt, "n1");
  for (int i = 0; i < 10; ++i) log.info("m");
  log.catch_up();
  end.reader = dup(0);  // to be closed in its place
}
END_TEST

START_TEST(a_closed_standard_error_is_not_taken_for_what_comes_in_its_place) {
  const int kept = dup(STDERR_FILENO);
  close(STDERR_FILENO);
  Log log(LogLevel::info, LogFormat::logfmt, "n1");
  int ends[2];
  const bool paired = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0;
  const bool in_its_place = ends[0] == STDERR_FILENO;
  log.info("m");
  char byte = 0;
  const ssize_t got = read(ends[1], &byte, 1);
  dup2(kept, STDERR_FILENO);
  close(kept), close(ends[1]);
  ck_assert(paired && in_its_place);
  ck_assert_int_eq(got, -1);
}
END_TEST

// Flaps.

START_TEST(what_comes_and_goes_is_told_at_doublings) {
  const peer::Millis brief{59'000}, while_{60'000};
  node::Flaps flaps;
  peer::Time now{};
  std::string told;
  const auto come = [&] { told += flaps.come("n2", now) ? "+" : "."; };
  const auto go = [&] {
    const std::uint64_t times = flaps.gone("n2", now);
    told += times == 0 ? "." : std::to_string(times);
  };
  const auto flap = [&](peer::Millis stays) { come(), now += stays, go(); };
  for (int i = 0; i < 9; ++i) flap(brief);
  same(told,
       "+1"
       "+2"
       "+."
       ".4"
       "+."
       ".."
       ".."
       ".8"
       "+.");
  told.clear();
  flap(while_);  // it counts as well again
  flap(brief);
  same(told,
       ".1"
       "+2");
  // What fails to come goes again and again; its coming then is told.
  told.clear();
  for (int i = 0; i < 5; ++i) go();
  come();
  same(told, ".4...+");
  ck_assert(flaps.come("n3", now));  // nobody else's matter
  ck_assert_uint_eq(flaps.gone("n3", now), 1);
}
END_TEST

START_TEST(flaps_are_bounded) {
  node::Flaps flaps;
  for (int i = 0; i < 1024; ++i) ck_assert_uint_eq(flaps.gone(std::to_string(i), {}), 1);
  ck_assert_uint_eq(flaps.gone("0", {}), 2);
  ck_assert_uint_eq(flaps.gone("1024", {}), 1);  // one too many: all are forgotten
  ck_assert_uint_eq(flaps.gone("0", {}), 1);
}
END_TEST

}  // namespace

SUITE(values_are_escaped, long_values_are_cut_between_characters, levels_below_are_silent, fields_keep_their_order,
      repeats_are_told_at_doublings, repeats_are_bounded, a_pipe_that_nobody_reads, a_pipe_that_may_not_be_opened_anew,
      a_socket_that_nobody_reads, a_terminal_that_stands_still, standard_error_stays_as_it_was,
      a_reader_who_is_gone_stops_nobody, a_closed_standard_error_is_not_taken_for_what_comes_in_its_place,
      what_comes_and_goes_is_told_at_doublings, flaps_are_bounded)
