// The command line, read. Pure.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/dialect.h"
#include "tools/bench/nanos.h"
#include "tools/common/address.h"
#include "tools/common/command_line.h"
#include "tools/common/completion.h"
#include "tools/common/result.h"

namespace bench {

enum class Verb : std::uint8_t { throughput, latency, idle, login, fair, relay, plot, completion };

struct Invocation {
  Verb verb{};
  // Whom, and how it is told.
  Proto proto = Proto::crosstalk;
  std::vector<tool::Address> nodes{};
  std::vector<pid_t> pids{};
  std::vector<tool::Address> http{};
  std::string label{};  // the protocol's name, unless told
  bool json = false;
  std::string plot{};
  Nanos timeout = 0;  // until all is ready to be measured
  // The load; each verb takes some.
  std::size_t pairs = 0;
  std::size_t window = 0;
  std::size_t payload_bytes = 0;
  double rate = 0;  // messages a second, of all pairs
  Nanos duration = 0;
  Nanos warmup = 0;
  std::size_t runs = 1;
  bool ids = false;
  bool confirms = false;
  std::size_t sessions = 0;
  std::size_t at_once = 0;  // logins on their way; 0: all
  double pace = 0;          // logins a second; 0: as fast as they go
  std::size_t sip = 0;      // bytes a second that the slow receiver reads
  // relay
  std::vector<std::uint16_t> ports{};
  // plot
  std::vector<std::string> files{};
  std::string out{};
  std::string title{};
  std::string shell{};  // completion
};

tool::Result<Invocation, tool::Instead> read_command_line(int argc, const char* const* argv);

// What there is to complete.
tool::Grammar grammar();

}  // namespace bench
