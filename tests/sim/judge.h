// The contract (PROTOCOL.md §3), held against what happens: every chat, every
// outcome, every delivery, every kick, every dial. The first breach ends a run.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "peer/hlc.h"
#include "src/chat/client.h"
#include "tests/sim/events.h"
#include "tests/sim/plan.h"

namespace sim {

using SessionNumber = std::uint32_t;
using ChatNumber = std::uint32_t;

// The line of a chat; a function of its number, so that nothing of it need be kept.
std::string line_of(ChatNumber number, bool big);
std::string id_of(ChatNumber number);  // with its quotes

class Judge {
 public:
  explicit Judge(const Plan& plan) : plan_(&plan) {}

  bool breached() const { return !breach_.empty(); }
  const std::string& breach() const { return breach_; }
  void fail(std::string what) {
    if (breach_.empty()) breach_ = std::move(what);
  }

  // --- Sessions.
  SessionNumber on_login(std::uint8_t user, std::uint8_t node);
  void on_stamped(SessionNumber, peer::Stamp);
  void on_kicked(SessionNumber, chat::KickReason);
  void on_ended(SessionNumber);

  // --- Chats.
  ChatNumber on_taken(SessionNumber from, std::uint8_t recipient, bool with_id, bool must_be_written);
  void on_outcome(SessionNumber at, std::string_view id, chat::Outcome, bool maybe);
  // The session's client has it.
  void on_delivered(SessionNumber at, std::string_view line);

  // --- Nodes.
  void on_dial(std::uint8_t from, std::uint32_t life, const std::string& to, Time now);
  void on_tick(std::uint8_t node, Time now);

  // Every chat that may not be open is settled.
  void at_end();

  std::size_t chats() const { return chats_.size(); }
  std::size_t delivered() const { return delivered_; }
  std::size_t written() const { return written_; }
  std::size_t open() const { return maybe_; }

 private:
  enum class Fate : std::uint8_t { none, written, failed, maybe };
  struct Chat {
    SessionNumber sender = 0;
    std::uint8_t recipient = 0;
    bool with_id = false;
    bool must_be_written = false;
    bool delivered = false;
    Fate fate = Fate::none;
  };
  struct Session {
    std::uint8_t user = 0;
    std::uint8_t node = 0;
    bool ended = false;
    peer::Stamp stamp = 0;
    std::array<ChatNumber, 16> last_to{};  // the last of its chats that each user got
  };
  std::string name(ChatNumber number) const;

  const Plan* plan_;
  std::string breach_;
  std::vector<Chat> chats_{1};
  std::vector<Session> sessions_{1};
  struct Dials {
    std::array<Time, 15> times{};
    std::size_t count = 0;
  };
  std::map<std::tuple<std::uint8_t, std::uint32_t, std::string>, Dials> dials_;
  std::array<std::pair<Time, unsigned>, 8> ticks_{};
  std::size_t delivered_ = 0;
  std::size_t written_ = 0;
  std::size_t maybe_ = 0;
};

}  // namespace sim
