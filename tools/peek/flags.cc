#include "tools/peek/flags.h"

#include "tools/common/printable.h"
#include "tools/common/usage.h"

namespace peek {

namespace {

constexpr const char* program = "cluster-peek";

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
    app.allow_extras();
    tool::begin_flags(app, program, 26);
    app.add_option("--http", http, "the node to ask (127.0.0.1:9701)")->type_name("HOST:PORT");
    app.add_option("--redis", redis, "ask the nodes in this Redis, one after the other")->type_name("URL");
    app.add_option("--cluster", cluster, "with --redis: of that cluster (main)")->type_name("NAME");
    app.add_flag("--once", once, "print one look as plain text");
    app.add_flag("--json", json, "print it for programs, as /v1/cluster has it");
    app.add_flag("--check", check, "one line, and the exit status, for monitoring");
    app.add_option("--token-file", token_file, "the token to ask with")->type_name("FILE");
    tool::end_flags(app, footer);
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

tool::Result<Flags, tool::Instead> read_flags(int argc, const char* const* argv) {
  Flags flags;
  Said said;
  tool::Instead instead;
  std::string wrong;
  try {
    said.app.parse(argc, argv);
    wrong = unknown(said);
    if (wrong.empty()) wrong = take(said, flags);
  } catch (const CLI::CallForHelp&) {
    wrong = unknown(said);
    instead.text = said.app.help();
  } catch (const CLI::CallForVersion& version) {
    wrong = unknown(said);
    instead.text = version.what() + std::string("\n");
  } catch (const CLI::ArgumentMismatch&) {
    wrong = mismatch(said, argv[argc - 1]);
  } catch (const CLI::ParseError& error) {
    wrong = error.what();
  }
  if (!wrong.empty()) return tool::mistake(program, tool::printable(wrong));
  if (!instead.text.empty()) return instead;
  return flags;
}

}  // namespace peek
