#include "tools/bench/report.h"

#include <cmath>
#include <utility>

#include "tools/bench/figures.h"

namespace bench {

namespace {

struct Share {
  const char* key;
  const char* name;
  double share;
};
constexpr Share shares[] = {
    {"p50_us", "p50", 0.5}, {"p90_us", "p90", 0.9}, {"p99_us", "p99", 0.99}, {"p999_us", "p99.9", 0.999}};

// As many digits as mean something, and as few as are to be read.
double rounded(double value) { return std::round(value * 1000) / 1000; }

const char* code_of(Exit exit) {
  switch (exit) {
    case Exit::done:
    case Exit::failed: break;
    case Exit::usage: return "usage";
    case Exit::unreachable: return "unreachable";
    case Exit::unauthorised: return "unauthorised";
    case Exit::timeout: return "timeout";
  }
  return "failed";
}

}  // namespace

Report::Report(std::string_view what, std::string_view label) : json_(cJSON_CreateObject()) {
  text("bench", what);
  text("label", label);
}

void Report::text(const char* key, std::string_view value) {
  cJSON_AddStringToObject(json_.get(), key, std::string(value).c_str());
}
void Report::flag(const char* key, bool value) { cJSON_AddBoolToObject(json_.get(), key, value ? 1 : 0); }
void Report::count(const char* key, std::uint64_t value) {
  cJSON_AddNumberToObject(json_.get(), key, static_cast<double>(value));
}
void Report::number(const char* key, double value) { cJSON_AddNumberToObject(json_.get(), key, rounded(value)); }

void Report::numbers(const char* key, const std::vector<double>& values) {
  cJSON* const list = cJSON_AddArrayToObject(json_.get(), key);
  for (const double value : values) cJSON_AddItemToArray(list, cJSON_CreateNumber(rounded(value)));
}

void Report::line(std::string_view name, std::string_view text) {
  constexpr std::size_t column = 12;
  std::string head = "  " + std::string(name);
  head.resize(std::max(head.size() + 1, column + 2), ' ');
  for_people_ += head + std::string(text) + '\n';
}

void Report::tally(const Tally& tally, bool ids) {
  count("sent", tally.sent);
  count("delivered", tally.arrived);
  if (ids) count("settled", tally.settled);
  count("refused", tally.refused);
  count("lost", tally.lost());
  count("doubled", tally.doubled);
  count("reordered", tally.reordered);
  line("of all sent", grouped(tally.sent) + ": lost " + grouped(tally.lost()) + ", doubled " + grouped(tally.doubled) +
                          ", reordered " + grouped(tally.reordered) + ", refused " + grouped(tally.refused));
}

void Report::latency(const Histogram& spans) {
  count("latency_count", spans.count());
  std::string text;
  for (const Share& one : shares) {
    const Nanos found = spans.quantile(one.share);
    number(one.key, in_micros(found));
    text += std::string(one.name) + " " + span(found) + "  ";
  }
  number("max_us", in_micros(spans.max()));
  line("latency", text + "max " + span(spans.max()));
  cJSON* const list = cJSON_AddArrayToObject(json_.get(), "latency_buckets");
  for (const auto& [largest, times] : spans.buckets()) {
    cJSON* const pair = cJSON_CreateArray();
    cJSON_AddItemToArray(pair, cJSON_CreateNumber(rounded(in_micros(largest))));
    cJSON_AddItemToArray(pair, cJSON_CreateNumber(static_cast<double>(times)));
    cJSON_AddItemToArray(list, pair);
  }
}

void Report::cpu(const Spent& spent, std::uint64_t count, std::string_view of) {
  const double each = count == 0 ? 0 : 1 / static_cast<double>(count);
  const double time = std::max(in_seconds(spent.time), 1e-9);
  const auto both = [&](const std::string& who, Nanos cpu) {
    number((who + "_us_per_" + std::string(of)).c_str(), in_micros(cpu) * each);
    number((who + "_cores").c_str(), in_seconds(cpu) / time);
    return fixed(in_micros(cpu) * each, 2) + " us a " + std::string(of) + " (" + fixed(in_seconds(cpu) / time, 2) +
           " cores)";
  };
  line("server CPU", spent.cpu ? both("server", *spent.cpu) : "not known: name the servers with --pids or --http");
  line("own CPU", both("client", spent.own_cpu));
}

std::string Report::to_json() const {
  const tool::JsonText text(cJSON_PrintUnformatted(json_.get()));
  return text.get();
}

std::string error_json(const Error& error) {
  const tool::Json json(cJSON_CreateObject());
  cJSON* const told = cJSON_AddObjectToObject(json.get(), "error");
  cJSON_AddStringToObject(told, "code", code_of(error.exit));
  cJSON_AddStringToObject(told, "message", error.why.c_str());
  const tool::JsonText text(cJSON_PrintUnformatted(json.get()));
  return text.get();
}

}  // namespace bench
