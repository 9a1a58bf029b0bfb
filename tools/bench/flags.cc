#include "tools/bench/flags.h"

#include <charconv>
#include <string_view>

#include "tools/bench/stamp.h"
#include "tools/common/printable.h"
#include "tools/common/usage.h"

namespace bench {

namespace {

constexpr const char* program = "crosstalk-bench";
constexpr double day_s = 86'400;
constexpr double million = 1'000'000;
constexpr pid_t pid_max = 1 << 22;  // Linux has no more

constexpr const char* help_footer =
    "Each has a --help of its own: crosstalk-bench throughput --help.\n"
    "\n"
    "Exit status:\n"
    "  0  done\n"
    "  1  messages were lost, doubled, out of order or refused, or it could not be measured\n"
    "  2  wrong flag or argument\n"
    "  3  a server can't be reached, or was lost\n"
    "  4  not authorised: a server does not let us in\n"
    "  5  it took longer than --timeout\n"
    "\n"
    "See crosstalk-bench(1), crosstalkd(8).";

struct Flags {
  CLI::App app{"crosstalk-bench - how fast, how soon, on how much memory\n"};
  Invocation found;
  std::string proto = "crosstalk";
  std::string nodes;
  std::string pids;
  std::string http;
  std::string ports = "0,0";
  double timeout_s = 60;
  double duration_s = 10;
  double warmup_s = 1;
};

template <class T>
CLI::Option* add_number(CLI::App& app, const char* name, T& value, T unless_told, double min, double max,
                        const std::string& help) {
  value = unless_told;
  std::string told = help + " (" + tool::number(static_cast<double>(unless_told)) + ")";
  return app.add_option(name, value, told)->type_name("N")->check(tool::from_to(min, max));
}

using Declare = void (*)(CLI::App&, Flags&);

void declare_target(CLI::App& app, Flags& flags) {
  app.add_option("--nodes", flags.nodes,
                 "whom to load, with commas: the first has the senders\n(127.0.0.1:9501,127.0.0.1:9502)")
      ->type_name("HOST:PORT,...");
  app.add_option("--proto", flags.proto, "crosstalk, nats, redis or relay (crosstalk)")
      ->type_name("NAME")
      ->check(CLI::Validator(
          [](const std::string& name) {
            return proto_named(name) ? std::string() : tool::found("crosstalk, nats, redis or relay", name);
          },
          ""));
  app.add_option("--pids", flags.pids, "the servers' processes, whose CPU time is to be told")->type_name("PID,...");
  app.add_option("--http", flags.http, "or where the nodes tell it, under /metrics")->type_name("HOST:PORT,...");
  app.add_option("--label", flags.found.label, "what it is called in the report")->type_name("TEXT");
  app.add_flag("--json", flags.found.json, "for programs: one object of JSON");
  app.add_option("--timeout", flags.timeout_s, "seconds until all are logged in and linked (60)")
      ->type_name("S")
      ->check(tool::from_to(0.001, day_s));
}

void declare_span(CLI::App& app, Flags& flags, const std::string& what, double seconds) {
  add_number(app, "--duration", flags.duration_s, seconds, 0.01, day_s, what)->type_name("S");
}

void declare_pairs(CLI::App& app, Flags& flags, std::size_t pairs) {
  add_number(app, "--pairs", flags.found.pairs, pairs, 1, 100'000, "senders, and receivers on another node");
  add_number(app, "--size", flags.found.payload_bytes, std::size_t{128}, stamp_bytes, 60'000, "bytes of each content")
      ->type_name("BYTES");
}

void declare_measured(CLI::App& app, Flags& flags) {
  declare_span(app, flags, "seconds to measure", 10);
  add_number(app, "--warmup", flags.warmup_s, 1.0, 0, day_s, "seconds before that")->type_name("S");
  add_number(app, "--runs", flags.found.runs, std::size_t{1}, 1, 1000, "measure so often; medians, latencies together");
  app.add_flag("--id", flags.found.ids, "each chat bears an id, and its outcome is waited for");
  app.add_flag("--ack", flags.found.confirms, "receivers confirm what they get");
  app.add_option("--plot", flags.found.plot, "draw the latencies")->type_name("FILE.svg");
}

void declare_throughput(CLI::App& app, Flags& flags) {
  declare_target(app, flags);
  declare_pairs(app, flags, 256);
  add_number(app, "--window", flags.found.window, std::size_t{16}, 1, 100'000, "messages in flight of each pair");
  declare_measured(app, flags);
}

void declare_latency(CLI::App& app, Flags& flags) {
  declare_target(app, flags);
  declare_pairs(app, flags, 64);
  add_number(app, "--rate", flags.found.rate, 10'000.0, 0.1, 100 * million, "messages a second, of all pairs")
      ->type_name("R");
  declare_measured(app, flags);
}

void declare_sessions(CLI::App& app, Flags& flags, std::size_t at_once) {
  declare_target(app, flags);
  add_number(app, "--sessions", flags.found.sessions, std::size_t{15'000}, 1, 10 * million, "users");
  add_number(app, "--at-once", flags.found.at_once, at_once, 0, 10 * million, "logins under way at a time; 0: all");
}

void declare_idle(CLI::App& app, Flags& flags) {
  declare_sessions(app, flags, 128);
  declare_span(app, flags, "seconds to watch, without them and with them", 10);
}

void declare_login(CLI::App& app, Flags& flags) {
  declare_sessions(app, flags, 0);
  add_number(app, "--pace", flags.found.pace, 0.0, 0, million, "logins a second; 0: as fast as they go")
      ->type_name("R");
  add_number(app, "--pairs", flags.found.pairs, std::size_t{0}, 0, 100'000, "pairs that chat meanwhile");
  add_number(app, "--rate", flags.found.rate, 1000.0, 0.1, million, "their messages a second")->type_name("R");
  declare_span(app, flags, "seconds that they chat alone, before", 3);
  flags.found.payload_bytes = 128;
}

void declare_fair(CLI::App& app, Flags& flags) {
  declare_target(app, flags);
  declare_pairs(app, flags, 32);
  add_number(app, "--rate", flags.found.rate, 2000.0, 0.1, million, "their messages a second")->type_name("R");
  declare_span(app, flags, "seconds alone, beside a flood, beside a slow receiver", 5);
  add_number(app, "--warmup", flags.warmup_s, 1.0, 0, day_s, "seconds before each")->type_name("S");
  add_number(app, "--sip", flags.found.sip, std::size_t{0}, 0, 100 * million, "bytes a second that the slow one reads");
}

void declare_relay(CLI::App& app, Flags& flags) {
  app.add_option("--ports", flags.ports, "of 127.0.0.1, one for each half; 0: any (0,0)")->type_name("PORT,PORT");
}

void declare_plot(CLI::App& app, Flags& flags) {
  app.add_option("FILE", flags.found.files, "what --json printed; a line for each label")->required()->type_name("");
  app.add_option("--out", flags.found.out, "where to draw it")->required()->type_name("FILE.svg");
  app.add_option("--title", flags.found.title, "what stands above it")->type_name("TEXT");
}

void declare_completion(CLI::App& app, Flags& flags) { tool::add_shell(app, flags.found.shell); }

struct Row {
  const char* name;
  Verb verb;
  const char* help;
  Declare declare;
};

// In the order of the manual.
constexpr Row rows[] = {
    {"throughput", Verb::throughput, "as many messages as go through", declare_throughput},
    {"latency", Verb::latency, "how long messages take at a fixed rate", declare_latency},
    {"idle", Verb::idle, "what sessions cost that do nothing", declare_idle},
    {"login", Verb::login, "how soon many users are logged in, and at what cost", declare_login},
    {"fair", Verb::fair, "what a flood and a slow receiver do to others", declare_fair},
    {"relay", Verb::relay, "be a bare relay of two hops, to compare with", declare_relay},
    {"plot", Verb::plot, "draw what several runs have measured", declare_plot},
    {"completion", Verb::completion, "print what completes this command in a shell", declare_completion},
};

// A verb's own defaults must not be those of another, so only its flags are declared.
void declare(Flags& flags, const Row* wanted) {
  flags.app.require_subcommand(1);
  tool::begin_flags(flags.app, program, 28);
  tool::end_flags(flags.app, help_footer);
  for (const Row& row : rows) {
    CLI::App& verb = tool::begin_verb(flags.app, row.name, row.help);
    if (&row == wanted) row.declare(verb, flags);
    tool::end_verb(verb);
  }
}

std::string fit(std::string_view text) { return tool::printable(text); }

tool::Instead fail(const std::string& sentence) { return tool::mistake(program, fit(sentence)); }

template <class T>
std::string take_numbers(const std::string& flag, const std::string& list, T min, T max, std::vector<T>& numbers) {
  for (const std::string& part : tool::parts_of(list)) {
    long long value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value < min || value > max)
      return flag + ": " + tool::found("numbers from " + tool::number(min) + " to " + tool::number(max), part);
    numbers.push_back(static_cast<T>(value));
  }
  return {};
}

// A sentence, or nothing.
std::string settle_lists(const Flags& flags, Invocation& invocation) {
  const std::string nodes = !flags.nodes.empty()                   ? flags.nodes
                            : invocation.proto == Proto::crosstalk ? "127.0.0.1:9501,127.0.0.1:9502"
                                                                   : "";
  if (nodes.empty()) return "--nodes is required with --proto " + flags.proto;
  std::string wrong = tool::take_addresses("--nodes", nodes, invocation.nodes);
  if (wrong.empty()) wrong = tool::take_addresses("--http", flags.http, invocation.http);
  if (wrong.empty()) wrong = take_numbers<pid_t>("--pids", flags.pids, 1, pid_max, invocation.pids);
  if (wrong.empty() && !invocation.pids.empty() && !invocation.http.empty())
    return "expected --pids or --http, not both";
  if (wrong.empty() && (invocation.ids || invocation.confirms) && invocation.proto != Proto::crosstalk)
    return "--id and --ack: only --proto crosstalk has them";
  return wrong;
}

tool::Result<Invocation, tool::Instead> settle(const Flags& flags, const Row& row) {
  Invocation invocation = flags.found;
  invocation.verb = row.verb;
  invocation.proto = *proto_named(flags.proto);
  if (invocation.label.empty()) invocation.label = flags.proto;
  invocation.timeout = from_seconds(flags.timeout_s);
  invocation.duration = from_seconds(flags.duration_s);
  invocation.warmup = from_seconds(flags.warmup_s);
  std::string wrong;
  if (row.verb == Verb::relay) {
    wrong = take_numbers<std::uint16_t>("--ports", flags.ports, 0, 65'535, invocation.ports);
    if (wrong.empty() && invocation.ports.size() != 2) wrong = "--ports: expected two, found \"" + flags.ports + '"';
  } else if (row.verb != Verb::plot && row.verb != Verb::completion) {
    wrong = settle_lists(flags, invocation);
  }
  if (!wrong.empty()) return fail(wrong);
  return invocation;
}

}  // namespace

tool::Result<Invocation, tool::Instead> read_command_line(int argc, const char* const* argv) {
  const Row* wanted = nullptr;
  if (argc > 1)
    for (const Row& row : rows)
      if (std::string_view(argv[1]) == row.name) wanted = &row;
  Flags flags;
  declare(flags, wanted);
  if (const auto instead = tool::parse(flags.app, argc, argv, fit)) return *instead;
  if (wanted == nullptr) return fail("expected a command");
  return settle(flags, *wanted);
}

tool::Grammar grammar() {
  std::vector<tool::VerbFlags> verbs;
  for (const Row& row : rows) {
    Flags flags;
    declare(flags, &row);
    if (verbs.empty()) verbs.push_back({"", "", tool::flags_of(flags.app)});
    verbs.push_back({row.name, row.help, tool::flags_of(*flags.app.get_subcommand(row.name))});
  }
  return {program, std::move(verbs), {"--plot", "--out"}, "plot"};
}

}  // namespace bench
