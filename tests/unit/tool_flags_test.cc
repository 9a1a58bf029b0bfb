#include "tools/crosstalk/flags.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/command_line.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using command_line::has;
using crosstalk::Verb;

const command_line::Reader<crosstalk::Invocation> line("crosstalk", crosstalk::read_command_line);

}  // namespace

START_TEST(knows_every_command) {
  ck_assert(line.run({"login", "alice"}).verb == Verb::login);
  ck_assert(line.run({"send", "--as", "a", "--to", "b", "x"}).verb == Verb::send);
  ck_assert(line.run({"tail", "alice"}).name == "alice");
  ck_assert(line.run({"who"}).verb == Verb::who);
  ck_assert(line.run({"whereis", "alice"}).verb == Verb::whereis);
  ck_assert(line.run({"kick", "alice"}).verb == Verb::kick);
  ck_assert(line.run({"drain"}).wait);
  ck_assert(!line.run({"drain", "--no-wait"}).wait);
  ck_assert(line.run({"undrain"}).verb == Verb::undrain);
  ck_assert(line.run({"ping"}).count == 5);
  ck_assert(line.run({"ping", "-n", "3"}).count == 3);
  ck_assert(line.run({"check"}).verb == Verb::check);
  ck_assert(line.run({"explain", "m-1"}).id == "m-1");
  ck_assert(line.run({"completion", "zsh"}).shell == "zsh");
}
END_TEST

START_TEST(has_defaults) {
  const crosstalk::Invocation found = line.run({"ping"});
  ck_assert(found.servers == std::vector<tool::Address>({{"127.0.0.1", 9501}}));
  ck_assert((found.http == tool::Address{"127.0.0.1", 9701}));
  ck_assert(!found.json && !found.timeout && found.token_file.empty() && found.limit == 0);
}
END_TEST

START_TEST(flags_stand_before_and_behind_the_command) {
  for (const bool before : {true, false}) {
    std::vector<const char*> arguments = {"-s", "h1:1,[::1]:2", "--http", "h2:3", "--json", "--timeout", "0.25"};
    arguments.insert(before ? arguments.end() : arguments.begin(), "ping");
    const crosstalk::Invocation found = line.run(arguments);
    ck_assert(found.servers == std::vector<tool::Address>({{"h1", 1}, {"::1", 2}}));
    ck_assert((found.http == tool::Address{"h2", 3}));
    ck_assert(found.json && found.timeout == 250ms);
  }
}
END_TEST

START_TEST(words_are_the_text) {
  const crosstalk::Invocation found = line.run({"send", "--as", "a", "how", "are", "you", "--to", "b"});
  ck_assert(found.words == std::vector<std::string>({"how", "are", "you"}));
  ck_assert(line.run({"send", "--as", "a", "--to", "b", "-"}).words == std::vector<std::string>{"-"});
  ck_assert(line.run({"send", "--as", "a", "--to", "b", "--", "--raw"}).words == std::vector<std::string>{"--raw"});
  ck_assert(!line.run({"send", "--as", "a", "--to", "b", "--", "--raw"}).raw);
}
END_TEST

START_TEST(says_what_is_wrong) {
  const struct {
    std::vector<const char*> arguments;
    const char* says;
  } rows[] = {
      {{}, "expected a command"},
      {{"frobnicate"}, "unknown command \"frobnicate\""},
      {{"--frobnicate", "ping"}, "unknown flag \"--frobnicate\""},
      {{"ping", "--frobnicate"}, "unknown flag \"--frobnicate\""},
      {{"login", "a", "b"}, "one argument too many: \"b\""},
      {{"login"}, "NAME is required"},
      {{"send", "--as", "a", "x"}, "--to is required"},
      {{"ping", "-n", "0"}, "expected a number from 1 to 10000, found \"0\""},
      {{"ping", "-n"}, "expected a value, found nothing"},
      {{"--timeout", "never", "ping"}, "expected a number from 0.001 to 86400, found \"never\""},
      {{"-s", "nowhere", "ping"}, "--server: expected HOST:PORT"},
      {{"--http", "h:x", "ping"}, "--http: "},
      {{"completion", "fish"}, "expected bash or zsh, found \"fish\""},
      {{"login", "\xff"}, "expected UTF-8, found \\xff"},
      {{"\x1b[2J"}, "\\x1b[2J"},
  };
  for (const auto& row : rows) line.refuses(row.arguments, row.says);
}
END_TEST

START_TEST(helps) {
  const std::string all = line.printed({"--help"});
  for (const tool::VerbFlags& verb : crosstalk::grammar().verbs) ck_assert(has(all, "  " + verb.verb));
  ck_assert(has(all, "Exit status") && has(all, "--token-file"));
  ck_assert(has(line.printed({"send", "--help"}), "--raw"));
  ck_assert(line.printed({"--version"}).starts_with("crosstalk "));
}
END_TEST

START_TEST(completes_all_there_is) { command_line::completes(crosstalk::grammar()); }
END_TEST

SUITE(knows_every_command, has_defaults, flags_stand_before_and_behind_the_command, words_are_the_text,
      says_what_is_wrong, helps, completes_all_there_is)
