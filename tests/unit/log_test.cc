// The log's lines as they reach standard error.
#include "src/node/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <regex>

#include "tests/unit/suite.h"

namespace {

using node::Log;
using node::LogFormat;
using node::LogLevel;
using node::Repeats;

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
  static const std::regex form(R"((\{"ts":"|ts=)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z("?[ ,])([^\n]*)\n)");
  std::smatch parts;
  ck_assert_msg(std::regex_match(line, parts, form), "not one line with a time: %s", line.c_str());
  return parts[3];
}

// libcheck's own comparison keeps a pointer into a temporary.
void same(const std::string& got, const std::string& wanted) {
  ck_assert_msg(got == wanted, "got %s, wanted %s", got.c_str(), wanted.c_str());
}

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

}  // namespace

SUITE(values_are_escaped, long_values_are_cut_between_characters, levels_below_are_silent, fields_keep_their_order,
      repeats_are_told_at_doublings, repeats_are_bounded)
