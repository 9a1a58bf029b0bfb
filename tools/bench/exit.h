// How a run ended: what is promised as its exit status, and why.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/common/result.h"

namespace bench {

enum class Exit : std::uint8_t {
  done = 0,
  failed = 1,        // messages were lost, or it could not be measured
  usage = 2,         // the arguments make no sense
  unreachable = 3,   // no connection, or it was lost
  unauthorised = 4,  // the servers do not let us in
  timeout = 5,       // it took longer than --timeout
};

struct Error {
  Exit exit = Exit::failed;
  std::string why{};  // a sentence that says what to do, fit for a terminal
  bool told = false;  // standard output has it already
};

template <class T>
using Result = tool::Result<T, Error>;

// Nothing: it is done.
using Ending = std::optional<Error>;

}  // namespace bench
