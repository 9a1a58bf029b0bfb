// What sessions cost that do nothing: memory, processor time, wake-ups.
//
// The servers are watched for a while without them, then with them, so that what they
// do anyway is told apart.
#include <memory>
#include <utility>

#include "tools/bench/commands.h"
#include "tools/bench/figures.h"
#include "tools/bench/rig.h"

namespace bench {

namespace {

// Until what the logins have left behind is done and freed.
constexpr Nanos calm = second;

struct Watch {
  Usage begin{};
  Usage end{};
  Spent spent() const { return between(begin, end); }
};

Result<Watch> watch(Rig& rig, Nanos span, std::string_view what) {
  const Result<Usage> begin = rig.servers().look(Servers::Depth::all);
  if (!begin) return begin.failure();
  rig.rest(span, what);
  const Result<Usage> end = rig.servers().look(Servers::Depth::all);
  if (!end) return end.failure();
  return Watch{*begin, *end};
}

double in_minute(std::uint64_t count, const Spent& spent) {
  return static_cast<double>(count) * 60 / in_seconds(spent.time);
}

void tell_memory(Report& report, const Spent& grown, std::size_t sessions) {
  if (!grown.resident_bytes) {
    report.line("memory", "not known: name the servers with --pids or --http");
    return;
  }
  const double each = static_cast<double>(*grown.resident_bytes) / static_cast<double>(sessions);
  report.number("bytes_per_session", each);
  report.line("memory", fixed(each, 0) + " resident bytes a session (" +
                            fixed(static_cast<double>(*grown.resident_bytes) / (1 << 20U), 1) + " MiB in all)");
}

void tell_quiet(Report& report, const Spent& without, const Spent& with) {
  if (without.cpu && with.cpu) {
    const double before = in_seconds(*without.cpu) / in_seconds(without.time);
    const double after = in_seconds(*with.cpu) / in_seconds(with.time);
    report.number("idle_cores_without", before);
    report.number("idle_cores_with", after);
    report.line("idle CPU", fixed(before * 100, 2) + " % of a core without them, " + fixed(after * 100, 2) + " % with");
  }
  if (without.wakes && with.wakes) {
    const double before = in_minute(*without.wakes, without);
    const double after = in_minute(*with.wakes, with);
    report.number("wakes_per_minute_without", before);
    report.number("wakes_per_minute_with", after);
    report.line("wake-ups", grouped(before) + " a minute without them, " + grouped(after) + " with");
  }
}

}  // namespace

Ending run_idle(const Invocation& invocation) {
  Result<std::unique_ptr<Rig>> made = Rig::make(invocation, invocation.sessions);
  if (!made) return made.failure();
  Rig& rig = **made;
  Crowd& crowd = rig.crowd();
  const Result<Watch> without = watch(rig, invocation.duration, "without sessions");
  if (!without) return without.failure();

  for (std::size_t i = 0; i < invocation.sessions; ++i) crowd.add(Role::idler, static_cast<std::uint32_t>(i), i);
  const Result<Usage> before = rig.servers().look(Servers::Depth::all);
  if (!before) return before.failure();
  if (Ending failed = crowd.admit_all({invocation.at_once, 0}, now() + invocation.timeout)) return failed;
  rig.rest(calm, "until all is calm");
  const Result<Usage> after = rig.servers().look(Servers::Depth::all);
  if (!after) return after.failure();
  const Result<Watch> with = watch(rig, invocation.duration, "with sessions");
  if (!with) return with.failure();
  rig.progress().clear();

  Report report = begin_report("idle", invocation);
  report.title("idle sessions of " + invocation.label + ": " + grouped(invocation.sessions));
  report.count("sessions", invocation.sessions);
  report.count("present", crowd.present());
  report.flag("interrupted", rig.loop().interrupted());
  report.number("seconds", in_seconds(with->spent().time));
  const double login_s = in_seconds(crowd.time_to(1));
  report.number("logins_per_s", static_cast<double>(invocation.sessions) / std::max(login_s, 1e-9));
  report.line("logged in", "in " + fixed(login_s, 2) + " s, " + grouped(invocation.at_once) + " at a time");
  report.cpu(between(*before, *after), invocation.sessions, "login");
  tell_memory(report, between(*before, *after), invocation.sessions);
  tell_quiet(report, without->spent(), with->spent());
  report.count("gone", crowd.gone());
  print(report, invocation);
  return judge({}, {}, crowd);
}

}  // namespace bench
