#include "tools/crosstalk/flags.h"

#include <CLI/CLI.hpp>
#include <iomanip>
#include <sstream>

#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

constexpr const char* version_text = "crosstalk " CROSSTALK_VERSION;
constexpr double timeout_max_s = 86400;

constexpr const char* help_footer =
    "Each has a --help of its own: crosstalk send --help.\n"
    "\n"
    "Exit status:\n"
    "  0  done\n"
    "  1  refused, or failed; standard error begins with the code\n"
    "  2  wrong flag or argument\n"
    "  3  the server can't be reached, or was lost\n"
    "  4  not authorised: the token is missing or wrong\n"
    "  5  it took longer than --timeout\n"
    "\n"
    "See crosstalk(1), crosstalk-protocol(7), crosstalkd(8).";

struct Flags {
  CLI::App app{"crosstalk - chat from the command line, and the operator's hand\n"};
  Invocation found;
  std::string servers = "127.0.0.1:9501";
  std::string http = "127.0.0.1:9701";
  double timeout_s = 0;
  bool no_wait = false;
};

std::string found(const std::string& expected, const std::string& value) {
  return "expected " + expected + ", found \"" + value + '"';
}

std::string number(double value) {
  std::ostringstream text;
  text << std::setprecision(9) << value;
  return text.str();
}

CLI::Validator from_to(double min, double max) {
  return CLI::Validator(
      [=](const std::string& text) {
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && value >= min && value <= max) return std::string();
        return found("a number from " + number(min) + " to " + number(max), text);
      },
      "");
}

using Declare = void (*)(CLI::App&, Flags&);

void name_to_log_in(CLI::App& app, Flags& flags) {
  app.add_option("NAME", flags.found.name, "who you are")->required()->type_name("");
  app.add_option("--token", flags.found.token, "the user's token; better: --token-file")->type_name("TOKEN");
}

void declare_login(CLI::App& app, Flags& flags) { name_to_log_in(app, flags); }

void declare_tail(CLI::App& app, Flags& flags) { name_to_log_in(app, flags); }

void declare_send(CLI::App& app, Flags& flags) {
  app.add_option("--as", flags.found.as, "who sends it")->required()->type_name("NAME");
  app.add_option("--to", flags.found.to, "who is to get it")->required()->type_name("NAME");
  app.add_flag("--raw", flags.found.raw, "the content is JSON, not text");
  app.add_option("--token", flags.found.token, "the sender's token; better: --token-file")->type_name("TOKEN");
  app.add_option("TEXT", flags.found.words, "what to send; - reads it from standard input")->required()->type_name("");
}

void declare_who(CLI::App& app, Flags& flags) {
  app.add_option("--limit", flags.found.limit, "so many at most; all unless told")
      ->type_name("N")
      ->check(from_to(1, 100'000'000));
  app.add_option("--after", flags.found.after, "those whose names come after this one")->type_name("NAME");
  app.add_option("--as", flags.found.as, "ask as this user; else as one for the moment")->type_name("NAME");
  app.add_option("--token", flags.found.token, "that user's token; better: --token-file")->type_name("TOKEN");
}

void declare_name(CLI::App& app, Flags& flags) {
  app.add_option("NAME", flags.found.name, "the user")->required()->type_name("");
}

void declare_drain(CLI::App& app, Flags& flags) {
  app.add_flag("--no-wait", flags.no_wait, "don't wait until nobody is left");
}

