// One run of one plan: builds the nodes and everything around them, lets the
// storm rage, waits for the calm, and holds what is left against the truth.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/crowd.h"
#include "tests/sim/events.h"
#include "tests/sim/judge.h"
#include "tests/sim/mail_line.h"
#include "tests/sim/mailboxes.h"
#include "tests/sim/network.h"
#include "tests/sim/node.h"
#include "tests/sim/people.h"
#include "tests/sim/plan.h"
#include "tests/sim/registry.h"
#include "tests/sim/trace.h"

namespace sim {

struct Verdict {
  std::string breach;  // empty: the contract was kept
  std::uint64_t hash = 0;
  Micros simulated{0};
  Micros whole_after{0};  // the last fault
  std::uint64_t events = 0;
  std::size_t chats = 0;
  history::Judge::Counts counts;
  std::vector<std::string> tail;  // of the trace, where it was kept
};

enum class Phase : std::uint8_t { storm, calming, last_chats, restart, death, over };

class Storm {
 public:
  Storm(const Plan& plan, Trace::Keep keep);
  Verdict run();

 private:
  void dispatch(const Event& event);
  void handle(const Event& event);
  void wake(std::uint8_t node);
  void begin(std::size_t fault);
  void heal(std::size_t fault);
  void begin_node_fault(const Fault& fault);
  void order(const Event& event);
  bool mail_is_calm();
  bool counts(const std::string& user, const Mailboxes::Entry& entry) const;
  void look();
  void note_disturbances(Time now);
  bool is_busy(std::uint8_t user) const;
  Micros patience(const Node& node) const;
  bool undisturbed();
  void look_for_stuck(const Session& session, const Mailboxes::Box& box);
  void boot(std::uint8_t node);
  void stir();
  void check();
  void next_phase();
  void kill_one(bool for_good);
  bool calm();
  bool node_is_calm(Node& node);
  std::uint8_t who_is_at(const peer::Address& address) const;
  bool directory_is_true(Node& node);
  void settle_news();
  std::vector<People::Place> places();

  Plan plan_;
  peer::SeededChance chance_;
  Events events_;
  Trace trace_;
  Judge judge_;
  Registry registry_;
  Mailboxes mailboxes_;
  MailServer mail_server_;
  Network network_;
  People people_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Crowd> crowds_;
  Phase phase_ = Phase::storm;
  Time phase_until_{0};
  Time home_call_{0};
  Micros whole_after_{0};
  std::string unrest_;
  std::size_t up_ = 0;
  std::uint8_t awaited_ = nowhere;  // to be up again
  Time disturbed_at_{0};            // something was not as it should be
  int ways_in_trouble_ = 0;         // stalled, slow, parted
  int slow_ways_ = 0;
  Time slow_at_{0};
  std::array<Time, 8> freed_at_{};  // by node: what was stalled on a way of its got through
  std::vector<Time> busy_at_;       // by user
  std::vector<Time> leaving_at_;    // …
};

}  // namespace sim
