// The page that Prometheus reads.
#include "src/node/metrics.h"

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/unit/suite.h"

namespace {

using node::Vitals;

struct Metric {
  std::string type;
  std::string help;
  std::map<std::string, std::string> values;  // by labels
};

// The page by its families. Each has its HELP and TYPE before its values.
std::map<std::string, Metric> read(const std::string& page) {
  std::map<std::string, Metric> all;
  std::istringstream lines(page);
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word, kind, name;
    words >> word;
    if (word == "#") {
      words >> kind >> name >> std::ws;
      std::string rest;
      std::getline(words, rest);
      if (kind == "HELP") {
        ck_assert_msg(!all.contains(name) && !rest.empty(), "%s", line.c_str());
        all[name].help = rest;
      } else {
        ck_assert_msg(kind == "TYPE" && family != name && all.contains(name), "%s", line.c_str());
        ck_assert_msg((rest == "counter") == name.ends_with("_total"), "%s", line.c_str());
        all[name].type = rest;
        family = name;
      }
      continue;
    }
    const std::size_t labels = word.find('{');
    const std::size_t end = line.rfind(' ');
    const std::string own = line.substr(0, std::min(labels, end));
    const bool histogram = all[family].type == "histogram";
    ck_assert_msg(histogram ? own.starts_with(family + "_") : own == family, "%s", line.c_str());
    const std::string key =
        own.substr(family.size()) + (labels == std::string::npos ? "" : line.substr(labels, end - labels));
    ck_assert_msg(all[family].values.emplace(key, line.substr(end + 1)).second, "%s", line.c_str());
  }
  return all;
}

void has(const std::map<std::string, Metric>& page, const std::string& name, const std::string& labels,
         const std::string& value) {
  const auto found = page.find(name);
  ck_assert_msg(found != page.end(), "no %s", name.c_str());
  const auto sample = found->second.values.find(labels);
  ck_assert_msg(sample != found->second.values.end(), "no %s%s", name.c_str(), labels.c_str());
  ck_assert_msg(sample->second == value, "%s%s is %s", name.c_str(), labels.c_str(), sample->second.c_str());
}

Vitals busy() {
  Vitals vitals;
  vitals.name = "n1";
  vitals.cluster = "main";
  vitals.stage = Vitals::Stage::serving;
  vitals.uptime = peer::Millis(1500);
  vitals.connections = 12;
  vitals.users = 11;
  vitals.counters.logins = 21;
  vitals.counters.taken = 9'007'199'254'740'991;  // the largest that a double tells exactly
  vitals.counters.delivered = 31;
  vitals.counters.written = 32;
  vitals.counters.stored = 33;
  vitals.counters.failed = 34;
  vitals.counters.forwarded = 35;
  vitals.counters.arrived = 36;
  vitals.counters.rerouted = 37;
  vitals.barriers = 3;
  vitals.loop_lag = peer::Micros(2500);
  vitals.memory_bytes = 7'000'000;
  vitals.cpu_time = std::chrono::milliseconds(1500);
  vitals.tally.refusals = {{"bad_json", 4}, {"busy", 5}};
  vitals.tally.kicks = {{"slow_consumer", 6}};
  vitals.datagrams_malformed = 8;
  vitals.mailbox_waiting = 9;
  vitals.unsettled_bytes = 4096;
  vitals.directory_users = 100;
  vitals.directory_bytes = 2600;
  vitals.redis = Vitals::Service::up;
  vitals.set_read = true;
  vitals.redis_latency = peer::Micros(250);
  vitals.mailboxes = Vitals::Service::down;
  vitals.http_connections = 2;
  vitals.http_responses = {{200, 5}, {404, 1}};
  peer::Mesh::PeerView up;
  up.name = "n2";
  up.listed = up.synced = up.accepts = true;
  up.state = peer::OutLink::State::up;
  up.rtt = peer::Micros(1500);
  up.waiting_bytes = 4096;
  up.reconnects = 7;
  up.canary = peer::Canary::Verdict::ok;
  for (const int micros : {200, 300, 400, 2'000'000}) up.round_trips.add(peer::Micros(micros));
  peer::Mesh::PeerView down;
  down.name = "n3";
  down.listed = true;
  down.state = peer::OutLink::State::waiting;
  down.why = "connection refused";
  vitals.peers = {up, down};
  return vitals;
}

}  // namespace

