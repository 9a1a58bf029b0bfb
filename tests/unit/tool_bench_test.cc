// crosstalk-bench's command line, its picture, and what it reads of /metrics.
#include <memory>  // before suite.h, whose macro "fail" it would not survive
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/command_line.h"
#include "tests/unit/suite.h"
#include "tools/bench/figures.h"
#include "tools/bench/flags.h"
#include "tools/bench/plot.h"
#include "tools/bench/report.h"
#include "tools/bench/servers.h"

namespace {

using bench::Verb;
using command_line::has;

const command_line::Reader<bench::Invocation> line("crosstalk-bench", bench::read_command_line);

std::size_t times(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

START_TEST(has_defaults_of_each_command) {
  const bench::Invocation throughput = line.run({"throughput"});
  ck_assert(throughput.verb == Verb::throughput && throughput.pairs == 256 && throughput.window == 16);
  ck_assert(throughput.nodes == std::vector<tool::Address>({{"127.0.0.1", 9501}, {"127.0.0.1", 9502}}));
  ck_assert(throughput.duration == 10 * bench::second && throughput.runs == 1 && throughput.label == "crosstalk");
  const bench::Invocation latency = line.run({"latency"});
  ck_assert(latency.pairs == 64 && latency.rate == 10'000 && latency.payload_bytes == 128);
  ck_assert(line.run({"idle"}).sessions == 15'000 && line.run({"idle"}).at_once == 128);
  ck_assert(line.run({"login"}).at_once == 0 && line.run({"login"}).pairs == 0 &&
            line.run({"login"}).duration == 3 * bench::second);
  ck_assert(line.run({"fair"}).pairs == 32);
  ck_assert(line.run({"relay"}).ports == std::vector<std::uint16_t>({0, 0}));
}
END_TEST

START_TEST(takes_what_it_is_told) {
  const bench::Invocation found =
      line.run({"throughput", "--nodes", "h1:1,[::1]:2", "--proto", "nats", "--pids", "7,8", "--label", "old",
                "--duration", "0.25", "--runs", "3", "--json", "--plot", "x.svg"});
  ck_assert(found.nodes == std::vector<tool::Address>({{"h1", 1}, {"::1", 2}}));
  ck_assert(found.proto == bench::Proto::nats && found.pids == std::vector<pid_t>({7, 8}) && found.label == "old");
  ck_assert(found.duration == 250 * bench::millisecond && found.runs == 3 && found.json && found.plot == "x.svg");
  const bench::Invocation drawn = line.run({"plot", "a", "b", "--out", "c"});
  ck_assert(drawn.files == std::vector<std::string>({"a", "b"}) && drawn.out == "c");
}
END_TEST

START_TEST(says_what_is_wrong) {
  const struct {
    std::vector<const char*> arguments;
    const char* says;
  } rows[] = {
      {{}, "expected a command"},
      {{"frobnicate"}, "unknown command \"frobnicate\""},
      {{"throughput", "--frobnicate"}, "unknown flag \"--frobnicate\""},
      {{"idle", "--window", "1"}, "unknown flag \"--window\""},
      {{"throughput", "x"}, "one argument too many: \"x\""},
      {{"throughput", "--pairs", "0"}, "expected a number from 1 to 100000, found \"0\""},
      {{"throughput", "--pairs"}, "expected a value, found nothing"},
      {{"throughput", "--nodes", "nowhere"}, "--nodes: expected HOST:PORT"},
      {{"throughput", "--proto", "kafka"}, "expected crosstalk, nats, redis or relay, found \"kafka\""},
      {{"throughput", "--proto", "nats"}, "--nodes is required"},
      {{"throughput", "--pids", "1,x"}, "--pids: expected numbers from 1"},
      {{"throughput", "--pids", "1", "--http", "h:1"}, "not both"},
      {{"throughput", "--proto", "redis", "--nodes", "h:1", "--id"}, "only --proto crosstalk"},
      {{"relay", "--ports", "1"}, "--ports: expected two"},
      {{"relay", "--ports", "1,70000"}, "--ports: expected numbers from 0 to 65535"},
      {{"plot", "x"}, "--out is required"},
      {{"\x1b[2J"}, "\\x1b[2J"},
      {{"two\nlines"}, "unknown command \"two\\x0alines\""},
  };
  for (const auto& row : rows) line.refuses(row.arguments, row.says);
}
END_TEST

START_TEST(helps) {
  const std::string all = line.printed({"--help"});
  ck_assert(has(all, "Exit status"));
  for (const char* const verb : {"throughput", "latency", "idle", "login", "fair", "relay", "plot", "completion"}) {
    ck_assert_msg(has(all, std::string("  ") + verb), "%s", verb);
    ck_assert_msg(has(line.printed({verb, "--help"}), std::string("crosstalk-bench ") + verb), "%s", verb);
  }
  ck_assert(line.printed({"--version"}).starts_with("crosstalk-bench "));
}
END_TEST

START_TEST(completes_all_there_is) {
  const tool::Grammar grammar = bench::grammar();
  command_line::completes(grammar);
  for (const std::string& script : {tool::bash_completion(grammar), tool::zsh_completion(grammar)})
    ck_assert(has(script, "_crosstalk_bench") && has(script, "--plot|--out)"));
}
END_TEST

START_TEST(draws_a_line_for_each) {
  bench::Histogram one;
  for (bench::Nanos span = 1000; span < 100'000'000; span += span / 10) one.add(span);
  const std::string svg = bench::to_svg("A & <B>", {{"first", one}, {"none", {}}, {"\"second\"\x1b", one}});
  ck_assert(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
  ck_assert(has(svg, "A &amp; &lt;B&gt;") && has(svg, "&quot;second&quot;\\x1b: p50"));
  ck_assert(!has(svg, "none:") && !has(svg, "nan") && !has(svg, "inf"));
  ck_assert_uint_eq(times(svg, "class=\"curve\""), 4);  // two, each with its mark above
}
END_TEST

START_TEST(draws_what_is_hardly_there) {
  bench::Histogram one;
  one.add(0);
  for (const std::string& svg : {bench::to_svg("", {}), bench::to_svg("", {{"one", one}})})
    ck_assert(svg.ends_with("</svg>\n") && !has(svg, "nan") && !has(svg, "inf"));
}
END_TEST

START_TEST(reads_what_it_has_printed) {
  std::string lines;
  bench::Histogram all;
  for (const bench::Nanos span : {5'000U, 70'000U, 900'000U}) {
    bench::Histogram histogram;
    histogram.add(span);
    all.add(span);
    bench::Report report("latency", span == 5'000U ? "a" : "b");
    report.latency(histogram);
    lines += report.to_json() + "\n";
  }
  const auto curves = bench::read_curves(lines + "{\"bench\":\"idle\"}\n", "x");
  ck_assert(curves && curves->size() == 2);
  ck_assert((*curves)[0].label == "a" && (*curves)[1].label == "b");
  bench::Histogram both = (*curves)[0].spans;
  both.merge((*curves)[1].spans);
  ck_assert(both.buckets() == all.buckets());
  ck_assert(!bench::read_curves("nonsense\n", "x"));
  ck_assert(bench::read_curves("{\"label\":1,\"latency_buckets\":[[1],7,[\"x\",-1]]}\n", "x"));
}
END_TEST

START_TEST(finds_a_metric) {
  const std::string page = "# HELP cpu_total x\ncpu_total 1.5e3\ncpu_totals 7\nother{a=\"b\"} 4\nbad x\n";
  ck_assert(bench::metric(page, "cpu_total") == 1500);
  ck_assert(!bench::metric(page, "cpu") && !bench::metric(page, "other") && !bench::metric(page, "bad"));
}
END_TEST

START_TEST(writes_figures_for_people) {
  ck_assert(bench::grouped(std::uint64_t{1234567}) == "1,234,567" && bench::grouped(std::uint64_t{12}) == "12");
  ck_assert(bench::grouped(999.6) == "1,000");
  ck_assert(bench::span(1500) == "1.5 us" && bench::span(83'000) == "83 us" && bench::span(9'310'000) == "9.31 ms");
  ck_assert(bench::span(467'000'000) == "467 ms" && bench::span(1'200'000'000) == "1.20 s");
  ck_assert(bench::median({3, 1, 2}) == 2 && bench::median({4, 1, 2, 3}) == 2.5 && bench::median({}) == 0);
}
END_TEST

SUITE(has_defaults_of_each_command, takes_what_it_is_told, says_what_is_wrong, helps, completes_all_there_is,
      draws_a_line_for_each, draws_what_is_hardly_there, reads_what_it_has_printed, finds_a_metric,
      writes_figures_for_people)
