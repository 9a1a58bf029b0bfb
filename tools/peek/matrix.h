// Every ordered pair of nodes: the link that should be there against the one that
// is, judged by what both of its ends say.
//
// A value made from a Cluster; draws nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/peek/cluster.h"

namespace peek {

enum class Sight : std::uint8_t {
  self,         // a node and itself
  none,         // neither expected nor told of
  up,           // both ends say so
  lost,         // both ends say so, and messages through it are lost
  unconfirmed,  // the dialler says so, of the other end nobody has heard
  only_from,    // the dialler says so, the other end has not accepted it
  only_to,      // the other end has accepted it, the dialler does not say so
  syncing,
  connecting,
  backoff,
  refused,
  down,
  missing,  // expected, and nobody has told of it
};
inline constexpr std::size_t sights = 13;

// A character and a few words for each; `mark` is ASCII and tells all apart.
struct Legend {
  char mark;
  std::string_view words;
};
Legend legend(Sight sight);

struct Cell {
  Sight sight = Sight::none;
  bool expected = false;
  const Link* link = nullptr;  // in the Cluster

  bool bad() const { return expected && sight != Sight::up; }
};

class Matrix {
 public:
  // The cluster stays where it is for as long as this lives.
  explicit Matrix(const Cluster& cluster);

  std::size_t size() const { return size_; }
  const Cell& at(std::size_t from, std::size_t to) const { return cells_[from * size_ + to]; }

  // A node that is expected while neither the node asked nor one that it reaches, by
  // however many others, has a link with it that lives. What it said before counts for nothing.
  bool unreached(std::size_t node) const { return unreached_[node]; }
  // Of all, and of those that this node has in either direction.
  struct Count {
    std::size_t expected = 0;
    std::size_t up = 0;
  };
  Count count() const { return all_; }
  Count count(std::size_t node) const { return of_node_[node]; }
  std::size_t count(Sight sight) const { return of_sight_[static_cast<std::size_t>(sight)]; }

 private:
  void reach(const Cluster& cluster);

  std::size_t size_;
  std::vector<Cell> cells_;
  std::vector<bool> unreached_;
  std::vector<Count> of_node_;
  Count all_;
  std::array<std::size_t, sights> of_sight_{};
};

// What is wrong with the link, or that it is up, with names and in words; fit for
// a terminal.
std::string in_words(const Cluster& cluster, std::size_t from, std::size_t to, const Cell& cell);

}  // namespace peek
