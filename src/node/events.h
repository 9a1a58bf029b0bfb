// What happened to a node's links and neighbours lately: a ring, for those who watch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "peer/mesh.h"

namespace node {

struct Event {
  std::int64_t at_ms = 0;  // since the epoch
  std::string_view what;   // a word of the manual
  std::string peer;
  std::string why;  // safe to show
};

// Its word; empty: what repeats without end and stands in the log alone.
std::string_view event_word(peer::Report::Kind kind);

class Events {
 public:
  static constexpr std::size_t kept_max = 100;

  void note(const peer::Report& report, std::int64_t wall_ms);
  const std::deque<Event>& all() const { return all_; }  // the oldest first

 private:
  std::deque<Event> all_;
};

}  // namespace node
