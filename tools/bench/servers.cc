#include "tools/bench/servers.h"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "tools/common/http.h"

namespace bench {

namespace {

constexpr std::chrono::seconds patience{5};

// The number behind "\nKEY:" in a file of /proc.
std::optional<std::uint64_t> proc_number(const std::filesystem::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::istringstream rest(line.substr(key.size()));
    std::uint64_t number = 0;
    if (rest >> number) return number;
  }
  return std::nullopt;
}

// Exact, where we may look; else as the kernel keeps count.
std::optional<std::uint64_t> resident(const std::filesystem::path& process) {
  auto kilobytes = proc_number(process / "smaps_rollup", "Rss:");
  if (!kilobytes) kilobytes = proc_number(process / "status", "VmRSS:");
  if (!kilobytes) return std::nullopt;
  return *kilobytes * 1024;
}

std::uint64_t wakes(const std::filesystem::path& process) {
  std::uint64_t sum = 0;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator(process / "task", ignored))
    sum += proc_number(thread.path() / "status", "voluntary_ctxt_switches:").value_or(0);
  return sum;
}

template <class T>
void add(std::optional<T>& sum, T more) {
  sum = sum.value_or(0) + more;
}

template <class Out, class In>
std::optional<Out> rise(const std::optional<In>& from, const std::optional<In>& to) {
  if (!from || !to) return std::nullopt;
  return static_cast<Out>(*to) - static_cast<Out>(*from);
}

Error of_http(const tool::Address& node, const tool::AskFailure& failure) {
  const std::string why = "--http " + to_string(node) + ": " + failure.why;
  switch (failure.trouble) {
    case tool::Trouble::unreachable: return {Exit::unreachable, why};
    case tool::Trouble::timeout: return {Exit::timeout, why};
    case tool::Trouble::unauthorised: return {Exit::unauthorised, why};
    case tool::Trouble::refused:
    case tool::Trouble::nonsense: break;
  }
  return {Exit::failed, why};
}

}  // namespace

Spent between(const Usage& begin, const Usage& end) {
  return {end.at - begin.at, end.own_cpu - begin.own_cpu, rise<Nanos>(begin.cpu, end.cpu),
          rise<std::uint64_t>(begin.wakes, end.wakes), rise<std::int64_t>(begin.resident_bytes, end.resident_bytes)};
}

Result<Usage> Servers::look(Depth depth) const {
  Usage usage;
  Ending failed = pids_.empty() ? ask_nodes(usage) : look_at_processes(usage, depth);
  if (failed) return *failed;
  usage.own_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
  usage.at = now();
  return usage;
}

Ending Servers::look_at_processes(Usage& usage, Depth depth) const {
  for (const pid_t pid : pids_) {
    clockid_t clock{};
    if (clock_getcpuclockid(pid, &clock) != 0)
      return Error{Exit::failed, "--pids: there is no process " + std::to_string(pid)};
    add(usage.cpu, read_clock(clock));
    if (depth == Depth::cpu) continue;
    const std::filesystem::path process = "/proc/" + std::to_string(pid);
    add(usage.wakes, wakes(process));
    if (const auto bytes = resident(process)) add(usage.resident_bytes, *bytes);
  }
  return std::nullopt;
}

Ending Servers::ask_nodes(Usage& usage) const {
  for (const tool::Address& node : nodes_) {
    const auto answer = tool::ask({node}, "GET", "/metrics", "", patience);
    if (!answer) return of_http(node, answer.failure());
    auto cpu = metric(answer->body, "crosstalk_cpu_seconds_total");
    if (!cpu) cpu = metric(answer->body, "process_cpu_seconds_total");
    if (!cpu)
      return Error{Exit::failed,
                   "--http " + to_string(node) +
                       ": /metrics does not tell the processor time; on the same host, --pids does without"};
    add(usage.cpu, from_seconds(*cpu));
    auto bytes = metric(answer->body, "crosstalk_memory_bytes");
    if (!bytes) bytes = metric(answer->body, "process_resident_memory_bytes");
    if (bytes) add(usage.resident_bytes, static_cast<std::uint64_t>(*bytes));
  }
  return std::nullopt;
}

std::optional<double> metric(std::string_view page, std::string_view name) {
  const std::string wanted = std::string(name) + " ";
  std::istringstream lines{std::string(page)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(wanted)) continue;
    std::istringstream rest(line.substr(wanted.size()));
    double value = 0;
    if (rest >> value) return value;
  }
  return std::nullopt;
}

}  // namespace bench
