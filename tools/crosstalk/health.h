// Is a node ready, and the mesh whole? The answers of /readyz and /v1/cluster, put
// into one line. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crosstalk {

struct Health {
  // A link between two that are expected, of which somebody says that it is not up.
  struct Bad {
    std::string from;
    std::string to;
    std::string state;
    std::string why;
  };

  std::string not_ready{};  // why; empty: it is
  bool whole = false;       // as the node judges it
  std::string node{};
  std::string cluster{};
  std::string redis{};
  std::size_t nodes_expected = 0;
  std::size_t nodes_alive = 0;
  std::size_t links_expected = 0;
  std::size_t links_up = 0;
  std::size_t links_unknown = 0;  // nobody has told of them
  std::vector<Bad> bad{};

  bool good() const { return not_ready.empty() && whole && bad.empty(); }
};

// Nothing where `cluster` is no answer of GET /v1/cluster.
std::optional<Health> health_of(std::string_view not_ready, std::string_view cluster);

// "ready: n1 of main: 3 of 3 nodes, 6 of 6 links up, redis up".
std::string health_for_people(const Health& health);
std::string health_json(const Health& health);

// How a node is doing that is to lose its sessions.
struct Draining {
  bool draining = false;
  std::size_t sessions = 0;
};
// Of the node that was asked, in its answer to GET /v1/cluster. Nothing where it does
// not say how many it has; one that does not say its stage is taken to be draining.
std::optional<Draining> draining_of(std::string_view cluster);

}  // namespace crosstalk
