#include "src/node/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <limits>
#include <sstream>
#include <utility>
#include <vector>

namespace node {

namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;

double seconds(peer::Micros span) { return std::chrono::duration<double>(span).count(); }
double number(std::uint64_t value) { return static_cast<double>(value); }
double yes(bool value) { return value ? 1 : 0; }

// The families, in the order of the manual. One without a value is left out.
class Page {
 public:
  void gauge(const char* name, const char* help) { begin(name, help, prometheus::MetricType::Gauge); }
  void counter(const char* name, const char* help) { begin(name, help, prometheus::MetricType::Counter); }
  void histogram(const char* name, const char* help) { begin(name, help, prometheus::MetricType::Histogram); }
  // Of the family that was begun last.
  void value(double value, Labels labels = {}) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = metric.counter.value = value;
    families_.back().metric.push_back(std::move(metric));
  }

  void spans(const peer::RoundTrips& trips, Labels labels) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < trips.counts.size(); ++i) {
      count += trips.counts[i];
      const double bound = i < trips.bounds.size() ? seconds(trips.bounds[i]) : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({count, bound});
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = seconds(trips.sum);
    families_.back().metric.push_back(std::move(metric));
  }

  std::string text() {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  void begin(const char* name, const char* help, prometheus::MetricType type) {
    prometheus::MetricFamily family;
    family.name = name;
    family.help = help;
    family.type = type;
    families_.push_back(std::move(family));
  }

  std::vector<prometheus::MetricFamily> families_;
};

void put_node(Page& page, const Vitals& vitals) {
  page.gauge("crosstalk_build_info", "Always 1; the labels say which program runs.");
  page.value(1, {{"version", CROSSTALK_VERSION}, {"node", vitals.name}, {"cluster", vitals.cluster}});
  page.gauge("crosstalk_uptime_seconds", "Since the process began to listen.");
  page.value(seconds(vitals.uptime));
  page.gauge("crosstalk_ready", "1 where /readyz answers 200, else 0.");
  page.value(yes(why_not_ready(vitals).empty()));
  page.gauge("crosstalk_loop_lag_seconds", "The longest turn of the loop in the last 10 seconds.");
  page.value(seconds(vitals.loop_lag));
  page.gauge("crosstalk_memory_bytes", "Resident memory of the process.");
  page.value(number(vitals.memory_bytes));
  page.counter("crosstalk_cpu_seconds_total", "Processor time that the process has used.");
  page.value(seconds(vitals.cpu_time));
}

void put_clients(Page& page, const Vitals& vitals) {
  page.gauge("crosstalk_connections", "Clients' connections, logged in or not.");
  page.value(number(vitals.connections));
  page.gauge("crosstalk_sessions", "Sessions logged in on this node.");
  page.value(number(vitals.users));
  page.counter("crosstalk_logins_total", "Logins on this node.");
  page.value(number(vitals.counters.logins));
  page.counter("crosstalk_refusals_total", "Errors that clients were told, by code.");
  for (const auto& [code, count] : vitals.tally.refusals) page.value(number(count), {{"code", std::string(code)}});
  page.counter("crosstalk_kicks_total", "Sessions that were ended, by reason.");
  for (const auto& [reason, count] : vitals.tally.kicks) page.value(number(count), {{"reason", std::string(reason)}});
}

void put_chats(Page& page, const Vitals& vitals) {
  const chat::Router::Counters& counters = vitals.counters;
  page.counter("crosstalk_chats_accepted_total", "Chats taken from this node's senders.");
  page.value(number(counters.taken));
  page.counter("crosstalk_chats_settled_total", "Of them, those whose outcome is known, by outcome.");
  page.value(number(counters.delivered), {{"outcome", "delivered"}});
  page.value(number(counters.written), {{"outcome", "written"}});
  page.value(number(counters.stored), {{"outcome", "stored"}});
  page.value(number(counters.failed), {{"outcome", "failed"}});
  page.counter("crosstalk_chats_forwarded_total", "Chats of this node's senders that were sent over a link.");
  page.value(number(counters.forwarded));
  page.counter("crosstalk_chats_arrived_total", "Chats of other nodes' senders for users of this node.");
  page.value(number(counters.arrived));
  page.counter("crosstalk_chats_rerouted_total", "Chats that had to go another way than the first.");
  page.value(number(counters.rerouted));
  page.gauge("crosstalk_barriers", "Senders' nodes and users between whom chats are refused until a refusal was read.");
  page.value(number(vitals.barriers));
}

