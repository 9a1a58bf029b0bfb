// The simulator's command line; see tests/README.md.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/plan.h"
#include "tests/sim/storm.h"

namespace {

using sim::Plan;
using sim::Storm;
using sim::Trace;
using sim::Verdict;

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 600;
  bool single = false;
  bool trace = false;
  bool shrink = true;
  bool fail_fast = false;
  double minutes = 0;
  unsigned jobs = 1;
  std::optional<std::vector<std::size_t>> only;  // faults
};

// Of many seeds some are run twice.
constexpr std::uint64_t again_every = 32;
constexpr const char* not_the_same = "the second run of the seed was another";

constexpr const char* usage =
    "usage: sim [--seeds N] [--first S] [--jobs N] [--minutes M] [--no-shrink] [--fail-fast]\n"
    "       sim --seed S [--trace] [--minutes M] [--only FAULT,…]\n";

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--trace") {
      arguments.trace = true;
      continue;
    }
    if (flag == "--fail-fast") {
      arguments.fail_fast = true;
      continue;
    }
    if (flag == "--no-shrink") {
      arguments.shrink = false;
      continue;
    }
    if (++i >= argc) return std::nullopt;
    char* end = nullptr;
    if (flag == "--seeds") arguments.seeds = std::strtoull(argv[i], &end, 10);
    if (flag == "--first") arguments.first = std::strtoull(argv[i], &end, 10);
    if (flag == "--jobs") arguments.jobs = static_cast<unsigned>(std::strtoul(argv[i], &end, 10));
    if (flag == "--minutes") arguments.minutes = std::strtod(argv[i], &end);
    if (flag == "--seed") {
      arguments.first = std::strtoull(argv[i], &end, 10);
      arguments.seeds = 1;
      arguments.single = true;
    }
    if (flag == "--only") {
      arguments.only.emplace();
      for (char* at = argv[i]; *at != 0; at = *end == ',' ? end + 1 : end) {
        const auto index = std::strtoull(at, &end, 10);
        if (end == at) break;
        arguments.only->push_back(index);
      }
    }
    if (end == nullptr || *end != 0) return std::nullopt;
  }
  arguments.jobs = std::clamp(arguments.jobs, 1U, 64U);
  return arguments;
}

Plan with_faults(const Plan& plan, const std::vector<std::size_t>& kept) {
  Plan fewer = plan;
  fewer.faults.clear();
  for (const std::size_t i : kept)
    if (i < plan.faults.size()) fewer.faults.push_back(plan.faults[i]);
  return fewer;
}

Verdict run(const Plan& plan, Trace::Keep keep) { return Storm(plan, keep).run(); }

// A breach but for its numbers.
std::string kind_of(std::string_view breach) {
  std::string kind;
  int depth = 0;
  for (const char c : breach) {
    depth += c == '(' ? 1 : 0;
    if (depth == 0 && (c < '0' || c > '9')) kind += c;
    depth -= c == ')' ? 1 : 0;
  }
  return kind;
}

// --- A failure is made small: leave faults out while it still fails so.

std::vector<std::size_t> shrink(const Plan& plan, const std::string& kind) {
  std::vector<std::size_t> kept(plan.faults.size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = i;
  for (std::size_t size = std::max<std::size_t>(kept.size() / 2, 1);; size /= 2) {
    for (std::size_t at = 0; at < kept.size();) {
      std::vector<std::size_t> fewer = kept;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                  fewer.begin() + static_cast<std::ptrdiff_t>(std::min(at + size, fewer.size())));
      if (kind_of(run(with_faults(plan, fewer), Trace::Keep::hash).breach) != kind)
        at += size;
      else
        kept = std::move(fewer);
    }
    if (size <= 1) return kept;
  }
}

