// The picture of the cluster as JSON: the form that is documented and stays.
//
// Written straight into the text: of a hundred nodes it has ten thousand links, and a
// tree of them would hold the loop up for the time of some thousand chats.
#include <array>
#include <charconv>
#include <concepts>

#include "src/client/text.h"
#include "src/node/cluster.h"

namespace node {

namespace {

// Objects and lists, one in another; the commas are its own.
class Page {
 public:
  void open(char bracket) {
    separate();
    text_ += bracket;
  }
  void open(std::string_view key, char bracket) {
    begin(key);
    text_ += bracket;
  }
  void close(char bracket) { text_ += bracket; }

  void put(std::string_view key, std::string_view value) {
    begin(key);
    client::append_quoted(text_, value);
  }
  template <class Number>
  requires std::integral<Number> || std::floating_point<Number>
  void put(std::string_view key, Number value) {
    begin(key);
    if constexpr (std::same_as<Number, bool>) {
      text_ += value ? "true" : "false";
    } else {
      std::array<char, 32> digits;
      text_.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
    }
  }
  void put(std::string_view key, const peer::Address& address) {
    if (!address.host.empty()) put(key, to_string(address));
  }
  template <class Rep, class Period>
  void put(std::string_view key, std::chrono::duration<Rep, Period> span) {
    put(key, span.count());
  }
  template <class T>
  void put(std::string_view key, const std::optional<T>& value) {
    if (value) put(key, *value);
  }

  // Of a value that is JSON already.
  void put_raw(std::string_view key, std::string_view json) {
    begin(key);
    text_ += json;
  }

  std::string take() { return std::move(text_); }

 private:
  void separate() {
    if (!text_.empty() && text_.back() != '{' && text_.back() != '[' && text_.back() != ':') text_ += ',';
  }
  void begin(std::string_view key) {
    separate();
    text_ += '"';
    text_ += key;  // ours: nothing in it wants escaping
    text_ += "\":";
  }
  std::string text_;
};

void put(Page& page, const Identity& identity) {
  page.put("client", identity.client);
  page.put("http", identity.http);
  page.put("version", identity.version);
}

void put(Page& page, const Load& load) {
  page.put("stage", load.stage == Vitals::Stage::draining ? "draining" : "serving");
  page.put("uptime_s", load.uptime_s);
  page.put("sessions", load.sessions);
  page.put("users", load.users);
  page.put("rooms", load.rooms);
  page.put("chats_per_s", load.chats_per_s);
  page.put("loop_lag_us", load.loop_lag);
  page.put("memory_bytes", load.memory_bytes);
  page.put("redis", word(load.redis));
}

void put_settings(Page& page, const std::vector<peer::Setting>& settings) {
  if (settings.empty()) return;
  std::string pairs;
  for (const peer::Setting& setting : settings) {
    pairs += pairs.empty() ? "" : ",";
    client::append_quoted(pairs, setting.key);
    pairs += ':';
    client::append_quoted(pairs, setting.value);
  }
  page.put_raw("settings", "{" + pairs + "}");
}

void put(Page& page, const NodeSight& sight) {
  page.open('{');
  page.put("name", sight.name);
  page.put("state", word(sight.health));
  page.put("listed", sight.listed);
  if (sight.incarnation) page.put("incarnation", to_string(*sight.incarnation));
  page.put("peer", sight.peer);
  if (sight.identity) put(page, *sight.identity);
  if (sight.load)
    put(page, *sight.load);
  else
    page.put("users", sight.users);
  page.put("age_ms", sight.age);
  if (sight.identity) put_settings(page, sight.identity->settings);
  page.close('}');
}

void put_canary(Page& page, const LinkSight& sight) {
  const peer::Canary::Verdict verdict = sight.word->canary;
  if (verdict == peer::Canary::Verdict::none) return;
  const bool ok = verdict == peer::Canary::Verdict::ok;
  page.put("canary", ok ? "ok" : "lost");
  if (!ok) page.put("canary_why", peer::canary_why(verdict, sight.from, sight.to));
}

void put(Page& page, const LinkSight& sight) {
  page.open('{');
  page.put("from", sight.from);
  page.put("to", sight.to);
  page.put("state", word(sight.state));
  page.put("accepted", sight.accepted);
  if (sight.word) {
    page.put("rtt_us", sight.word->rtt);
    page.put("waiting_bytes", sight.word->waiting_bytes);
    page.put("reconnects", sight.word->reconnects);
    if (!sight.word->why.empty()) page.put("why", sight.word->why);
    page.put("next_try_ms", sight.next_try);
    put_canary(page, sight);
  }
  page.close('}');
}

void put(Page& page, const std::string& node, const Event& event) {
  page.open('{');
  page.put("at", event.at_ms);
  page.put("node", node);
  page.put("what", event.what);
  page.put("peer", event.peer);
  if (!event.why.empty()) page.put("why", event.why);
  page.close('}');
}

}  // namespace

std::string to_json(const Cluster& cluster) {
  Page page;
  page.open('{');
  page.put("node", cluster.node);
  page.put("cluster", cluster.cluster);
  page.put("whole", cluster.whole);
  page.open("nodes", '[');
  for (const NodeSight& sight : cluster.nodes) put(page, sight);
  page.close(']');
  page.open("links", '[');
  for (const LinkSight& sight : cluster.links) put(page, sight);
  page.close(']');
  page.open("redis", '{');
  page.put("state", word(cluster.redis));
  page.put("latency_us", cluster.redis_latency);
  page.close('}');
  page.open("events", '[');
  for (const Event& event : cluster.events) put(page, cluster.node, event);
  page.close(']');
  page.close('}');
  return page.take() + "\n";
}

}  // namespace node
