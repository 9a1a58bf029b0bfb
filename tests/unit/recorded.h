// Recorded clusters of any size, as a node would tell them; rows of a test change
// what they are about.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tools/common/json.h"
#include "tools/peek/cluster.h"

namespace recorded {

inline std::string name(std::size_t n) { return "n" + std::to_string(n); }

inline void number(cJSON* object, const char* key, std::size_t value) {
  cJSON_AddNumberToObject(object, key, static_cast<double>(value));
}
inline void text(cJSON* object, const char* key, const std::string& value) {
  cJSON_DeleteItemFromObject(object, key);
  cJSON_AddStringToObject(object, key, value.c_str());
}

// n1 to nN, all linked with all, all well. Figures follow from the numbers.
class Cluster {
 public:
  explicit Cluster(std::size_t size) : tree_(cJSON_CreateObject()) {
    text(tree_.get(), "node", "n1");
    text(tree_.get(), "cluster", "main");
    cJSON_AddTrueToObject(tree_.get(), "whole");
    cJSON* const nodes = cJSON_AddArrayToObject(tree_.get(), "nodes");
    cJSON* const links = cJSON_AddArrayToObject(tree_.get(), "links");
    for (std::size_t n = 1; n <= size; ++n) cJSON_AddItemToArray(nodes, node_of(n));
    for (std::size_t from = 1; from <= size; ++from)
      for (std::size_t to = 1; to <= size; ++to)
        if (from != to) cJSON_AddItemToArray(links, link_of(from, to));
    cJSON* const redis = cJSON_AddObjectToObject(tree_.get(), "redis");
    text(redis, "state", "up");
    number(redis, "latency_us", 320);
    cJSON* const events = cJSON_AddArrayToObject(tree_.get(), "events");
    for (std::size_t n = 0; n < 3; ++n) cJSON_AddItemToArray(events, event_of(n));
  }

  cJSON* tree() { return tree_.get(); }
  cJSON* node(std::size_t n) {
    return at("nodes", [&](const cJSON* item) { return tool::text_of(item, "name") == name(n); });
  }
  cJSON* link(std::size_t from, std::size_t to) {
    return at("links", [&](const cJSON* item) {
      return tool::text_of(item, "from") == name(from) && tool::text_of(item, "to") == name(to);
    });
  }
  void forget(const char* list, cJSON* item) {
    cJSON_Delete(cJSON_DetachItemViaPointer(cJSON_GetObjectItem(tree(), list), item));
  }

  // The link is in that state for a reason, and its far end knows nothing of it.
  void lose(std::size_t from, std::size_t to, const char* state, const char* why) {
    cJSON* const one = link(from, to);
    text(one, "state", state);
    text(one, "why", why);
    cJSON_ReplaceItemInObject(one, "accepted", cJSON_CreateFalse());
    cJSON_DeleteItemFromObject(one, "canary");
    broken();
  }
  // It is in the set, nobody reaches it.
  void kill(std::size_t dead, std::size_t size) {
    for (std::size_t n = 1; n <= size; ++n) {
      if (n == dead) continue;
      lose(n, dead, "backoff", "No route to host");
      forget("links", link(dead, n));
    }
    forget("nodes", node(dead));
    cJSON* const one = cJSON_CreateObject();
    text(one, "name", name(dead));
    text(one, "state", "dead");
    cJSON_AddTrueToObject(one, "listed");
    cJSON_AddItemToArray(cJSON_GetObjectItem(tree(), "nodes"), one);
  }
  void broken() { cJSON_ReplaceItemInObject(tree(), "whole", cJSON_CreateFalse()); }

  std::string json() const { return tool::JsonText(cJSON_PrintUnformatted(tree_.get())).get(); }
  peek::Cluster read() const { return std::move(*peek::parse_cluster(json())); }

 private:
  cJSON* at(const char* list, const std::function<bool(const cJSON*)>& wanted) {
    cJSON* item = nullptr;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(tree(), list)) {
      if (wanted(item)) return item;
    }
    return nullptr;
  }
  static cJSON* node_of(std::size_t n) {
    cJSON* const node = cJSON_CreateObject();
    text(node, "name", name(n));
    text(node, "state", "alive");
    text(node, "stage", "serving");
    cJSON_AddTrueToObject(node, "listed");
    text(node, "incarnation", "00000000000000" + std::to_string(10 + n % 90));
    text(node, "peer", "10.0.0." + std::to_string(n) + ":9601");
    text(node, "http", "10.0.0." + std::to_string(n) + ":9701");
    text(node, "version", "0.1.0");
    text(node, "redis", "up");
    number(node, "uptime_s", 60 * n);
    number(node, "sessions", 10 * n);
    number(node, "users", 9 * n);
    number(node, "rooms", n);
    cJSON_AddNumberToObject(node, "chats_per_s", 1.5 * static_cast<double>(n));
    number(node, "loop_lag_us", 100 * n);
    number(node, "memory_bytes", (20 + n) << 20U);
    if (n > 1) number(node, "age_ms", 10 * n);
    text(cJSON_AddObjectToObject(node, "settings"), "mesh.hold_ms", "2000");
    return node;
  }
  static cJSON* link_of(std::size_t from, std::size_t to) {
    cJSON* const link = cJSON_CreateObject();
    text(link, "from", name(from));
    text(link, "to", name(to));
    text(link, "state", "up");
    number(link, "rtt_us", 100 * from + to);
    number(link, "waiting_bytes", 0);
    number(link, "reconnects", 0);
    cJSON_AddTrueToObject(link, "accepted");
    text(link, "canary", "ok");
    return link;
  }
  static cJSON* event_of(std::size_t n) {
    cJSON* const event = cJSON_CreateObject();
    cJSON_AddNumberToObject(event, "at", 1'700'000'000'000.0 + 1000.0 * static_cast<double>(n));
    text(event, "node", "n1");
    text(event, "what", n == 1 ? "link_down" : "link_up");
    text(event, "peer", "n2");
    if (n == 1) text(event, "why", "silent for 5 s");
    return event;
  }

  tool::Json tree_;
};

}  // namespace recorded
