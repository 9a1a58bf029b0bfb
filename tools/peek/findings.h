// What is worth a sentence about a cluster: what is wrong with it, and what is
// odd. And the one line of --check.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "tools/peek/cluster.h"
#include "tools/peek/matrix.h"

namespace peek {

struct Finding {
  bool wrong = false;  // the mesh is not whole; else it is but odd
  std::string text{};  // fit for a terminal
  // The link or, `to` being the same, the node that it is about.
  std::optional<std::size_t> from{};
  std::size_t to = 0;
};

// Wrong ones first: nodes, then links in order; the links of a node that nobody
// reaches are told with it.
std::vector<Finding> findings(const Cluster& cluster, const Matrix& matrix);

struct Verdict {
  bool whole = false;
  std::string line{};  // one, of at most 500 bytes
};
Verdict check(const Cluster& cluster);

}  // namespace peek