void tell_failure(const Plan& plan, const Verdict& verdict, double minutes, bool shrinks) {
  std::printf("seed %llu FAILED: %s\n  %s\n", static_cast<unsigned long long>(plan.seed), verdict.breach.c_str(),
              describe(plan).c_str());
  std::vector<std::size_t> kept(plan.faults.size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = i;
  if (shrinks) kept = shrink(plan, kind_of(verdict.breach));
  const Plan small = with_faults(plan, kept);
  const Verdict again = run(small, Trace::Keep::tail);
  if (kept.size() < plan.faults.size()) std::printf("  with fewer faults: %s\n", again.breach.c_str());
  for (const sim::Fault& fault : small.faults) std::printf("  fault: %s\n", to_string(fault).c_str());
  for (const std::string& line : again.tail) std::printf("    %s\n", line.c_str());
  std::printf("  again: build/sim --seed %llu --trace", static_cast<unsigned long long>(plan.seed));
  if (minutes > 0) std::printf(" --minutes %g", minutes);
  std::printf(" --only ");
  if (kept.empty()) std::printf("999");
  for (std::size_t i = 0; i < kept.size(); ++i) std::printf("%s%zu", i == 0 ? "" : ",", kept[i]);
  std::printf("\n");
  std::fflush(stdout);
}

// --- Many seeds, shared among processes: an assert ends one of them, not the run.

struct Tally {
  std::uint64_t current = 0;
  std::uint64_t next = 0;
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t events = 0;
  std::uint64_t chats = 0;
  std::uint64_t open = 0;
  std::uint64_t repeated = 0;
  std::uint64_t stored = 0;
  std::uint64_t delivered = 0;
  double simulated_s = 0;
  double node_s = 0;
  double whole_after_s_max = 0;
  std::uint64_t whole_after_seed = 0;
};

void work(const Arguments& arguments, Tally& tally) {
  const std::uint64_t end = arguments.first + arguments.seeds;
  while (tally.next < end) {
    const std::uint64_t seed = tally.next;
    tally.current = seed;
    tally.next += arguments.jobs;
    const Plan plan = sim::draw_plan(seed, arguments.minutes);
    Verdict verdict = run(plan, Trace::Keep::hash);
    if (seed % again_every == 0 && verdict.breach.empty() && run(plan, Trace::Keep::hash).hash != verdict.hash)
      verdict.breach = not_the_same;
    const double simulated_s = static_cast<double>(verdict.simulated.count()) / 1e6;
    tally.simulated_s += simulated_s;
    tally.node_s += simulated_s * plan.nodes;
    tally.events += verdict.events;
    tally.chats += verdict.chats;
    tally.open += verdict.counts.open;
    tally.repeated += verdict.counts.repeated;
    tally.stored += verdict.counts.stored;
    tally.delivered += verdict.counts.delivered;
    const double whole_after_s = static_cast<double>(verdict.whole_after.count()) / 1e6;
    if (whole_after_s > tally.whole_after_s_max) {
      tally.whole_after_s_max = whole_after_s;
      tally.whole_after_seed = seed;
    }
    if (verdict.breach.empty()) {
      ++tally.passed;
      continue;
    }
    ++tally.failed;
    tell_failure(plan, verdict, arguments.minutes, arguments.shrink && tally.failed <= 5);
    if (arguments.fail_fast) return;
  }
}

int run_many(const Arguments& arguments) {
  const std::size_t bytes = sizeof(Tally) * arguments.jobs;
  void* const shared = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return std::perror("mmap"), 1;
  auto* const tallies = static_cast<Tally*>(shared);
  const auto began = std::chrono::steady_clock::now();
  std::vector<pid_t> workers(arguments.jobs, 0);
  const auto start = [&](unsigned job) {
    std::fflush(stdout);
    workers[job] = fork();
    if (workers[job] != 0) return;
    work(arguments, tallies[job]);
    std::fflush(stdout);
    _exit(0);
  };
  for (unsigned job = 0; job < arguments.jobs; ++job) {
    new (&tallies[job]) Tally;
    tallies[job].next = arguments.first + job;
    start(job);
  }
  for (unsigned running = arguments.jobs; running > 0;) {
    int status = 0;
    const pid_t pid = wait(&status);
    const auto at = std::find(workers.begin(), workers.end(), pid);
    if (at == workers.end()) continue;
    const auto job = static_cast<unsigned>(at - workers.begin());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      --running;
      continue;
    }
    ++tallies[job].failed;
    std::printf("seed %llu FAILED: the program died (%s %d)\n  again: build/sim --seed %llu --trace\n",
                static_cast<unsigned long long>(tallies[job].current), WIFSIGNALED(status) ? "signal" : "status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                static_cast<unsigned long long>(tallies[job].current));
    if (arguments.fail_fast)
      --running;
    else
      start(job);
  }
  Tally all;
  for (unsigned job = 0; job < arguments.jobs; ++job) {
    const Tally& each = tallies[job];
    all.passed += each.passed;
    all.failed += each.failed;
    all.events += each.events;
    all.chats += each.chats;
    all.open += each.open;
    all.repeated += each.repeated;
    all.stored += each.stored;
    all.delivered += each.delivered;
    all.simulated_s += each.simulated_s;
    all.node_s += each.node_s;
    if (each.whole_after_s_max > all.whole_after_s_max) {
      all.whole_after_s_max = each.whole_after_s_max;
      all.whole_after_seed = each.whole_after_seed;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf(
      "%llu events, %llu chats (%llu delivered, %llu stored, %llu left open; %llu seen again), %.1f node-hours; calm "
      "at "
      "most %.1f s after the storm (seed %llu)\n",
      static_cast<unsigned long long>(all.events), static_cast<unsigned long long>(all.chats),
      static_cast<unsigned long long>(all.delivered), static_cast<unsigned long long>(all.stored),
      static_cast<unsigned long long>(all.open), static_cast<unsigned long long>(all.repeated), all.node_s / 3600,
      all.whole_after_s_max, static_cast<unsigned long long>(all.whole_after_seed));
  std::printf("%llu seeds, %.1f simulated hours in %.1f s (%.1f/s; %.1f node-hours/s)\n",
              static_cast<unsigned long long>(arguments.seeds), all.simulated_s / 3600, took.count(),
              all.simulated_s / 3600 / took.count(), all.node_s / 3600 / took.count());
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(all.passed),
              static_cast<unsigned long long>(all.failed));
  munmap(shared, bytes);
  return all.failed == 0 ? 0 : 1;
}

// One seed, twice: the same run both times.
int run_one(const Arguments& arguments) {
  Plan plan = sim::draw_plan(arguments.first, arguments.minutes);
  if (arguments.only) plan = with_faults(plan, *arguments.only);
  std::printf("seed %llu: %s\n", static_cast<unsigned long long>(plan.seed), describe(plan).c_str());
  for (std::size_t i = 0; i < plan.faults.size(); ++i)
    std::printf("  fault %zu: %s\n", i, to_string(plan.faults[i]).c_str());
  const Verdict verdict = run(plan, arguments.trace ? Trace::Keep::all : Trace::Keep::hash);
  const Verdict again = run(plan, Trace::Keep::hash);
  std::string breach = verdict.breach;
  if (breach.empty() && again.hash != verdict.hash) breach = not_the_same;
  const auto& counts = verdict.counts;
  std::printf(
      "%.1f s simulated, %llu events, %zu chats: %zu delivered, %zu written, %zu stored, %zu failed, %zu open, "
      "%zu seen again; calm after %.1f s, trace %016llx\n",
      static_cast<double>(verdict.simulated.count()) / 1e6, static_cast<unsigned long long>(verdict.events),
      verdict.chats, counts.delivered, counts.written, counts.stored, counts.failed, counts.open, counts.repeated,
      static_cast<double>(verdict.whole_after.count()) / 1e6, static_cast<unsigned long long>(verdict.hash));
  if (!breach.empty()) std::printf("FAILED: %s\n", breach.c_str());
  std::printf("%d passed, %d failed\n", breach.empty() ? 1 : 0, breach.empty() ? 0 : 1);
  return breach.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) return std::fputs(usage, stderr), 2;
  return arguments->single ? run_one(*arguments) : run_many(*arguments);
}
