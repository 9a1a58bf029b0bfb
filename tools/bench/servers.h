// What the servers under test take of the machine: processor time, memory, wake-ups.
//
// Of processes of this machine, by their ids, exactly (the kernel's own count, in
// nanoseconds, with threads that have ended); else from what nodes tell of themselves
// under /metrics. With neither, nothing is known.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/bench/exit.h"
#include "tools/bench/nanos.h"
#include "tools/common/address.h"

namespace bench {

// All servers together, since they began.
struct Usage {
  Nanos at = 0;
  Nanos own_cpu = 0;  // this program's
  std::optional<Nanos> cpu{};
  std::optional<std::uint64_t> resident_bytes{};
  std::optional<std::uint64_t> wakes{};  // how often one stopped waiting
};

// What passed between two looks.
struct Spent {
  Nanos time = 0;
  Nanos own_cpu = 0;
  std::optional<Nanos> cpu{};
  std::optional<std::uint64_t> wakes{};
  std::optional<std::int64_t> resident_bytes{};  // more, or less
};
Spent between(const Usage& begin, const Usage& end);

class Servers {
 public:
  Servers(std::vector<pid_t> pids, std::vector<tool::Address> nodes)
      : pids_(std::move(pids)), nodes_(std::move(nodes)) {}

  // Memory and wake-ups take longer to find out, some of it of the servers' own time.
  enum class Depth : std::uint8_t { cpu, all };

  bool known() const { return !pids_.empty() || !nodes_.empty(); }
  // The failure names the process that is gone, or the node that does not tell.
  Result<Usage> look(Depth depth) const;

 private:
  Ending look_at_processes(Usage& usage, Depth depth) const;
  Ending ask_nodes(Usage& usage) const;

  std::vector<pid_t> pids_;
  std::vector<tool::Address> nodes_;
};

// The value of a metric without labels, as Prometheus' text has it.
std::optional<double> metric(std::string_view page, std::string_view name);

}  // namespace bench
