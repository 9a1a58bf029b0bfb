#include "tools/peek/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "tools/common/printable.h"

namespace peek {

namespace {

constexpr const char* footer =
    "Any one node answers for all. The token to ask with comes from --token-file or\n"
    "$CROSSTALK_TOKEN. On the screen, ? shows the keys and what the marks mean.\n"
    "\n"
    "Exit status: 0 done; with --check: every node in the set has a live link to\n"
    "every other. 1 it has not. 2 wrong flag, or it could not look.\n"
    "\n"
    "See cluster-peek(1).";

bool is_name(const std::string& text) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !text.empty() && text.size() <= 64 && text.find_first_not_of(allowed) == std::string::npos;
}

struct Said {
  CLI::App app{"cluster-peek - the living mesh at one look: nodes, and links expected against actual\n"};
  std::string http;
  std::string redis;
  std::string cluster;
  std::string token_file;
  bool once = false;
  bool json = false;
  bool check = false;

  Said() {
    app.name("cluster-peek");
    app.allow_extras();
    app.set_help_flag();
    app.get_formatter()->column_width(26);
    app.get_formatter()->label("OPTIONS", "FLAGS");
    app.option_defaults()->group("Flags")->take_last()->disable_flag_override();
    app.add_option("--http", http, "the node to ask (127.0.0.1:9701)")->type_name("HOST:PORT");
    app.add_option("--redis", redis, "ask the nodes in this Redis, one after the other")->type_name("URL");
    app.add_option("--cluster", cluster, "with --redis: of that cluster (main)")->type_name("NAME");
    app.add_flag("--once", once, "print one look as plain text");
    app.add_flag("--json", json, "print it for programs, as /v1/cluster has it");
    app.add_flag("--check", check, "one line, and the exit status, for monitoring");
    app.add_option("--token-file", token_file, "the token to ask with")->type_name("FILE");
    app.set_version_flag("--version", "cluster-peek " CROSSTALK_VERSION)->description("print the version, and stop");
    app.set_help_flag("--help", "print this, and stop");
    app.footer(footer);
  }
};

// Empty where there is none.
std::string take(const Said& said, Flags& flags) {
  if (said.once + said.json + said.check > 1) return "expected one of --once, --json and --check";
  flags.mode = said.once ? Mode::once : said.json ? Mode::json : said.check ? Mode::check : Mode::screen;
  const auto given = [&said](const char* flag) { return said.app.get_option(flag)->count() > 0; };
  if (given("--http") && given("--redis")) return "expected --http or --redis, not both";
  if (given("--cluster") && !given("--redis")) return "--cluster: expected with --redis";
  if (given("--http")) {
    const auto address = tool::parse_address(said.http);
    if (!address) return "--http: " + address.why();
    flags.http = *address;
  }
  if (given("--redis")) {
    const auto url = parse_redis_url(said.redis);
    if (!url) return "--redis: " + url.why();
    flags.redis = *url;
  }
  if (given("--cluster")) flags.cluster = said.cluster;
  if (!is_name(flags.cluster)) return "--cluster: expected 1 to 64 of A-Z a-z 0-9 . _ -";
  if (given("--token-file") && said.token_file.empty()) return "--token-file: expected the name of a file";
  flags.token_file = said.token_file;
  return "";
}

// What is no flag is a mistake beside --help, too.
std::string unknown(const Said& said) {
  const std::vector<std::string> extras = said.app.remaining();
  if (extras.empty()) return "";
  const std::string quoted = "\"" + extras.front() + "\"";
  return extras.front().starts_with('-') ? "unknown flag " + quoted : "expected flags, found " + quoted;
}

// Of what there is a value missing, or one too many.
std::string mismatch(const Said& said, std::string_view last) {
  const CLI::Option* const option = said.app.get_option_no_throw(std::string(last.substr(0, last.find('='))));
  if (option == nullptr) return "expected flags";
  return option->get_name() + ": expected " +
         (option->get_type_name().empty() ? "no value" : option->get_type_name() + ", found nothing");
}

}  // namespace

Flags read_flags(int argc, const char* const* argv) {
  Flags flags;
  Said said;
  std::string mistake;
  try {
    said.app.parse(argc, argv);
    mistake = unknown(said);
    if (mistake.empty()) mistake = take(said, flags);
  } catch (const CLI::CallForHelp&) {
    mistake = unknown(said);
    flags.print = said.app.help();
  } catch (const CLI::CallForVersion&) {
    mistake = unknown(said);
    flags.print = "cluster-peek " CROSSTALK_VERSION "\n";
  } catch (const CLI::ArgumentMismatch&) {
    mistake = mismatch(said, argv[argc - 1]);
  } catch (const CLI::ParseError& error) {
    mistake = error.what();
  }
  if (!mistake.empty()) flags.mistake = "cluster-peek: " + tool::printable(mistake) + "; see cluster-peek --help\n";
  return flags;
}

}  // namespace peek
