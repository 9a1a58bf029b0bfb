#include "tools/crosstalk/flags.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using crosstalk::CommandLine;
using crosstalk::Verb;
using Action = crosstalk::CommandLine::Action;

CommandLine read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "crosstalk");
  return crosstalk::read_command_line(static_cast<int>(arguments.size()), arguments.data());
}

crosstalk::Invocation run(std::vector<const char*> arguments) {
  const CommandLine line = read(std::move(arguments));
  ck_assert_msg(line.action == Action::run, "%s", line.text.c_str());
  return line.invocation;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

START_TEST(knows_every_command) {
  ck_assert(run({"login", "alice"}).verb == Verb::login);
  ck_assert(run({"send", "--as", "a", "--to", "b", "x"}).verb == Verb::send);
  ck_assert(run({"tail", "alice"}).name == "alice");
  ck_assert(run({"who"}).verb == Verb::who);
  ck_assert(run({"whereis", "alice"}).verb == Verb::whereis);
  ck_assert(run({"kick", "alice"}).verb == Verb::kick);
  ck_assert(run({"drain"}).wait);
  ck_assert(!run({"drain", "--no-wait"}).wait);
  ck_assert(run({"undrain"}).verb == Verb::undrain);
  ck_assert(run({"ping"}).count == 5);
  ck_assert(run({"ping", "-n", "3"}).count == 3);
  ck_assert(run({"check"}).verb == Verb::check);
  ck_assert(run({"explain", "m-1"}).id == "m-1");
  ck_assert(run({"completion", "zsh"}).shell == "zsh");
}
END_TEST

START_TEST(has_defaults) {
  const crosstalk::Invocation found = run({"ping"});
  ck_assert(found.servers == std::vector<tool::Address>({{"127.0.0.1", 9501}}));
  ck_assert((found.http == tool::Address{"127.0.0.1", 9701}));
  ck_assert(!found.json && !found.timeout && found.token_file.empty() && found.limit == 0);
}
END_TEST

START_TEST(flags_stand_before_and_behind_the_command) {
  for (const bool before : {true, false}) {
    std::vector<const char*> arguments = {"-s", "h1:1,[::1]:2", "--http", "h2:3", "--json", "--timeout", "0.25"};
    arguments.insert(before ? arguments.end() : arguments.begin(), "ping");
    const crosstalk::Invocation found = run(arguments);
    ck_assert(found.servers == std::vector<tool::Address>({{"h1", 1}, {"::1", 2}}));
    ck_assert((found.http == tool::Address{"h2", 3}));
    ck_assert(found.json && found.timeout == 250ms);
  }
}
END_TEST

START_TEST(words_are_the_text) {
  const crosstalk::Invocation found = run({"send", "--as", "a", "how", "are", "you", "--to", "b"});
  ck_assert(found.words == std::vector<std::string>({"how", "are", "you"}));
  ck_assert(run({"send", "--as", "a", "--to", "b", "-"}).words == std::vector<std::string>{"-"});
  ck_assert(run({"send", "--as", "a", "--to", "b", "--", "--raw"}).words == std::vector<std::string>{"--raw"});
  ck_assert(!run({"send", "--as", "a", "--to", "b", "--", "--raw"}).raw);
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
  for (const auto& row : rows) {
    const CommandLine line = read(row.arguments);
    ck_assert_msg(line.action == Action::fail, "%s", row.says);
    ck_assert_msg(has(line.text, row.says), "%s: %s", row.says, line.text.c_str());
    ck_assert(line.text.starts_with("crosstalk: ") && line.text.find('\n') == line.text.size() - 1);
  }
}
END_TEST

START_TEST(helps) {
  const CommandLine all = read({"--help"});
  ck_assert(all.action == Action::print);
  for (const tool::VerbFlags& verb : crosstalk::grammar().verbs) ck_assert(has(all.text, "  " + verb.verb));
  ck_assert(has(all.text, "Exit status") && has(all.text, "--token-file"));
  ck_assert(has(read({"send", "--help"}).text, "--raw"));
  ck_assert(read({"--version"}).text.starts_with("crosstalk "));
}
END_TEST

START_TEST(completes_all_there_is) {
  const tool::Grammar grammar = crosstalk::grammar();
  const std::vector<tool::VerbFlags>& verbs = grammar.verbs;
  for (const std::string& script : {tool::bash_completion(grammar), tool::zsh_completion(grammar)})
    for (const tool::VerbFlags& verb : verbs) {
      ck_assert_msg(has(script, verb.verb), "%s", verb.verb.c_str());
      for (const std::string& flag : verb.flags) ck_assert_msg(has(script, flag), "%s", flag.c_str());
    }
  // A quote in a description would end zsh's.
  for (const tool::VerbFlags& verb : verbs) ck_assert(verb.help.find_first_of("':") == std::string::npos);
}
END_TEST

SUITE(knows_every_command, has_defaults, flags_stand_before_and_behind_the_command, words_are_the_text,
      says_what_is_wrong, helps, completes_all_there_is)
