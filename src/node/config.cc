#include "src/node/config.h"

#include <unistd.h>

#include <toml++/toml.h>
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <sstream>
#include <utility>

#include "src/node/settings.h"

namespace node {

namespace {

constexpr std::size_t file_bytes_max = std::size_t{1} << 20U;
constexpr int usage_exit_code = 2;
constexpr const char* version_text = "crosstalkd " CROSSTALK_VERSION;

// The text of a failure is one line, whatever somebody wrote into a file.
std::string one_line(std::string_view sentence) {
  std::string line;
  for (const char c : sentence) {
    const auto byte = static_cast<unsigned char>(c);
    std::array<char, 8> escaped{};
    if (byte < 0x20 || byte == 0x7f) std::snprintf(escaped.data(), escaped.size(), "\\x%02x", byte);
    if (escaped[0] != '\0') {
      line += escaped.data();
    } else {
      line += c;
    }
  }
  return line;
}

std::string or_see(std::string_view near, std::string_view manual) {
  return near.empty() ? "; see " + std::string(manual) : "; did you mean " + in_quotes(near) + "?";
}

struct Reading {
  const std::string& path;
  Config& config;
  Places& places;
  // toml++ keeps tables sorted by key; the reader wants the first mistake in
  // the file's own order.
  toml::source_position first{};
  std::string sentence;

