// Command lines in CLI11's terms, for flags.cc of each tool: how they look in --help,
// what a value may be, and what is said of a mistake. Pure.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/address.h"
#include "tools/common/command_line.h"

namespace tool {

// The program's own flags are added between these two. The second column of --help
// begins at `column`.
void begin_flags(CLI::App& app, const std::string& program, std::size_t column);
void end_flags(CLI::App& app, const std::string& footer);

// A command's own flags and arguments are added between these two.
CLI::App& begin_verb(CLI::App& app, const std::string& name, const std::string& help);
void end_verb(CLI::App& verb);

// "-n", "--count" and so on.
std::vector<std::string> flags_of(const CLI::App& app);

// What stands between commas.
std::vector<std::string> parts_of(const std::string& list);

// A sentence that says what is wrong with them, or nothing.
std::string take_addresses(const std::string& flag, const std::string& list, std::vector<Address>& addresses);

std::string found(const std::string& expected, const std::string& value);
std::string number(double value);
CLI::Validator from_to(double min, double max);

// The argument of `completion`.
void add_shell(CLI::App& verb, std::string& shell);

// Nothing where all of it makes sense. Of what others wrote, `fit` makes what is fit for
// a terminal.
std::optional<Instead> parse(CLI::App& app, int argc, const char* const* argv, std::string (*fit)(std::string_view));

}  // namespace tool