void put_canaries(Page& page, const Vitals& vitals) {
  page.gauge("crosstalk_canary_back",
             "1 where the last canary through the link and back came in time, 0 where it was lost.");
  for (const peer::Mesh::PeerView& peer : vitals.peers)
    if (peer.canary != peer::Canary::Verdict::none)
      page.value(yes(peer.canary == peer::Canary::Verdict::ok), {{"peer", peer.name}});
  page.histogram("crosstalk_canary_round_trip_seconds",
                 "How long canaries took through the link to that node and back.");
  for (const peer::Mesh::PeerView& peer : vitals.peers) page.spans(peer.round_trips, {{"peer", peer.name}});
  page.counter("crosstalk_datagrams_malformed_total", "What other nodes told besides chats and made no sense.");
  page.value(number(vitals.datagrams_malformed));
}

void put_links(Page& page, const Vitals& vitals) {
  page.gauge("crosstalk_links", "Links from this node to others, by state.");
  for (const std::string_view state : link_words) {
    std::uint64_t count = 0;
    for (const peer::Mesh::PeerView& peer : vitals.peers) count += link_word(peer) == state ? 1 : 0;
    page.value(number(count), {{"state", std::string(state)}});
  }
  page.gauge("crosstalk_link_up", "1 where the link to that node is up and has told it all, else 0.");
  for (const peer::Mesh::PeerView& peer : vitals.peers) page.value(yes(peer.synced), {{"peer", peer.name}});
  page.gauge("crosstalk_link_accepted", "1 where that node's own link to this one is up, else 0.");
  for (const peer::Mesh::PeerView& peer : vitals.peers) page.value(yes(peer.accepts), {{"peer", peer.name}});
  page.gauge("crosstalk_link_rtt_seconds", "The last round trip on the link to that node.");
  for (const peer::Mesh::PeerView& peer : vitals.peers)
    if (peer.state == peer::OutLink::State::up) page.value(seconds(peer.rtt), {{"peer", peer.name}});
  page.gauge("crosstalk_link_window_bytes", "Bytes of chats sent to that node whose outcome it has not told.");
  for (const peer::Mesh::PeerView& peer : vitals.peers) page.value(number(peer.waiting_bytes), {{"peer", peer.name}});
  page.counter("crosstalk_link_reconnects_total", "How often the link to that node came up again.");
  for (const peer::Mesh::PeerView& peer : vitals.peers) page.value(number(peer.reconnects), {{"peer", peer.name}});
  put_canaries(page, vitals);
  page.gauge("crosstalk_window_bytes", "Bytes of chats sent over all links whose outcome is not known.");
  page.value(number(vitals.unsettled_bytes));
}

void put_directory(Page& page, const Vitals& vitals) {
  page.gauge("crosstalk_directory_users", "Users known to be logged in on other nodes.");
  page.value(number(vitals.directory_users));
  page.gauge("crosstalk_directory_bytes", "Memory that this knowledge takes.");
  page.value(number(vitals.directory_bytes));
}

void put_redis(Page& page, const Vitals& vitals) {
  page.gauge("crosstalk_redis_up", "1 where the set of nodes in Redis can be read, else 0.");
  if (vitals.redis != Vitals::Service::none) page.value(yes(vitals.redis == Vitals::Service::up));
  page.gauge("crosstalk_redis_latency_seconds", "How long Redis took to answer the last look at the set.");
  if (vitals.redis_latency) page.value(seconds(*vitals.redis_latency));
  page.gauge("crosstalk_mailboxes_up", "1 where the mailboxes in Redis can be used, else 0.");
  if (vitals.mailboxes != Vitals::Service::none) page.value(yes(vitals.mailboxes == Vitals::Service::up));
  page.gauge("crosstalk_mailbox_operations_waiting", "What is to be done to mailboxes and was not sent to Redis yet.");
  if (vitals.mailboxes != Vitals::Service::none) page.value(number(vitals.mailbox_waiting));
}

void put_http(Page& page, const Vitals& vitals) {
  page.gauge("crosstalk_http_connections", "Connections to the HTTP port.");
  page.value(number(vitals.http_connections));
  page.counter("crosstalk_http_responses_total", "Answers given there, by status.");
  for (const auto& [status, count] : vitals.http_responses)
    page.value(number(count), {{"code", std::to_string(status)}});
}

}  // namespace

std::string metrics_text(const Vitals& vitals) {
  Page page;
  put_node(page, vitals);
  put_clients(page, vitals);
  put_chats(page, vitals);
  put_links(page, vitals);
  put_directory(page, vitals);
  put_redis(page, vitals);
  put_http(page, vitals);
  return page.text();
}

}  // namespace node
