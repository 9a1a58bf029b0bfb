#include "tools/peek/findings.h"

#include <algorithm>
#include <map>

#include "tools/common/printable.h"
#include "tools/peek/figures.h"

namespace peek {

namespace {

// A node tells the others of itself far more often.
constexpr std::uint64_t age_ms_max = 15'000;

constexpr std::size_t line_bytes_max = 500;
constexpr std::size_t line_left_for_the_rest = 30;
constexpr std::size_t finding_bytes_max = 160;

std::string name_of(const Cluster& cluster, std::size_t node) { return tool::printable(cluster.nodes[node].name); }

// What those who dial it say, if anybody does.
std::string why_not(const Matrix& matrix, std::size_t node) {
  for (std::size_t from = 0; from < matrix.size(); ++from)
    if (const Link* link = matrix.at(from, node).link; link != nullptr && !link->why.empty())
      return ": " + tool::printable(link->why);
  return "";
}

void find_nodes(const Cluster& cluster, const Matrix& matrix, std::vector<Finding>& found) {
  for (std::size_t n = 0; n < matrix.size(); ++n)
    if (matrix.unreached(n)) found.push_back({true, name_of(cluster, n) + " not reached" + why_not(matrix, n), n, n});
}

void find_links(const Cluster& cluster, const Matrix& matrix, std::vector<Finding>& found) {
  for (std::size_t from = 0; from < matrix.size(); ++from) {
    for (std::size_t to = 0; to < matrix.size(); ++to) {
      const Cell& cell = matrix.at(from, to);
      if (cell.bad() && !matrix.unreached(from) && !matrix.unreached(to))
        found.push_back({true, in_words(cluster, from, to, cell), from, to});
    }
  }
}

// "2000 (n1, n2 and 7 more), 5000 (n3)": the most common first.
std::string variants(const Cluster& cluster, const std::map<std::string, std::vector<std::size_t>>& by_value) {
  std::vector<const std::pair<const std::string, std::vector<std::size_t>>*> values;
  for (const auto& entry : by_value) values.push_back(&entry);
  std::stable_sort(values.begin(), values.end(),
                   [](const auto* a, const auto* b) { return a->second.size() > b->second.size(); });
  std::string text;
  for (const auto* entry : values) {
    const auto& [value, nodes] = *entry;
    text += (text.empty() ? "" : ", ") + tool::printable(value) + " (" + name_of(cluster, nodes.front());
    if (nodes.size() > 1)
      text += nodes.size() == 2 ? " and " + name_of(cluster, nodes[1])
                                : " and " + std::to_string(nodes.size() - 1) + " more";
    text += ")";
  }
  return text;
}

using ByValue = std::map<std::string, std::vector<std::size_t>>;

void find_differences(const Cluster& cluster, std::vector<Finding>& found) {
  ByValue versions;
  std::map<std::string, ByValue> settings;
  for (std::size_t n = 0; n < cluster.nodes.size(); ++n) {
    if (!cluster.nodes[n].version.empty()) versions[cluster.nodes[n].version].push_back(n);
    for (const auto& [key, value] : cluster.nodes[n].settings) settings[key][value].push_back(n);
  }
  if (versions.size() > 1) found.push_back({false, "versions differ: " + variants(cluster, versions)});
  for (const auto& [key, values] : settings)
    if (values.size() > 1)
      found.push_back({false, "setting " + tool::printable(key) + " differs: " + variants(cluster, values)});
}

void find_oddities(const Cluster& cluster, const Matrix& matrix, std::vector<Finding>& found) {
  for (std::size_t n = 0; n < cluster.nodes.size(); ++n) {
    const Node& node = cluster.nodes[n];
    const std::string name = name_of(cluster, n);
    if (matrix.unreached(n)) continue;
    if (!node.listed && node.life != Life::dead)
      found.push_back({false, name + " is there, but nobody expects it", n, n});
    if (node.listed && node.life == Life::suspect) found.push_back({false, name + " is suspected to be dead", n, n});
    if (node.listed && node.life == Life::dead) found.push_back({false, name + " is taken for dead", n, n});
    if (node.draining) found.push_back({false, name + " is draining", n, n});
    if (node.redis == "down") found.push_back({false, name + " has no Redis", n, n});
    if (node.listed && node.age_ms.value_or(0) > age_ms_max)
      found.push_back({false, name + " was heard of " + span_ms(*node.age_ms) + " ago", n, n});
  }
}

std::string cut(std::string text, std::size_t bytes_max) {
  if (text.size() > bytes_max) text.replace(bytes_max - 3, std::string::npos, "...");
  return text;
}

}  // namespace

std::vector<Finding> findings(const Cluster& cluster, const Matrix& matrix) {
  std::vector<Finding> found;
  find_nodes(cluster, matrix, found);
  find_links(cluster, matrix, found);
  if (found.empty() && !cluster.whole)
    found.push_back({true, tool::printable(cluster.node) + " says that the mesh is not whole"});
  find_differences(cluster, found);
  find_oddities(cluster, matrix, found);
  return found;
}

Verdict check(const Cluster& cluster) {
  const Matrix matrix(cluster);
  std::vector<Finding> wrong = findings(cluster, matrix);
  std::erase_if(wrong, [](const Finding& finding) { return !finding.wrong; });
  if (wrong.empty()) {
    const auto listed =
        std::count_if(cluster.nodes.begin(), cluster.nodes.end(), [](const Node& node) { return node.listed; });
    return {true, "all " + std::to_string(matrix.count().up) + " links of " + std::to_string(listed) +
                      (listed == 1 ? " node are up" : " nodes are up")};
  }
  std::string line;
  std::size_t told = 0;
  for (const Finding& finding : wrong) {
    const std::string text = cut(finding.text, finding_bytes_max);
    if (line.size() + text.size() + line_left_for_the_rest > line_bytes_max) break;
    line += (line.empty() ? "" : "; ") + text;
    ++told;
  }
  if (told < wrong.size()) line += "; and " + std::to_string(wrong.size() - told) + " more";
  return {false, line};
}

}  // namespace peek
