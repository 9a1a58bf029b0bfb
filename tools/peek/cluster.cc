#include "tools/peek/cluster.h"

#include <algorithm>
#include <map>
#include <set>

#include "tools/common/json.h"
#include "tools/common/printable.h"

namespace peek {

namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t text_bytes_max = 256;

std::string text(const cJSON* object, const char* key, std::size_t bytes_max = text_bytes_max) {
  return tool::text_of(object, key).substr(0, bytes_max);
}

std::optional<double> real(const cJSON* object, const char* key) {
  const std::optional<double> value = tool::number_of(object, key);
  return value && *value >= 0 ? value : std::nullopt;
}

Number number(const cJSON* object, const char* key) {
  const std::optional<double> value = real(object, key);
  return value ? Number(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

template <class Enum, std::size_t count>
Enum word(const std::string& said, const std::pair<std::string_view, Enum> (&words)[count]) {
  for (const auto& [known, meaning] : words)
    if (known == said) return meaning;
  return Enum::unknown;
}

constexpr std::pair<std::string_view, Life> lives[] = {
    {"alive", Life::alive}, {"suspect", Life::suspect}, {"dead", Life::dead}};
constexpr std::pair<std::string_view, Dialled> dials[] = {
    {"up", Dialled::up},           {"syncing", Dialled::syncing}, {"connecting", Dialled::connecting},
    {"backoff", Dialled::backoff}, {"refused", Dialled::refused}, {"down", Dialled::down}};
constexpr std::pair<std::string_view, Canary> canaries[] = {{"ok", Canary::ok}, {"lost", Canary::lost}};

std::vector<std::pair<std::string, std::string>> settings_of(const cJSON* object) {
  std::vector<std::pair<std::string, std::string>> settings;
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, object) {
    if (!cJSON_IsString(item) || item->string == nullptr || settings.size() == settings_max) continue;
    settings.emplace_back(std::string(item->string).substr(0, name_bytes_max),
                          std::string(item->valuestring).substr(0, name_bytes_max));
  }
  return settings;
}

Node node_of(const cJSON* object) {
  Node node;
  node.name = text(object, "name", name_bytes_max);
  node.life = word(text(object, "state"), lives);
  node.listed = tool::flag_of(object, "listed").value_or(true);
  node.draining = text(object, "stage") == "draining";
  node.incarnation = text(object, "incarnation", name_bytes_max);
  node.peer = text(object, "peer");
  node.http = text(object, "http");
  node.client = text(object, "client");
  node.version = text(object, "version", name_bytes_max);
  node.redis = text(object, "redis", name_bytes_max);
  node.uptime_s = number(object, "uptime_s");
  node.sessions = number(object, "sessions");
  node.users = number(object, "users");
  node.rooms = number(object, "rooms");
  node.loop_lag_us = number(object, "loop_lag_us");
  node.memory_bytes = number(object, "memory_bytes");
  node.age_ms = number(object, "age_ms");
  node.chats_per_s = real(object, "chats_per_s");
  node.settings = settings_of(tool::item_of(object, "settings"));
  return node;
}

Link link_of(const cJSON* object) {
  Link link;
  link.dialled = word(text(object, "state"), dials);
  link.accepted = tool::flag_of(object, "accepted");
  link.canary = word(text(object, "canary"), canaries);
  link.rtt_us = number(object, "rtt_us");
  link.waiting_bytes = number(object, "waiting_bytes");
  link.reconnects = number(object, "reconnects");
  link.next_try_ms = number(object, "next_try_ms");
  link.why = text(object, "why");
  link.canary_why = text(object, "canary_why");
  return link;
}

bool read_nodes(Cluster& cluster, const cJSON* list) {
  std::set<std::string> names;
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, list) {
    Node node = node_of(item);
    if (node.name.empty() || !names.insert(node.name).second) continue;
    if (names.size() > nodes_max) return false;
    cluster.nodes.push_back(std::move(node));
  }
  std::sort(cluster.nodes.begin(), cluster.nodes.end(),
            [](const Node& a, const Node& b) { return before(a.name, b.name); });
  return true;
}

void read_links(Cluster& cluster, const cJSON* list) {
  std::map<std::string, std::size_t> numbers;
  for (std::size_t n = 0; n < cluster.nodes.size(); ++n) numbers[cluster.nodes[n].name] = n;
  std::vector<bool> told(cluster.nodes.size() * cluster.nodes.size());
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, list) {
    const auto from = numbers.find(text(item, "from", name_bytes_max));
    const auto to = numbers.find(text(item, "to", name_bytes_max));
    if (from == numbers.end() || to == numbers.end() || from == to) continue;
    const std::size_t place = from->second * cluster.nodes.size() + to->second;
    if (told[place]) continue;
    told[place] = true;
    cluster.links.push_back(link_of(item));
    cluster.links.back().from = from->second;
    cluster.links.back().to = to->second;
  }
}

