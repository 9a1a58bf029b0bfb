// The command line, read. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/address.h"
#include "tools/common/command_line.h"
#include "tools/common/completion.h"
#include "tools/common/result.h"

namespace crosstalk {

enum class Verb : std::uint8_t {
  login,
  send,
  tail,
  who,
  whereis,
  kick,
  drain,
  undrain,
  ping,
  check,
  explain,
  completion,
};

struct Invocation {
  Verb verb{};
  // For every verb.
  std::vector<tool::Address> servers{};  // taken in turn
  tool::Address http{};
  bool json = false;
  std::string token_file{};
  std::optional<std::chrono::milliseconds> timeout{};
  // For some.
  std::string name{};                // login, tail: as whom; whereis, kick: of whom
  std::string as{};                  // send, who: as whom
  std::string to{};                  // send
  std::string token{};               // login, send, tail, who
  std::vector<std::string> words{};  // send
  bool raw = false;                  // send: the words are JSON
  std::size_t limit = 0;             // who: so many at most; 0: all
  std::string after{};               // who
  std::size_t count = 5;             // ping
  std::string id{};                  // explain
  std::string shell{};               // completion
  bool wait = true;                  // drain: until nobody is left
};

tool::Result<Invocation, tool::Instead> read_command_line(int argc, const char* const* argv);

// What there is to complete.
tool::Grammar grammar();

}  // namespace crosstalk
