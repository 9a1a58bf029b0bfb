// What all sessions of a process have in common: the settings, the time, the
// desk, and the memory that they use one after the other.
//
// Owned by the Door; outlives the sessions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "peer/chance.h"
#include "peer/ids.h"
#include "peer/time.h"
#include "src/chat/desk.h"
#include "src/client/id_maker.h"
#include "src/client/line_end.h"
#include "src/client/outbox.h"
#include "src/client/request.h"
#include "src/client/spares.h"
#include "src/client/window.h"

namespace client {

struct SessionSettings {
  std::string node;
  std::string version;
  std::size_t line_bytes = 65536;                               // limits.line_bytes
  std::size_t queue_bytes = std::size_t{1} << 20U;              // sessions.queue_bytes
  std::string text_template = "{send}给您发了消息：{content}";  // sessions.text_template
  std::uint32_t chats_per_s = 0;                                // 0: no limit
  peer::Millis drain_patience{10'000};                          // drain.timeout_ms
  std::uint32_t chats_burst = 0;                                // 0: twice the rate
  peer::Millis ack_timeout{30'000};                             // delivery.ack_timeout_ms

  // A session's own chats under way: at most half of what may wait for a recipient, so
  // that no sender alone gets a recipient cut.
  std::size_t unsettled_bytes_max() const { return std::min(std::size_t{256} * 1024, queue_bytes / 2); }
};

// The time, set by the owner before it calls a session, and while one is paused
// at least at every tick. What the desk calls may find it late.
struct Clock {
  peer::Time now{0};
  std::int64_t wall_ms = 0;  // since the epoch
};

// What clients were told that they did not like, since the start.
struct Tally {
  std::map<std::string_view, std::uint64_t> refusals;  // errors, by code
  std::map<std::string_view, std::uint64_t> kicks;     // by reason
};

struct Commons {
  Commons(SessionSettings session_settings, peer::Incarnation incarnation, chat::Desk& its_desk,
          peer::Chance& its_chance)
      : settings(std::move(session_settings)), desk(its_desk), chance(its_chance), ids(settings.node, incarnation) {}

  SessionSettings settings;
  // Where clients of another node with less to do connect, if there is one.
  std::function<std::optional<peer::Address>()> less_loaded = [] { return std::nullopt; };
  chat::Desk& desk;
  peer::Chance& chance;
  Clock clock;
  // So many reads of guests are still to be handled in this turn; set by the owner.
  unsigned guests_left = std::numeric_limits<unsigned>::max();
  IdMaker ids;
  LineEnd line_end;
  Tally tally;
  Spares<Outbox> outboxes;
  Spares<Window> windows;
  RequestParser requests;    // of what a client said
  RequestParser deliveries;  // of what a client is to read; used while a request is still in hand
  // Scratch, each used by one function and free again when it returns.
  std::string decoded, answers, reply, error, typed, sender, content, id, shown;
};

}  // namespace client