START_TEST(tells_all) {
  const auto page = read(node::metrics_text(busy()));
  has(page, "crosstalk_build_info", R"({version=")" CROSSTALK_VERSION R"(",node="n1",cluster="main"})", "1");
  has(page, "crosstalk_uptime_seconds", "", "1.5");
  has(page, "crosstalk_ready", "", "0");
  has(page, "crosstalk_connections", "", "12");
  has(page, "crosstalk_sessions", "", "11");
  has(page, "crosstalk_logins_total", "", "21");
  has(page, "crosstalk_chats_accepted_total", "", "9007199254740991");
  has(page, "crosstalk_chats_settled_total", R"({outcome="delivered"})", "31");
  has(page, "crosstalk_chats_settled_total", R"({outcome="written"})", "32");
  has(page, "crosstalk_chats_settled_total", R"({outcome="stored"})", "33");
  has(page, "crosstalk_chats_settled_total", R"({outcome="failed"})", "34");
  has(page, "crosstalk_chats_forwarded_total", "", "35");
  has(page, "crosstalk_chats_arrived_total", "", "36");
  has(page, "crosstalk_chats_rerouted_total", "", "37");
  has(page, "crosstalk_barriers", "", "3");
  has(page, "crosstalk_loop_lag_seconds", "", "0.0025");
  has(page, "crosstalk_memory_bytes", "", "7000000");
  has(page, "crosstalk_cpu_seconds_total", "", "1.5");
  has(page, "crosstalk_refusals_total", R"({code="busy"})", "5");
  has(page, "crosstalk_kicks_total", R"({reason="slow_consumer"})", "6");
  has(page, "crosstalk_datagrams_malformed_total", "", "8");
  has(page, "crosstalk_mailbox_operations_waiting", "", "9");
  has(page, "crosstalk_canary_back", R"({peer="n2"})", "1");
  ck_assert_uint_eq(page.at("crosstalk_canary_back").values.size(), 1);
  has(page, "crosstalk_canary_round_trip_seconds", R"(_bucket{peer="n2",le="0.00025"})", "1");
  has(page, "crosstalk_canary_round_trip_seconds", R"(_bucket{peer="n2",le="0.0005"})", "3");
  has(page, "crosstalk_canary_round_trip_seconds", R"(_bucket{peer="n2",le="1"})", "3");
  has(page, "crosstalk_canary_round_trip_seconds", R"(_bucket{peer="n2",le="+Inf"})", "4");
  has(page, "crosstalk_canary_round_trip_seconds", R"(_count{peer="n2"})", "4");
  has(page, "crosstalk_canary_round_trip_seconds", R"(_sum{peer="n2"})", "2.0009");
  has(page, "crosstalk_links", R"({state="up"})", "1");
  has(page, "crosstalk_links", R"({state="backoff"})", "1");
  has(page, "crosstalk_links", R"({state="syncing"})", "0");
  has(page, "crosstalk_link_up", R"({peer="n2"})", "1");
  has(page, "crosstalk_link_up", R"({peer="n3"})", "0");
  has(page, "crosstalk_link_accepted", R"({peer="n2"})", "1");
  has(page, "crosstalk_link_rtt_seconds", R"({peer="n2"})", "0.0015");
  ck_assert_uint_eq(page.at("crosstalk_link_rtt_seconds").values.size(), 1);
  has(page, "crosstalk_link_window_bytes", R"({peer="n2"})", "4096");
  has(page, "crosstalk_link_reconnects_total", R"({peer="n2"})", "7");
  has(page, "crosstalk_window_bytes", "", "4096");
  has(page, "crosstalk_directory_users", "", "100");
  has(page, "crosstalk_directory_bytes", "", "2600");
  has(page, "crosstalk_redis_up", "", "1");
  has(page, "crosstalk_redis_latency_seconds", "", "0.00025");
  has(page, "crosstalk_mailboxes_up", "", "0");
  has(page, "crosstalk_http_connections", "", "2");
  has(page, "crosstalk_http_responses_total", R"({code="200"})", "5");
  has(page, "crosstalk_http_responses_total", R"({code="404"})", "1");
}
END_TEST

START_TEST(what_there_is_not_is_not_told) {
  Vitals alone;
  alone.stage = Vitals::Stage::serving;
  const auto page = read(node::metrics_text(alone));
  has(page, "crosstalk_ready", "", "1");
  for (const char* name : {"crosstalk_link_up", "crosstalk_redis_up", "crosstalk_redis_latency_seconds",
                           "crosstalk_mailboxes_up", "crosstalk_http_responses_total"})
    ck_assert_msg(!page.contains(name), "%s", name);
}
END_TEST

SUITE(tells_all, what_there_is_not_is_not_told)
