// The command line of cluster-peek.
#pragma once

#include <optional>
#include <string>

#include "tools/common/address.h"
#include "tools/common/command_line.h"
#include "tools/common/result.h"
#include "tools/peek/redis.h"

namespace peek {

enum class Mode : unsigned char { screen, once, json, check };

struct Flags {
  Mode mode = Mode::screen;
  tool::Address http{"127.0.0.1", 9701};
  std::optional<RedisUrl> redis{};  // then http is not asked
  std::string cluster = "main";
  std::string token_file{};
};

tool::Result<Flags, tool::Instead> read_flags(int argc, const char* const* argv);

}  // namespace peek
