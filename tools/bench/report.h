// What was measured, for people and for programs: the same figures.
//
// The object of --json is flat, so that it is read with little; crosstalk-bench(1) has
// every key, and none changes its meaning.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/exit.h"
#include "tools/bench/histogram.h"
#include "tools/bench/pairs.h"
#include "tools/bench/servers.h"
#include "tools/common/json.h"

namespace bench {

class Report {
 public:
  // `what` was measured of `label`.
  Report(std::string_view what, std::string_view label);

  // For programs alone.
  void text(const char* key, std::string_view value);
  void flag(const char* key, bool value);
  void count(const char* key, std::uint64_t value);
  void number(const char* key, double value);
  void numbers(const char* key, const std::vector<double>& values);

  // For people alone: a heading, and a line under it.
  void title(std::string_view text) { for_people_ += std::string(text) + '\n'; }
  void line(std::string_view name, std::string_view text);

  // For both.
  void tally(const Tally& tally, bool ids);
  void latency(const Histogram& spans);
  // The processor time that servers and generator spent, for each of so many.
  void cpu(const Spent& spent, std::uint64_t count, std::string_view of);

  std::string to_json() const;
  const std::string& to_text() const { return for_people_; }

 private:
  tool::Json json_;
  std::string for_people_;
};

std::string error_json(const Error& error);

}  // namespace bench
