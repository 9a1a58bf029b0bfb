// What every measurement of servers stands on: their protocol, their places, our users,
// and the eye on their processes.
#pragma once

#include <memory>
#include <string_view>

#include "tools/bench/crowd.h"
#include "tools/bench/dialect.h"
#include "tools/bench/exit.h"
#include "tools/bench/flags.h"
#include "tools/bench/progress.h"
#include "tools/bench/report.h"
#include "tools/bench/servers.h"

namespace bench {

class Rig {
 public:
  // For so many connections. Nobody is logged in yet.
  static Result<std::unique_ptr<Rig>> make(const Invocation& invocation, std::size_t connections);

  Crowd& crowd() { return crowd_; }
  Loop& loop() { return crowd_.loop(); }
  const Dialect& dialect() const { return *dialect_; }
  const Servers& servers() const { return servers_; }
  Progress& progress() { return progress_; }
  // When --timeout is over.
  Nanos deadline() const { return deadline_; }

  // Serves the connections for that long, and writes nothing new; sooner where the
  // run is interrupted or somebody is lost.
  void rest(Nanos span, std::string_view what);
  // Whether it makes no sense to go on.
  bool over() { return loop().interrupted() || crowd_.trouble().has_value(); }

 private:
  Rig(const Invocation& invocation, std::unique_ptr<Dialect> dialect, std::vector<Place> places);

  std::unique_ptr<Dialect> dialect_;
  Crowd crowd_;
  Servers servers_;
  Progress progress_{};
  Nanos deadline_;
};

// What all reports begin with.
Report begin_report(std::string_view what, const Invocation& invocation);
// On standard output, as it was asked for.
void print(const Report& report, const Invocation& invocation);
// Failed where messages did not come as they should, or somebody was lost.
Ending judge(const Tally& tally, const std::string& refusal, const Crowd& crowd);

}  // namespace bench
