// A set of numbers, kept as runs: those that follow one another cost as much as
// one. Over `runs_max` runs the lowest is forgotten.
//
// A value.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>

#include "peer/ids.h"

namespace peer {

class Runs {
 public:
  explicit Runs(std::size_t runs_max) : runs_max_(runs_max) {}

  // first … end - 1
  void add(Seq first, Seq end) {
    if (first >= end) return;
    auto at = runs_.upper_bound(first);
    if (at != runs_.begin() && std::prev(at)->second >= first) {
      --at;
      first = at->first;
    }
    while (at != runs_.end() && at->first <= end) {
      end = std::max(end, at->second);
      at = runs_.erase(at);
    }
    runs_.emplace_hint(at, first, end);
    if (runs_.size() > runs_max_) runs_.erase(runs_.begin());
  }

  bool contains(Seq seq) const {
    const auto behind = runs_.upper_bound(seq);
    return behind != runs_.begin() && seq < std::prev(behind)->second;
  }

  void clear() { runs_.clear(); }
  std::size_t runs() const { return runs_.size(); }

 private:
  std::size_t runs_max_;
  std::map<Seq, Seq> runs_;  // from the first to behind the last
};

}  // namespace peer
