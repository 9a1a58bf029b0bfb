// How soon many users are logged in, and at what cost: all at once, or at a pace. Some
// pairs may chat meanwhile, so that it is seen what a storm does to those who are in.
//
// Who is not let in does not end the run: the storm goes on, and that is told.
#include <algorithm>
#include <memory>
#include <utility>

#include "tools/bench/commands.h"
#include "tools/bench/figures.h"
#include "tools/bench/measure.h"
#include "tools/bench/pairs.h"
#include "tools/bench/rig.h"
#include "tools/bench/schedule.h"

namespace bench {

namespace {

// What the nodes do of a login when its user has been answered is counted, too.
constexpr Nanos calm = second;
constexpr Nanos look_after = 20 * millisecond;

struct Storm {
  Spent spent{};
  Histogram chats_alone{};
  Histogram chats_meanwhile{};
};

// Chats of the pairs, alone, for the time that was asked for.
Ending chat_alone(Rig& rig, Pairs& pairs, Schedule& schedule, const Invocation& invocation, Storm& storm) {
  if (Ending failed = pairs.try_out(rig.deadline())) return failed;
  pairs.measure_from(now(), pairs.size());
  schedule.drive(now() + invocation.duration, "chats before the storm");
  storm.chats_alone = pairs.spans();
  return std::nullopt;
}

Ending blow(Rig& rig, Pairs& pairs, Schedule& schedule, const Invocation& invocation, Storm& storm) {
  Crowd& crowd = rig.crowd();
  const std::size_t first = crowd.size();
  for (std::size_t i = 0; i < invocation.sessions; ++i) crowd.add(Role::idler, static_cast<std::uint32_t>(i), i);
  const Result<Usage> begin = rig.servers().look(Servers::Depth::cpu);
  if (!begin) return begin.failure();
  crowd.admit({invocation.at_once, invocation.pace});
  const Nanos deadline = now() + invocation.timeout;
  if (pairs.size() > 0) {
    pairs.measure_from(now(), pairs.size());
    schedule.begin(now());
  }
  for (Nanos at = now(); !crowd.all_in() && at < deadline && !rig.loop().interrupted() && crowd.gone() == 0;
       at = now()) {
    crowd.step(at);
    const double share = static_cast<double>(crowd.size() - first - crowd.admitted());
    rig.progress().show("logins", 1 - share / static_cast<double>(invocation.sessions), at);
    const Nanos due = pairs.size() > 0 ? schedule.step(at) : at + look_after;
    rig.loop().turn(std::min({due, crowd.next_step(), at + look_after}));
  }
  storm.chats_meanwhile = pairs.spans();
  rig.rest(calm, "until all is calm");
  const Result<Usage> end = rig.servers().look(Servers::Depth::cpu);
  if (!end) return end.failure();
  storm.spent = between(*begin, *end);
  return std::nullopt;
}

void tell_chats(Report& report, const Storm& storm) {
  const Nanos alone = storm.chats_alone.quantile(0.99);
  const Nanos meanwhile = storm.chats_meanwhile.quantile(0.99);
  report.number("chats_alone_p99_us", in_micros(alone));
  report.number("chats_meanwhile_p99_us", in_micros(meanwhile));
  report.line("chats", "p99 " + span(alone) + " before, " + span(meanwhile) + " meanwhile (max " +
                           span(storm.chats_meanwhile.max()) + ")");
}

}  // namespace

Ending run_login(const Invocation& invocation) {
  Result<std::unique_ptr<Rig>> made = Rig::make(invocation, invocation.sessions + 2 * invocation.pairs);
  if (!made) return made.failure();
  Rig& rig = **made;
  Crowd& crowd = rig.crowd();
  Pairs pairs(crowd, rig.dialect(), {invocation.pairs, invocation.payload_bytes, false});
  Schedule schedule(rig, pairs, pairs.size(), invocation.rate);
  Storm storm;
  if (pairs.size() > 0)
    if (Ending failed = chat_alone(rig, pairs, schedule, invocation, storm)) return failed;
  if (Ending failed = blow(rig, pairs, schedule, invocation, storm)) return failed;
  settle(rig, pairs);
  rig.progress().clear();

  Report report = begin_report("login", invocation);
  report.title("logins of " + invocation.label + ": " + grouped(invocation.sessions) + ", " +
               (invocation.pace > 0 ? grouped(invocation.pace) + " a second" : "as fast as they go") + ", " +
               (invocation.at_once > 0 ? grouped(invocation.at_once) + " at a time" : "all at once"));
  report.count("sessions", invocation.sessions);
  report.count("logged_in", crowd.admitted());
  report.count("turned_away", crowd.turned_away());
  report.flag("interrupted", rig.loop().interrupted());
  report.line("logged in", grouped(crowd.admitted()) + ", turned away " + grouped(crowd.turned_away()));
  report.number("to_50_percent_ms", in_micros(crowd.time_to(0.5)) / 1000);
  report.number("to_99_percent_ms", in_micros(crowd.time_to(0.99)) / 1000);
  report.number("to_100_percent_ms", in_micros(crowd.time_to(1)) / 1000);
  report.line("time to", "50 % " + span(crowd.time_to(0.5)) + "  99 % " + span(crowd.time_to(0.99)) + "  100 % " +
                             span(crowd.time_to(1)));
  report.cpu(storm.spent, crowd.admitted(), "login");
  report.latency(crowd.login_spans());
  if (pairs.size() > 0) {
    tell_chats(report, storm);
    report.tally(pairs.tally(), false);
  }
  print(report, invocation);
  if (!crowd.all_in() && !rig.loop().interrupted() && !crowd.trouble())
    return Error{Exit::timeout, "not all were in by --timeout", true};
  return judge(pairs.tally(), pairs.refusal(), crowd);
}

}  // namespace bench
