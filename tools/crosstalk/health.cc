#include "tools/crosstalk/health.h"

#include <algorithm>

#include "tools/common/json.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

using tool::item_of;
using tool::text_of;

// What is bad is named up to here, and counted beyond.
constexpr std::size_t named_max = 5;

bool is_true(const cJSON* object, const char* key) { return tool::flag_of(object, key).value_or(false); }

// Those that should be there: in the set, or, where nobody says who is, not dead.
std::vector<std::string> expected_nodes(const cJSON* cluster, Health& health) {
  std::vector<std::string> names;
  const cJSON* node = nullptr;
  cJSON_ArrayForEach(node, item_of(cluster, "nodes")) {
    const std::string state = text_of(node, "state");
    const bool told = item_of(node, "listed") != nullptr;
    if (told ? !is_true(node, "listed") : state == "dead") continue;
    names.push_back(text_of(node, "name"));
    if (state == "alive") ++health.nodes_alive;
  }
  return names;
}

void judge(const cJSON* link, Health& health) {
  const std::string state = text_of(link, "state");
  Health::Bad bad{text_of(link, "from"), text_of(link, "to"), state, text_of(link, "why")};
  if (state == "up" && !tool::flag_of(link, "accepted").value_or(true)) {
    bad.state = "one way";
    bad.why = "it does not arrive";
  } else if (state == "up" && text_of(link, "canary") == "lost") {
    bad.state = "mute";
    bad.why = text_of(link, "canary_why");
  } else if (state == "up") {
    ++health.links_up;
    return;
  }
  health.bad.push_back(std::move(bad));
}

std::string counted(std::size_t some, std::size_t all, std::string_view what) {
  return std::to_string(some) + " of " + std::to_string(all) + " " + std::string(what) + (all == 1 ? "" : "s");
}

}  // namespace

std::optional<Health> health_of(std::string_view not_ready, std::string_view cluster) {
  const tool::Json json = tool::parse_json(cluster);
  if (!cJSON_IsArray(item_of(json.get(), "nodes"))) return std::nullopt;
  Health health;
  health.not_ready = not_ready;
  health.whole = is_true(json.get(), "whole");
  health.node = text_of(json.get(), "node");
  health.cluster = text_of(json.get(), "cluster");
  health.redis = text_of(item_of(json.get(), "redis"), "state");
  const std::vector<std::string> names = expected_nodes(json.get(), health);
  const auto expected = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  health.nodes_expected = names.size();
  health.links_expected = names.empty() ? 0 : names.size() * (names.size() - 1);
  const cJSON* link = nullptr;
  cJSON_ArrayForEach(link, item_of(json.get(), "links")) {
    if (expected(text_of(link, "from")) && expected(text_of(link, "to"))) judge(link, health);
  }
  const std::size_t told = health.links_up + health.bad.size();
  health.links_unknown = health.links_expected > told ? health.links_expected - told : 0;
  return health;
}

std::string health_for_people(const Health& health) {
  std::string text = health.good()              ? "ready"
                     : health.not_ready.empty() ? "ready, but the mesh is not whole"
                                                : "not ready: " + shown(health.not_ready);
  text += ": " + shown(health.node) + " of " + shown(health.cluster) + ": " +
          counted(health.nodes_alive, health.nodes_expected, "node") + " alive, " +
          counted(health.links_up, health.links_expected, "link") + " up";
  if (health.links_unknown > 0) text += " (" + std::to_string(health.links_unknown) + " not known)";
  if (!health.redis.empty()) text += ", redis " + shown(health.redis);
  const std::size_t named = std::min(named_max, health.bad.size());
  for (std::size_t i = 0; i < named; ++i) {
    const Health::Bad& bad = health.bad[i];
    text += "; " + shown(bad.from) + " to " + shown(bad.to) + " " + shown(bad.state);
    if (!bad.why.empty()) text += " (" + shown(bad.why) + ")";
  }
  if (named < health.bad.size()) text += "; and " + std::to_string(health.bad.size() - named) + " more";
  return text;
}

std::string health_json(const Health& health) {
  const auto boolean = [](bool value) { return value ? "true" : "false"; };
  std::string text = std::string(R"({"ready":)") + boolean(health.not_ready.empty());
  if (!health.not_ready.empty()) text += R"(,"why":)" + quoted(health.not_ready);
  text += std::string(R"(,"whole":)") + boolean(health.whole) + R"(,"node":)" + quoted(health.node) + R"(,"cluster":)" +
          quoted(health.cluster) + R"(,"nodes":{"expected":)" + std::to_string(health.nodes_expected) + R"(,"alive":)" +
          std::to_string(health.nodes_alive) + R"(},"links":{"expected":)" + std::to_string(health.links_expected) +
          R"(,"up":)" + std::to_string(health.links_up) + R"(,"unknown":)" + std::to_string(health.links_unknown) +
          R"(},"bad":[)";
  for (std::size_t i = 0; i < health.bad.size(); ++i) {
    const Health::Bad& bad = health.bad[i];
    text += (i == 0 ? R"({"from":)" : R"(,{"from":)") + quoted(bad.from) + R"(,"to":)" + quoted(bad.to) +
            R"(,"state":)" + quoted(bad.state);
    if (!bad.why.empty()) text += R"(,"why":)" + quoted(bad.why);
    text += '}';
  }
  return text + R"(],"redis":)" + quoted(health.redis) + "}";
}

std::optional<Draining> draining_of(std::string_view cluster) {
  const tool::Json json = tool::parse_json(cluster);
  const std::string own = text_of(json.get(), "node");
  const cJSON* node = nullptr;
  cJSON_ArrayForEach(node, item_of(json.get(), "nodes")) {
    const double sessions = tool::number_of(node, "sessions").value_or(-1);
    if (text_of(node, "name") != own || sessions < 0) continue;
    const std::string stage = text_of(node, "stage");
    return Draining{stage.empty() || stage == "draining", static_cast<std::size_t>(sessions)};
  }
  return std::nullopt;
}

}  // namespace crosstalk