void read_events(Cluster& cluster, const cJSON* list) {
  const int size = cJSON_GetArraySize(list);
  const cJSON* item = nullptr;
  int number_of = 0;
  cJSON_ArrayForEach(item, list) {
    if (++number_of + static_cast<int>(events_max) <= size || !cJSON_IsObject(item)) continue;
    cluster.events.push_back({number(item, "at"), text(item, "node", name_bytes_max),
                              text(item, "what", name_bytes_max), text(item, "peer", name_bytes_max),
                              text(item, "why")});
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number at the front, without zeros before it.
std::string_view take_digits(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && is_digit(text[size])) ++size;
  std::string_view digits = text.substr(0, size);
  text.remove_prefix(size);
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

}  // namespace

bool before(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a;
  const std::string_view whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const std::string_view one = take_digits(a);
      const std::string_view other = take_digits(b);
      if (one.size() != other.size()) return one.size() < other.size();
      if (one != other) return one < other;
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front();
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.empty() == b.empty() ? whole_a < whole_b : a.empty();
}

std::size_t Cluster::find(std::string_view wanted) const {
  const auto at = std::find_if(nodes.begin(), nodes.end(), [&](const Node& one) { return one.name == wanted; });
  return static_cast<std::size_t>(at - nodes.begin());
}

tool::Result<Cluster> parse_cluster(std::string_view json) {
  const tool::Json tree = tool::parse_json(json);
  const cJSON* const nodes = tool::item_of(tree.get(), "nodes");
  if (!cJSON_IsArray(nodes)) return tool::Failure{"the answer is no picture of a cluster"};
  Cluster cluster;
  if (!read_nodes(cluster, nodes))
    return tool::Failure{"the answer has more than " + std::to_string(nodes_max) + " nodes"};
  if (cluster.nodes.empty()) return tool::Failure{"the answer has no node"};
  cluster.node = text(tree.get(), "node", name_bytes_max);
  cluster.name = text(tree.get(), "cluster", name_bytes_max);
  cluster.whole = tool::flag_of(tree.get(), "whole").value_or(false);
  read_links(cluster, tool::item_of(tree.get(), "links"));
  read_events(cluster, tool::item_of(tree.get(), "events"));
  const cJSON* const redis = tool::item_of(tree.get(), "redis");
  cluster.redis = text(redis, "state", name_bytes_max);
  cluster.redis_latency_us = number(redis, "latency_us");
  return cluster;
}

void expect(Cluster& cluster, const std::vector<Member>& set) {
  std::vector<Node> unheard;
  for (const Member& member : set) {
    if (const std::size_t n = cluster.find(member.name); n < cluster.nodes.size()) {
      cluster.nodes[n].listed = true;
    } else if (cluster.nodes.size() + unheard.size() < nodes_max) {
      unheard.emplace_back();
      unheard.back().name = member.name;
      unheard.back().peer = member.peer;
    }
  }
  if (unheard.empty()) return;
  // Links name nodes by number, so these come behind; the order is restored with them.
  std::vector<std::string> names;
  for (const Node& node : cluster.nodes) names.push_back(node.name);
  std::move(unheard.begin(), unheard.end(), std::back_inserter(cluster.nodes));
  std::sort(cluster.nodes.begin(), cluster.nodes.end(),
            [](const Node& a, const Node& b) { return before(a.name, b.name); });
  for (Link& link : cluster.links) {
    link.from = cluster.find(names[link.from]);
    link.to = cluster.find(names[link.to]);
  }
}

std::string expect_in_json(std::string_view json, const std::vector<Member>& set) {
  const tool::Json tree = tool::parse_json(json);
  cJSON* const nodes = cJSON_GetObjectItemCaseSensitive(tree.get(), "nodes");
  std::map<std::string, cJSON*> told;
  cJSON* item = nullptr;
  cJSON_ArrayForEach(item, nodes) told.emplace(tool::text_of(item, "name"), item);
  for (const Member& member : set) {
    if (const auto at = told.find(member.name); at != told.end()) {
      if (cJSON_GetObjectItemCaseSensitive(at->second, "listed") != nullptr)
        cJSON_ReplaceItemInObjectCaseSensitive(at->second, "listed", cJSON_CreateTrue());
      continue;
    }
    item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "name", member.name.c_str());
    cJSON_AddStringToObject(item, "state", "suspect");
    cJSON_AddStringToObject(item, "peer", member.peer.c_str());
    cJSON_AddTrueToObject(item, "listed");
    cJSON_AddItemToArray(nodes, item);
    cJSON_ReplaceItemInObjectCaseSensitive(tree.get(), "whole", cJSON_CreateFalse());
  }
  const tool::JsonText text(cJSON_PrintUnformatted(tree.get()));
  return text ? tool::ascii_json(text.get()) : "";
}

}  // namespace peek