void declare_ping(CLI::App& app, Flags& flags) {
  app.add_option("-n,--count", flags.found.count, "how often (5)")->type_name("N")->check(from_to(1, 10'000));
}

void declare_explain(CLI::App& app, Flags& flags) {
  app.add_option("ID", flags.found.id, "the chat's id")->required()->type_name("");
}

void declare_completion(CLI::App& app, Flags& flags) {
  app.add_option("SHELL", flags.found.shell, "bash or zsh")
      ->required()
      ->type_name("")
      ->check(CLI::Validator(
          [](const std::string& shell) { return shell == "bash" || shell == "zsh" ? "" : found("bash or zsh", shell); },
          ""));
}

void declare_nothing(CLI::App&, Flags&) {}

struct Row {
  const char* name;
  Verb verb;
  const char* help;
  Declare declare;
};

// In the order of the manual.
constexpr Row rows[] = {
    {"login", Verb::login, "chat, in this terminal", declare_login},
    {"send", Verb::send, "send one chat and say what became of it", declare_send},
    {"tail", Verb::tail, "print what arrives for a user", declare_tail},
    {"who", Verb::who, "list who is online, on all nodes", declare_who},
    {"ping", Verb::ping, "measure the way to a node and back", declare_ping},
    {"whereis", Verb::whereis, "say on which node a user is", declare_name},
    {"kick", Verb::kick, "end all sessions of a user", declare_name},
    {"drain", Verb::drain, "move all users off a node", declare_drain},
    {"undrain", Verb::undrain, "take that back", declare_nothing},
    {"check", Verb::check, "say whether a node is ready and the mesh whole", declare_nothing},
    {"explain", Verb::explain, "tell the story of one chat, hop by hop", declare_explain},
    {"completion", Verb::completion, "print what completes this command in a shell", declare_completion},
};

void declare(Flags& flags) {
  CLI::App& app = flags.app;
  app.name("crosstalk");
  app.set_help_flag();
  app.require_subcommand(1);
  app.get_formatter()->column_width(31);
  app.get_formatter()->label("OPTIONS", "FLAGS");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Positionals", "Arguments");
  app.get_formatter()->label("REQUIRED", "");
  app.option_defaults()->group("Flags")->take_last()->disable_flag_override();
  app.add_option("-s,--server", flags.servers,
                 "the node to talk to (127.0.0.1:9501); several,\nto be taken in turn, with commas")
      ->type_name("HOST:PORT");
  app.add_option("--http", flags.http, "where it answers HTTP (127.0.0.1:9701)")->type_name("HOST:PORT");
  app.add_flag("--json", flags.found.json, "for programs: JSON, one object a line");
  app.add_option("--token-file", flags.found.token_file, "read the token from FILE")->type_name("FILE");
  app.add_option("--timeout", flags.timeout_s, "seconds to wait (10; to log in or send: 60)")
      ->type_name("S")
      ->check(from_to(0.001, timeout_max_s));
  app.set_version_flag("--version", version_text)->description("print the version, and stop");
  app.set_help_flag("--help", "print this, and stop");
  for (const Row& row : rows) {
    CLI::App* const verb = app.add_subcommand(row.name, row.help);
    verb->fallthrough();
    verb->group("Commands");
    verb->set_help_flag();
    verb->option_defaults()->group("Flags")->take_last()->disable_flag_override();
    row.declare(*verb, flags);
    for (CLI::Option* const option : verb->get_options())
      if (option->get_positional()) option->group("Arguments");
    // More words than one.
    if (row.verb == Verb::send) verb->get_option("TEXT")->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    verb->set_help_flag("--help", "print this, and stop");
  }
  app.footer(help_footer);
}

CommandLine fail(const std::string& sentence) {
  CommandLine line;
  line.action = CommandLine::Action::fail;
  line.text = "crosstalk: " + sentence.substr(0, sentence.find('\n')) + "; see crosstalk --help\n";
  return line;
}

CommandLine print(std::string text) {
  CommandLine line;
  line.action = CommandLine::Action::print;
  line.text = std::move(text);
  return line;
}

std::string in_words(const CLI::ParseError& error, const CLI::App& app) {
  const std::vector<std::string> left = app.remaining(true);
  if (app.get_subcommands().empty() && left.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    return "expected a command";
  if (left.empty()) {
    const std::string what = error.what();
    // CLI11's own words for a value that is not there.
    const std::size_t missing = what.find(": 1 required ");
    return missing == std::string::npos ? what : what.substr(0, missing) + ": expected a value, found nothing";
  }
  const bool flag = left.front().starts_with('-');
  return (flag                            ? "unknown flag \""
          : app.get_subcommands().empty() ? "unknown command \""
                                          : "one argument too many: \"") +
         left.front() + '"';
}

// A sentence, or nothing.
std::string take_addresses(const Flags& flags, Invocation& invocation) {
  std::istringstream all(flags.servers);
  for (std::string one; std::getline(all, one, ',');) {
    const auto address = tool::parse_address(one);
    if (!address) return "--server: " + address.why();
    invocation.servers.push_back(*address);
  }
  if (invocation.servers.empty()) return "--server: expected HOST:PORT, found nothing";
  const auto http = tool::parse_address(flags.http);
  if (!http) return "--http: " + http.why();
  invocation.http = *http;
  return {};
}

CommandLine settle(const Flags& flags) {
  CommandLine line;
  line.invocation = flags.found;
  Invocation& invocation = line.invocation;
  for (const Row& row : rows)
    if (flags.app.got_subcommand(row.name)) invocation.verb = row.verb;
  invocation.wait = !flags.no_wait;
  if (flags.timeout_s > 0)
    invocation.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(flags.timeout_s * 1000));
  if (const std::string wrong = take_addresses(flags, invocation); !wrong.empty()) return fail(shown(wrong));
  for (const std::string* const name :
       {&invocation.name, &invocation.as, &invocation.to, &invocation.after, &invocation.token, &invocation.id})
    if (!is_plain_utf8(*name)) return fail("expected UTF-8, found " + shown(*name));
  return line;
}

}  // namespace

CommandLine read_command_line(int argc, const char* const* argv) {
  Flags flags;
  declare(flags);
  try {
    flags.app.parse(argc, argv);
    return settle(flags);
  } catch (const CLI::CallForHelp&) {
    return print(flags.app.help());
  } catch (const CLI::CallForVersion&) {
    return print(std::string(version_text) + "\n");
  } catch (const CLI::ParseError& error) {
    return fail(shown(in_words(error, flags.app)));
  }
}

tool::Grammar grammar() {
  Flags flags;
  declare(flags);
  const auto of = [](const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* const option : app.get_options()) {
      for (const std::string& name : option->get_snames()) names.push_back("-" + name);
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  };
  std::vector<tool::VerbFlags> all{{"", "", of(flags.app)}};
  for (const Row& row : rows) all.push_back({row.name, row.help, of(*flags.app.get_subcommand(row.name))});
  return {"crosstalk", std::move(all), {"--token-file"}};
}

}  // namespace crosstalk
