#include "tools/common/usage.h"

#include <iomanip>
#include <sstream>

namespace tool {

namespace {

void begin(CLI::App& app) {
  app.set_help_flag();
  app.option_defaults()->group("Flags")->take_last()->disable_flag_override();
}

void end(CLI::App& app) { app.set_help_flag("--help", "print this, and stop"); }

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

}  // namespace

void begin_flags(CLI::App& app, const std::string& program, std::size_t column) {
  app.name(program);
  app.get_formatter()->column_width(column);
  app.get_formatter()->label("OPTIONS", "FLAGS");
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Positionals", "Arguments");
  app.get_formatter()->label("REQUIRED", "");
  begin(app);
}

void end_flags(CLI::App& app, const std::string& footer) {
  app.set_version_flag("--version", app.get_name() + " " CROSSTALK_VERSION)->description("print the version, and stop");
  end(app);
  app.footer(footer);
}

CLI::App& begin_verb(CLI::App& app, const std::string& name, const std::string& help) {
  CLI::App& verb = *app.add_subcommand(name, help);
  verb.group("Commands");
  verb.footer("");  // else the program's
  begin(verb);
  return verb;
}

void end_verb(CLI::App& verb) {
  for (CLI::Option* const option : verb.get_options())
    if (option->get_positional()) option->group("Arguments")->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  end(verb);
}

std::vector<std::string> flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* const option : app.get_options()) {
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream all(list);
  for (std::string part; std::getline(all, part, ',');) parts.push_back(part);
  return parts;
}

std::string take_addresses(const std::string& flag, const std::string& list, std::vector<Address>& addresses) {
  for (const std::string& part : parts_of(list)) {
    const auto address = parse_address(part);
    if (!address) return flag + ": " + address.why();
    addresses.push_back(*address);
  }
  return {};
}

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

void add_shell(CLI::App& verb, std::string& shell) {
  verb.add_option("SHELL", shell, "bash or zsh")
      ->required()
      ->type_name("")
      ->check(CLI::Validator(
          [](const std::string& told) { return told == "bash" || told == "zsh" ? "" : found("bash or zsh", told); },
          ""));
}

std::optional<Instead> parse(CLI::App& app, int argc, const char* const* argv, std::string (*fit)(std::string_view)) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    return Instead{app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Instead{version.what() + std::string("\n")};
  } catch (const CLI::ParseError& error) {
    return mistake(app.get_name(), fit(in_words(error, app)));
  }
}

}  // namespace tool