  std::string place(toml::source_position at) const {
    return path + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
  }
  void wrong(toml::source_position at, std::string what) {
    if (!sentence.empty() && !(at < first)) return;
    first = at;
    sentence = place(at) + what;
  }
};

std::string shown(const toml::node& node) {
  return node.visit([](const auto& it) -> std::string {
    if constexpr (toml::is_table<decltype(it)>) {
      return "a table";
    } else if constexpr (toml::is_array<decltype(it)>) {
      return "an array";
    } else if constexpr (toml::is_string<decltype(it)>) {
      return in_quotes(it.get());
    } else {
      std::ostringstream text;
      text << std::boolalpha << it.get();
      return text.str();
    }
  });
}

void take_whole(Reading& reading, const Setting& setting, const Whole& rule, const toml::node& node) {
  const std::int64_t value = node.is_integer() ? node.as_integer()->get() : -1;
  if (value >= 0 && std::cmp_greater_equal(value, rule.min) && std::cmp_less_equal(value, rule.max))
    return rule.set(reading.config, static_cast<std::uint64_t>(value));
  const std::string range = rule.min == rule.max
                                ? std::to_string(rule.min)
                                : "a whole number from " + std::to_string(rule.min) + " to " + std::to_string(rule.max);
  reading.wrong(node.source().begin, std::string(setting.key) + ": expected " + range + ", found " + shown(node));
}

template <class Set>
void take_text(Reading& reading, const Setting& setting, Set set, const toml::node& node) {
  const Wrong wrong = node.is_string() ? set(reading.config, node.as_string()->get())
                                       : "expected a string (" + std::string(setting.value) + "), found " + shown(node);
  if (!wrong.empty()) reading.wrong(node.source().begin, std::string(setting.key) + ": " + wrong);
}

void take_list(Reading& reading, const Setting& setting, const List& rule, const toml::node& node) {
  if (!node.is_array())
    return reading.wrong(node.source().begin, std::string(setting.key) + ": expected an array of strings (" +
                                                  setting.value + "), found " + shown(node));
  for (const toml::node& element : *node.as_array()) take_text(reading, setting, rule.add, element);
}

void take(Reading& reading, const Setting& setting, const toml::node& node) {
  reading.places.put(setting, reading.place(node.source().begin) + setting.key);
  if (const auto* whole = std::get_if<Whole>(&setting.rule)) take_whole(reading, setting, *whole, node);
  if (const auto* text = std::get_if<Text>(&setting.rule)) take_text(reading, setting, text->set, node);
  if (const auto* list = std::get_if<List>(&setting.rule)) take_list(reading, setting, *list, node);
}

const Setting* find(std::string_view key) {
  for (const Setting& setting : settings())
    if (setting.key == key) return &setting;
  return nullptr;
}

std::vector<std::string_view> keys() {
  std::vector<std::string_view> keys;
  for (const Setting& setting : settings()) keys.emplace_back(setting.key);
  return keys;
}

std::string_view table_of(std::string_view key) { return key.substr(0, key.find('.')); }
std::string_view name_of(std::string_view key) { return key.substr(key.find('.') + 1); }

// The right name in the wrong table is likelier than any slip.
std::string_view nearest_key(std::string_view name, std::string_view full) {
  for (const std::string_view key : keys())
    if (name_of(key) == name) return key;
  return nearest(full, keys());
}

std::string_view nearest_table(std::string_view name) {
  std::vector<std::string_view> tables;
  for (const std::string_view key : keys()) tables.push_back(table_of(key));
  return nearest(name, tables);
}

bool is_table(std::string_view name) {
  const std::vector<std::string_view> all = keys();
  return std::any_of(all.begin(), all.end(), [&](std::string_view key) { return table_of(key) == name; });
}

void take_table(Reading& reading, const toml::key& name, const toml::node& node) {
  const std::string table(name.str());
  if (!is_table(table)) {
    const bool key = !node.is_table();
    const std::string_view near = key ? nearest_key(table, table) : nearest_table(table);
    return reading.wrong(name.source().begin, (key ? "unknown key " : "unknown table ") + in_quotes(table) +
                                                  or_see(near, "crosstalkd.toml(5)"));
  }
  if (!node.is_table()) return reading.wrong(node.source().begin, table + ": expected a table, found " + shown(node));
  for (const auto& [key, value] : *node.as_table()) {
    const std::string full = table + "." + std::string(key.str());
    if (const Setting* setting = find(full))
      take(reading, *setting, value);
    else
      reading.wrong(key.source().begin,
                    "unknown key " + in_quotes(full) + or_see(nearest_key(key.str(), full), "crosstalkd.toml(5)"));
  }
}

// The whole text, or a failure that says what the system said.
peer::Result<std::string> read_text(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) return peer::Failure{std::strerror(errno)};
  std::string text(file_bytes_max + 1, '\0');
  errno = 0;
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return peer::Failure{std::strerror(errno)};
  if (text.size() > file_bytes_max) return peer::Failure{"it is over 1 MiB"};
  return text;
}

// A sentence, or nothing.
Wrong read_file(const std::string& path, Config& config, Places& places) {
  peer::Result<std::string> text = read_text(path);
  if (!text) return "crosstalkd: --config: expected a readable file, found " + path + ": " + text.why();
  Reading reading{path, config, places, {}, {}};
  try {
    const toml::table root = toml::parse(std::string_view(*text));
    for (const auto& [name, node] : root) take_table(reading, name, node);
  } catch (const toml::parse_error& error) {
    reading.wrong(error.source().begin, std::string(error.description()));
  }
  return reading.sentence;
}

struct Flags {
  CLI::App app{
      "crosstalkd - a chat server: nodes find each other, and a chat goes straight to\n"
      "the node that serves its recipient\n"};
  std::string config;
  std::string ready_file;
  bool check_config = false;
  // What the table of settings declares.
  std::vector<std::pair<const Setting*, CLI::Option*>> settings;
};

constexpr const char* help_footer =
    "Without a file or flags it is one node on 127.0.0.1 with no Redis. A flag wins\n"
    "over the file. Port 0 takes any free port; the log and the ready file say which.\n"
    "\n"
    "SIGTERM and SIGINT stop it in good order, a second one at once; SIGUSR1 writes\n"
    "its state to the log, SIGHUP reads the settings anew, SIGUSR2\n"
    "runs the version that is installed by now.\n"
    "Exit status: 0 stopped, 1 failed, 2 wrong flag or setting.\n"
    "\n"
    "See crosstalkd(8), crosstalkd.toml(5), crosstalk-protocol(7).";

// In the order of the manual.
void declare(Flags& flags) {
  CLI::App& app = flags.app;
  app.name("crosstalkd");
  app.allow_extras();
  app.set_help_flag();
  app.get_formatter()->column_width(31);
  app.get_formatter()->label("OPTIONS", "FLAGS");
  app.option_defaults()->group("Flags")->take_last()->disable_flag_override();
  app.add_option("--config", flags.config, "settings, see crosstalkd.toml(5)")->type_name("FILE");
  for (const Setting& setting : settings())
    if (setting.flag != nullptr)
      flags.settings.emplace_back(&setting,
                                  app.add_option(setting.flag)->description(setting.help)->type_name(setting.value));
  app.add_option("--ready-file", flags.ready_file, "written when it serves: pid and addresses")->type_name("FILE");
  app.add_flag("--check-config", flags.check_config, "say whether the settings are sound, and stop");
  app.set_version_flag("--version", version_text)->description("print the version, and stop");
  app.set_help_flag("--help", "print this, and stop");
  app.footer(help_footer);
}

CommandLine fail(const std::string& sentence) {
  return {CommandLine::Action::fail, one_line(sentence) + "\n", usage_exit_code, {}};
}

CommandLine print(const std::string& text) { return {CommandLine::Action::print, text + "\n", 0, {}}; }

std::string unknown_flag(const CLI::App& app, const std::string& argument) {
  if (!argument.starts_with('-'))
    return "crosstalkd: expected flags, found " + in_quotes(argument) + or_see({}, "crosstalkd --help");
  // The dashes are no likeness.
  const std::string flag = argument.substr(0, argument.find('='));
  std::vector<std::string_view> names;
  for (const CLI::Option* option : app.get_options()) names.emplace_back(option->get_lnames().front());
  const std::string_view near =
      nearest(std::string_view(flag).substr(std::min<std::size_t>(flag.find_first_not_of('-'), flag.size())), names);
  return "crosstalkd: unknown flag " + in_quotes(flag) +
         or_see(near.empty() ? "" : "--" + std::string(near), "crosstalkd --help");
}

// A flag without its value (only the last argument can lack it), or with one
// where none belongs.
std::string mismatch(const CLI::App& app, std::span<const char* const> arguments) {
  const auto option = [&](std::string_view argument) {
    return app.get_option_no_throw(std::string(argument.substr(0, argument.find('='))));
  };
  for (const std::string_view argument : arguments.subspan(1)) {
    const CLI::Option* flag = option(argument);
    if (flag != nullptr && flag->get_type_name().empty() && argument.find('=') != std::string_view::npos)
      return "crosstalkd: " + flag->get_name() + ": expected no value, found " +
             in_quotes(argument.substr(argument.find('=') + 1));
  }
  const CLI::Option* last = option(arguments.back());
  return "crosstalkd: " + (last == nullptr ? "" : last->get_name()) + ": expected " +
         (last == nullptr ? "" : last->get_type_name()) + ", found nothing";
}

Wrong take_flag(const Setting& setting, const std::vector<std::string>& values, Config& config) {
  const auto* list = std::get_if<List>(&setting.rule);
  if (list == nullptr) return std::get<Text>(setting.rule).set(config, values.back());
  list->clear(config);
  std::istringstream all(values.back());
  for (std::string one; std::getline(all, one, ',');)
    if (Wrong wrong = list->add(config, one); !wrong.empty()) return wrong;
  return {};
}

std::string host_name() {
  std::array<char, 256> host{};
  return gethostname(host.data(), host.size() - 1) == 0 ? host.data() : "";
}

// The file first, then the flags over it, then what they make together.
CommandLine settle(const Flags& flags) {
  CommandLine result;
  Config& config = result.config;
  Places places;
  config.name = node_name_of_host(host_name());
  config.ready_file = flags.ready_file;
  for (const char* flag : {"--config", "--ready-file"})
    if (const CLI::Option* option = flags.app.get_option(flag);
        option->count() != 0 && option->results().back().empty())
      return fail(std::string("crosstalkd: ") + flag + ": expected the name of a file, found \"\"");
  if (!flags.config.empty())
    if (const Wrong wrong = read_file(flags.config, config, places); !wrong.empty()) return fail(wrong);
  for (const auto& [setting, option] : flags.settings) {
    if (option->count() == 0) continue;
    places.put_flag(*setting);
    if (const Wrong wrong = take_flag(*setting, option->results(), config); !wrong.empty())
      return fail(places.of(setting->key) + ": " + wrong);
  }
  if (const Wrong wrong = check(config, places); !wrong.empty()) return fail(wrong);
  if (flags.check_config) {
    result.action = CommandLine::Action::check_config;
    result.text = (flags.config.empty() ? "flags" : flags.config) + ": ok\n";
  }
  return result;
}

}  // namespace

