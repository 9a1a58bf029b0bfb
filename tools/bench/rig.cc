#include "tools/bench/rig.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tools/bench/figures.h"

namespace bench {

Result<std::unique_ptr<Rig>> Rig::make(const Invocation& invocation, std::size_t connections) {
  if (Ending failed = Crowd::make_room(connections)) return *failed;
  std::vector<Place> places;
  for (const tool::Address& node : invocation.nodes) {
    Result<Place> place = look_up(node);
    if (!place) return place.failure();
    places.push_back(std::move(*place));
  }
  std::unique_ptr<Dialect> dialect = make_dialect(invocation.proto, {invocation.ids, invocation.confirms});
  std::unique_ptr<Rig> rig(new Rig(invocation, std::move(dialect), std::move(places)));
  // Better now than when all are in.
  if (const Result<Usage> usage = rig->servers_.look(Servers::Depth::all); !usage) return usage.failure();
  return rig;
}

Rig::Rig(const Invocation& invocation, std::unique_ptr<Dialect> dialect, std::vector<Place> places)
    : dialect_(std::move(dialect)),
      crowd_(*dialect_, std::move(places)),
      servers_(invocation.pids, invocation.http),
      deadline_(now() + invocation.timeout) {}

void Rig::rest(Nanos span, std::string_view what) {
  const Nanos begin = now();
  const Nanos end = begin + span;
  for (Nanos at = begin; at < end && !over(); at = now()) {
    progress_.show(what, in_seconds(at - begin) / in_seconds(span), at);
    loop().turn(std::min(end, at + 100 * millisecond));
  }
}

Report begin_report(std::string_view what, const Invocation& invocation) {
  Report report(what, invocation.label);
  report.text("proto", name_of(invocation.proto));
  report.count("nodes", invocation.nodes.size());
  return report;
}

void print(const Report& report, const Invocation& invocation) {
  const std::string text = invocation.json ? report.to_json() + "\n" : report.to_text();
  std::fputs(text.c_str(), stdout);
}

Ending judge(const Tally& tally, const std::string& refusal, const Crowd& crowd) {
  Ending ending = crowd.trouble();
  if (!ending && tally.refused > 0)
    ending = Error{Exit::failed, grouped(tally.refused) + " messages were refused (" + refusal +
                                     "): lower the load, or raise the servers' limits"};
  if (!ending && !tally.clean())
    ending = Error{Exit::failed, grouped(tally.lost()) + " messages were lost, " + grouped(tally.doubled) +
                                     " doubled, " + grouped(tally.reordered) + " out of order"};
  if (ending) ending->told = true;
  return ending;
}

}  // namespace bench
