#include "tools/crosstalk/flags.h"

#include "tools/common/usage.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

constexpr const char* program = "crosstalk";
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
      ->check(tool::from_to(1, 100'000'000));
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
  app.add_option("-n,--count", flags.found.count, "how often (5)")->type_name("N")->check(tool::from_to(1, 10'000));
}

void declare_explain(CLI::App& app, Flags& flags) {
  app.add_option("ID", flags.found.id, "the chat's id")->required()->type_name("");
}

void declare_completion(CLI::App& app, Flags& flags) { tool::add_shell(app, flags.found.shell); }

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
  app.require_subcommand(1);
  tool::begin_flags(app, program, 31);
  app.add_option("-s,--server", flags.servers,
                 "the node to talk to (127.0.0.1:9501); several,\nto be taken in turn, with commas")
      ->type_name("HOST:PORT");
  app.add_option("--http", flags.http, "where it answers HTTP (127.0.0.1:9701)")->type_name("HOST:PORT");
  app.add_flag("--json", flags.found.json, "for programs: JSON, one object a line");
  app.add_option("--token-file", flags.found.token_file, "read the token from FILE")->type_name("FILE");
  app.add_option("--timeout", flags.timeout_s, "seconds to wait (10; to log in or send: 60)")
      ->type_name("S")
      ->check(tool::from_to(0.001, timeout_max_s));
  tool::end_flags(app, help_footer);
  for (const Row& row : rows) {
    CLI::App& verb = tool::begin_verb(app, row.name, row.help);
    verb.fallthrough();
    row.declare(verb, flags);
    tool::end_verb(verb);
  }
}

tool::Instead fail(const std::string& sentence) { return tool::mistake(program, shown(sentence)); }

// A sentence, or nothing.
std::string take_addresses(const Flags& flags, Invocation& invocation) {
  const std::string wrong = tool::take_addresses("--server", flags.servers, invocation.servers);
  if (!wrong.empty()) return wrong;
  if (invocation.servers.empty()) return "--server: expected HOST:PORT, found nothing";
  const auto http = tool::parse_address(flags.http);
  if (!http) return "--http: " + http.why();
  invocation.http = *http;
  return {};
}

tool::Result<Invocation, tool::Instead> settle(const Flags& flags) {
  Invocation invocation = flags.found;
  for (const Row& row : rows)
    if (flags.app.got_subcommand(row.name)) invocation.verb = row.verb;
  invocation.wait = !flags.no_wait;
  if (flags.timeout_s > 0)
    invocation.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(flags.timeout_s * 1000));
  if (const std::string wrong = take_addresses(flags, invocation); !wrong.empty()) return fail(wrong);
  for (const std::string* const name :
       {&invocation.name, &invocation.as, &invocation.to, &invocation.after, &invocation.token, &invocation.id})
    if (!is_plain_utf8(*name)) return fail("expected UTF-8, found " + *name);
  return invocation;
}

}  // namespace

tool::Result<Invocation, tool::Instead> read_command_line(int argc, const char* const* argv) {
  Flags flags;
  declare(flags);
  if (const auto instead = tool::parse(flags.app, argc, argv, shown)) return *instead;
  return settle(flags);
}

tool::Grammar grammar() {
  Flags flags;
  declare(flags);
  std::vector<tool::VerbFlags> all{{"", "", tool::flags_of(flags.app)}};
  for (const Row& row : rows) all.push_back({row.name, row.help, tool::flags_of(*flags.app.get_subcommand(row.name))});
  return {program, std::move(all), {"--token-file"}};
}

}  // namespace crosstalk
