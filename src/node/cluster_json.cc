// The picture of the cluster as JSON: the form that is documented and stays.
#include "src/node/cluster.h"
#include "src/node/json.h"

namespace node {

namespace {

void put(cJSON* into, const char* key, std::string_view text) {
  cJSON_AddItemToObjectCS(into, key, cJSON_CreateString(std::string(text).c_str()));
}
void put(cJSON* into, const char* key, double number) {
  cJSON_AddItemToObjectCS(into, key, cJSON_CreateNumber(number));
}
void put(cJSON* into, const char* key, std::uint64_t number) { put(into, key, static_cast<double>(number)); }
// Not a put(): what is a pointer would be true.
void put_truth(cJSON* into, const char* key, bool value) {
  cJSON_AddItemToObjectCS(into, key, cJSON_CreateBool(value ? 1 : 0));
}
void put(cJSON* into, const char* key, const peer::Address& address) {
  if (!address.host.empty()) put(into, key, to_string(address));
}
template <class Rep, class Period>
void put(cJSON* into, const char* key, std::chrono::duration<Rep, Period> span) {
  put(into, key, static_cast<double>(span.count()));
}
template <class T>
void put(cJSON* into, const char* key, const std::optional<T>& value) {
  if (value) put(into, key, *value);
}

cJSON* put_object(cJSON* list) {
  cJSON* const object = cJSON_CreateObject();
  cJSON_AddItemToArray(list, object);
  return object;
}

void put_identity(cJSON* node, const Identity& identity) {
  put(node, "client", identity.client);
  put(node, "http", identity.http);
  put(node, "version", identity.version);
}

void put_load(cJSON* node, const Load& load) {
  put(node, "stage", load.stage == Vitals::Stage::draining ? "draining" : "serving");
  put(node, "uptime_s", load.uptime_s);
  put(node, "sessions", load.sessions);
  put(node, "users", load.users);
  put(node, "rooms", load.rooms);
  put(node, "chats_per_s", load.chats_per_s);
  put(node, "loop_lag_us", load.loop_lag);
  put(node, "memory_bytes", load.memory_bytes);
  put(node, "redis", word(load.redis));
}

void put_node(cJSON* list, const NodeSight& sight) {
  cJSON* const node = put_object(list);
  put(node, "name", sight.name);
  put(node, "state", word(sight.health));
  put_truth(node, "listed", sight.listed);
  if (sight.incarnation) put(node, "incarnation", to_string(*sight.incarnation));
  put(node, "peer", sight.peer);
  if (sight.identity) put_identity(node, *sight.identity);
  if (sight.load)
    put_load(node, *sight.load);
  else
    put(node, "users", sight.users);
  put(node, "age_ms", sight.age);
  if (!sight.identity || sight.identity->settings.empty()) return;
  cJSON* const settings = cJSON_AddObjectToObject(node, "settings");
  for (const peer::Setting& setting : sight.identity->settings)
    cJSON_AddStringToObject(settings, setting.key.c_str(), setting.value.c_str());
}

void put_canary(cJSON* link, const LinkSight& sight) {
  const peer::Canary::Verdict verdict = sight.word->canary;
  if (verdict == peer::Canary::Verdict::none) return;
  put(link, "canary", verdict == peer::Canary::Verdict::ok ? "ok" : "lost");
  const std::string why = peer::canary_why(verdict, sight.from, sight.to);
  if (!why.empty()) put(link, "canary_why", why);
}

void put_link(cJSON* list, const LinkSight& sight) {
  cJSON* const link = put_object(list);
  put(link, "from", sight.from);
  put(link, "to", sight.to);
  put(link, "state", word(sight.state));
  if (sight.accepted) put_truth(link, "accepted", *sight.accepted);
  if (!sight.word) return;
  put(link, "rtt_us", sight.word->rtt);
  put(link, "waiting_bytes", sight.word->waiting_bytes);
  put(link, "reconnects", sight.word->reconnects);
  if (!sight.word->why.empty()) put(link, "why", sight.word->why);
  put(link, "next_try_ms", sight.next_try);
  put_canary(link, sight);
}

void put_event(cJSON* list, const std::string& node, const Event& event) {
  cJSON* const object = put_object(list);
  put(object, "at", static_cast<double>(event.at_ms));
  put(object, "node", node);
  put(object, "what", event.what);
  put(object, "peer", event.peer);
  if (!event.why.empty()) put(object, "why", event.why);
}

}  // namespace

std::string to_json(const Cluster& cluster) {
  const Json json(cJSON_CreateObject());
  put(json.get(), "node", cluster.node);
  put(json.get(), "cluster", cluster.cluster);
  put_truth(json.get(), "whole", cluster.whole);
  cJSON* const nodes = cJSON_AddArrayToObject(json.get(), "nodes");
  for (const NodeSight& sight : cluster.nodes) put_node(nodes, sight);
  cJSON* const links = cJSON_AddArrayToObject(json.get(), "links");
  for (const LinkSight& sight : cluster.links) put_link(links, sight);
  cJSON* const redis = cJSON_AddObjectToObject(json.get(), "redis");
  put(redis, "state", word(cluster.redis));
  put(redis, "latency_us", cluster.redis_latency);
  cJSON* const events = cJSON_AddArrayToObject(json.get(), "events");
  for (const Event& event : cluster.events) put_event(events, cluster.node, event);
  const JsonText text(cJSON_PrintUnformatted(json.get()));
  return std::string(text.get()) + "\n";
}

}  // namespace node
