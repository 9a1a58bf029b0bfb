#include "src/node/events.h"

#include <utility>

#include "src/client/text.h"

namespace node {

std::string_view event_word(peer::Report::Kind kind) {
  using Kind = peer::Report::Kind;
  switch (kind) {
    case Kind::link_up: return "link_up";
    case Kind::link_down: return "link_down";
    case Kind::accepted: return "accepted";
    case Kind::accept_lost: return "accept_lost";
    case Kind::node_joined: return "node_joined";
    case Kind::node_left: return "node_left";
    case Kind::node_dead: return "node_dead";
    case Kind::reincarnated: return "reincarnated";
    case Kind::canary_lost: return "canary_lost";
    case Kind::canary_back: return "canary_back";
    case Kind::dial_failed:
    case Kind::accept_refused: break;
  }
  return {};
}

void Events::note(const peer::Report& report, std::int64_t wall_ms) {
  const std::string_view what = event_word(report.kind);
  if (what.empty()) return;
  if (all_.size() == kept_max) all_.pop_front();
  std::string why;
  client::append_shown(why, report.why);
  all_.push_back({wall_ms, what, report.peer, std::move(why)});
}

}  // namespace node
