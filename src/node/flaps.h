// What comes and goes, such as a link: which of it is worth a line in the log.
//
// While it never stays for `stable`, its going is told the first, the second, the
// fourth, the eighth … time, as other failures are (Repeats in log.h), and its
// coming where its going was. Bounded as Repeats is. Knows no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "peer/time.h"

namespace node {

class Flaps {
 public:
  static constexpr peer::Millis stable{60'000};

  // It has come: whether to tell.
  bool come(std::string_view what, peer::Time now);
  // It has gone, or could not come: how often since it last was stable, where
  // that is to be told; else 0.
  std::uint64_t gone(std::string_view what, peer::Time now);

 private:
  static constexpr std::size_t kept_max = 1024;
  struct One {
    std::uint64_t times = 0;
    peer::Time here_since = peer::never;
    bool tell_coming = true;
  };
  One& find(std::string_view what);

  std::unordered_map<std::string, One> all_;
};

}  // namespace node