std::string node_name_of_host(std::string_view host) {
  std::string name(host.substr(0, std::min<std::size_t>(host.find('.'), 64)));
  for (char& c : name)
    if (!peer::valid_node_name({&c, 1})) c = '-';
  return name.empty() ? "node" : name;
}

std::optional<io::RedisPlace> redis_place(const Config& config) {
  if (!config.redis_sentinels.empty()) return io::RedisSentinels{config.redis_sentinels, config.redis_master};
  if (config.redis_url.empty()) return std::nullopt;
  return *io::parse_redis_url(config.redis_url);
}

CommandLine read_command_line(int argc, const char* const* argv) {
  Flags flags;
  declare(flags);
  // A wrong flag is one beside --help, too.
  const auto unless_unknown = [&flags](const auto& otherwise) {
    const std::vector<std::string> unknown = flags.app.remaining();
    return unknown.empty() ? otherwise() : fail(unknown_flag(flags.app, unknown.front()));
  };
  try {
    flags.app.parse(argc, argv);
    return unless_unknown([&flags] { return settle(flags); });
  } catch (const CLI::CallForHelp&) {
    return unless_unknown([&flags] { return print(flags.app.help()); });
  } catch (const CLI::CallForVersion&) {
    return unless_unknown([] { return print(version_text); });
  } catch (const CLI::ArgumentMismatch&) {
    return fail(mismatch(flags.app, {argv, static_cast<std::size_t>(argc)}));
  } catch (const CLI::ParseError& error) {
    return fail(std::string("crosstalkd: ") + error.what());
  }
}

}  // namespace node
