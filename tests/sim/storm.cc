#include "tests/sim/storm.h"

#include <algorithm>

namespace sim {

namespace {

using namespace std::chrono_literals;

// From the last fault's end until every node is linked with every other, knows
// everybody and owes nobody an outcome.
constexpr Micros calm_within = 120s;
// For the last chats, which find no trouble, to be settled.
constexpr Micros last_chats_within = 6s;
// What Redis does then for a node that had given it up long ago is nobody's fault, and
// is stored, told of, delivered and removed in its turn.
constexpr Micros late_mail_within = 2s;
// Everybody logs in, and is known everywhere before the first chat.
constexpr Time move_in_at = 5s;
constexpr Time stir_at = 7s;
constexpr Micros check_every = 100ms;
constexpr Micros home_every = 1s;
// In good weather: a node that was killed is back, linked and known; one that stays
// dead is out of the set and of everybody's directory.
constexpr Micros whole_after_restart_within = 5s;
constexpr Micros out_of_set_within = 15s;
constexpr Micros dead_within = 20s;
constexpr Micros dead_without_redis_within = 25s;
constexpr std::uint64_t drill_every = 4;
// What was ordered in the storm is done by then.
constexpr Micros orders_done_after = 1s;

const char* name_of(Phase phase) {
  switch (phase) {
    case Phase::storm: return "storm";
    case Phase::calming: return "after the storm";
    case Phase::last_chats: return "after the last chats";
    case Phase::restart: return "after a restart";
    case Phase::death: return "after a death";
    case Phase::over: return "over";
  }
  return "";
}

}  // namespace

Storm::Storm(const Plan& plan, Trace::Keep keep)
    : plan_(plan),
      chance_(plan.seed * 5 + 1),
      trace_(keep),
      judge_(plan_),
      mailboxes_(plan_, judge_),
      mail_server_(plan_, events_, trace_, registry_, mailboxes_, plan.seed * 5 + 5),
      network_(plan_, events_, plan.seed * 5 + 2),
      people_(plan_, events_, trace_, judge_, plan.seed * 5 + 3),
      busy_at_(plan_.users, Time{0}),
      leaving_at_(plan_.users, Time{0}) {
  for (std::uint8_t i = 0; i < plan_.nodes; ++i) {
    crowds_.emplace_back(judge_, i, plan_.crowd);
    nodes_.push_back(std::make_unique<Node>(
        i, plan_, events_, trace_, network_, registry_, mail_server_, judge_,
        [this](const peer::Address& address) { return who_is_at(address); }, (plan.seed * 5 + 4) * 16 + i));
  }
}

Verdict Storm::run() {
  const bool together = chance_.below(2) == 0;
  for (std::uint8_t i = 0; i < plan_.nodes; ++i)
    events_.push(together ? 0us : Micros(chance_.below(2'000'000)), What::boot, nowhere, i);
  for (std::size_t i = 0; i < plan_.faults.size(); ++i) {
    const Fault& fault = plan_.faults[i];
    events_.push(fault.at, What::fault, nowhere, i);
    // What Redis will have of what it holds when it is back.
    if (fault.kind == FaultKind::redis_crash) events_.push(fault.at - Micros(fault.amount), What::save, nowhere, i);
  }
  events_.push(move_in_at, What::traffic, nowhere, 0);
  events_.push(stir_at, What::traffic, nowhere, 1);
  events_.push(stir_at, What::look, nowhere, 0);
  events_.push(plan_.storm_ends + orders_done_after, What::check, nowhere, 0);
  while (phase_ != Phase::over && !judge_.breached() && !events_.empty()) dispatch(events_.pop());

  Verdict verdict;
  verdict.breach = judge_.breach();
  verdict.hash = trace_.hash();
  verdict.simulated = events_.now();
  verdict.whole_after = whole_after_;
  verdict.events = events_.count();
  verdict.chats = judge_.chats();
  verdict.counts = judge_.counts();
  verdict.tail.assign(trace_.tail().begin(), trace_.tail().end());
  return verdict;
}

void Storm::dispatch(const Event& event) {
  if (event.node != nowhere && nodes_[event.node]->paused())
    nodes_[event.node]->waiting().push_back(event);
  else
    handle(event);
  settle_news();
}

void Storm::handle(const Event& event) {
  switch (event.what) {
    case What::connect:
    case What::accept:
    case What::opened:
    case What::failed:
    case What::arrival:
    case What::room: return network_.handle(event);
    case What::boot: return boot(static_cast<std::uint8_t>(event.x));
    case What::wake: return wake(static_cast<std::uint8_t>(event.x));
    case What::tick:
    case What::flush:
    case What::gone:
    case What::poll:
    case What::view:
    case What::renew:
    case What::judged:
    case What::mail_try:
    case What::mail_watch:
    case What::mail_reset:
    case What::mail_answer:
    case What::mail_refused:
    case What::mail_wake: return nodes_[event.node]->handle(event);
    case What::mail_arrive: return mail_server_.handle(event);
    case What::read: return people_.handle(event);
    case What::order:
    case What::written:
    case What::confirm:
    case What::reset:
    case What::part:
    case What::silent: return order(event);
    case What::fault: return begin(event.x);
    case What::heal: return heal(event.x);
    case What::traffic:
      if (events_.now() >= plan_.storm_ends) return;
      if (event.x == 0) return people_.move_in(places());
      stir();
      return events_.push_in(Micros(1 + chance_.below(2 * static_cast<std::uint64_t>(plan_.chat_every.count()))),
                             What::traffic, nowhere, 1);
    case What::look: return look();
    case What::check: return check();
    case What::save: return mailboxes_.save();
  }
}

void Storm::boot(std::uint8_t index) {
  Node& node = *nodes_[index];
  node.boot();
  crowds_[index].gather(node.router());
  people_.on_boot(index, places());
  node.end_turn();
}

void Storm::stir() {
  people_.stir(places());
  const std::size_t index = chance_.below(nodes_.size());
  Node& node = *nodes_[index];
  if (!node.up() || node.paused() || node.leaving()) return;
  crowds_[index].stir(node.router(), chance_);
  node.end_turn();
}

void Storm::order(const Event& event) {
  Node& node = *nodes_[event.node];
  if (!node.up() || node.life() != event.life) return;
  if (event.what != What::order) {
    people_.handle(event);
  } else {
    const People::Order wish = people_.order(event.x);
    if (node.leaving()) return;
    people_.carry_out(wish, event.node, event.life, node.router(), node.mesh());
  }
  node.end_turn();
}

std::uint8_t Storm::who_is_at(const peer::Address& address) const {
  for (std::uint8_t i = 0; i < plan_.nodes; ++i)
    if (nodes_[i]->member().address == address) return i;
  return nowhere;
}

// A mesh that joined, left or took somebody out tells the channel.
void Storm::settle_news() {
  for (const auto& teller : nodes_) {
    if (!teller->take_news()) continue;
    for (const auto& node : nodes_)
      if (node != teller) node->on_changed();
  }
}

std::vector<People::Place> Storm::places() {
  std::vector<People::Place> places;
  for (const auto& node : nodes_) {
    const bool open = node->up() && !node->leaving();
    places.push_back({open ? &node->router() : nullptr, node->life()});
  }
  return places;
}

// --- Faults.

void Storm::wake(std::uint8_t index) {
  Node& node = *nodes_[index];
  if (!node.paused()) return;
  node.wake();
  // What waited is handled in the order in which it came; a fault may end it.
  for (const Event& event : std::exchange(node.waiting(), {})) handle(event);
}

void Storm::begin(std::size_t index) {
  const Fault& fault = plan_.faults[index];
  trace_.note(events_.now(), nowhere, "fault", index, 0, to_string(fault));
  switch (fault.kind) {
    case FaultKind::refuse:
    case FaultKind::swallow:
    case FaultKind::accept_close:
    case FaultKind::stall:
    case FaultKind::slow:
    case FaultKind::partition:
      ++ways_in_trouble_;
      slow_ways_ += fault.kind == FaultKind::slow;
      network_.begin(fault);
      break;
    case FaultKind::cut: return network_.cut(fault.a, fault.b);
    case FaultKind::cut_storm:
      for (std::uint64_t i = 0; i < fault.amount; ++i)
        events_.push_in(Micros(chance_.below(static_cast<std::uint64_t>(fault.lasts.count()))), What::heal, nowhere,
                        index);
      return;
    case FaultKind::half_open: return network_.half_open(fault.a, fault.b, fault.amount == 0);
    case FaultKind::restart:
    case FaultKind::pause:
    case FaultKind::leave:
    case FaultKind::vanish: return begin_node_fault(fault);
    case FaultKind::stranger:
      return registry_.write({fault.amount == 1 ? Node::name(fault.a) : "stranger" + std::to_string(index),
                              {"10.99.0." + std::to_string(index), 9601}});
    case FaultKind::redis_away:
    case FaultKind::redis_crash:
      registry_.set_away(+1);
      mail_server_.crash();
      break;
    case FaultKind::redis_sleep: registry_.set_asleep(+1); break;
    case FaultKind::redis_cut: registry_.set_cut(fault.a, +1); break;
    case FaultKind::redis_flush: registry_.flush(); return mailboxes_.flush();
  }
  events_.push_in(fault.lasts, What::heal, nowhere, index);
}

void Storm::heal(std::size_t index) {
  const Fault& fault = plan_.faults[index];
  trace_.note(events_.now(), nowhere, "heal", index);
  if (fault.kind == FaultKind::cut_storm) return network_.cut(fault.a, fault.b);
  if (fault.kind == FaultKind::redis_away || fault.kind == FaultKind::redis_crash) {
    if (fault.kind == FaultKind::redis_crash) mailboxes_.restore();
    if (fault.kind == FaultKind::redis_away && fault.amount == 1) {
      registry_.flush();
      mailboxes_.flush();
    }
    return registry_.set_away(-1);
  }
  if (fault.kind == FaultKind::redis_sleep) return registry_.set_asleep(-1);
  if (fault.kind == FaultKind::redis_cut) return registry_.set_cut(fault.a, -1);
  --ways_in_trouble_;
  slow_ways_ -= fault.kind == FaultKind::slow;
  if (fault.kind == FaultKind::stall || fault.kind == FaultKind::partition)
    freed_at_[fault.a] = freed_at_[fault.b] = events_.now();
  network_.end(fault);
}

void Storm::begin_node_fault(const Fault& fault) {
  Node& node = *nodes_[fault.a];
  if (!node.up() || node.paused() || node.leaving()) return;
  if (fault.kind == FaultKind::pause) return node.pause(fault.lasts);
  if (fault.kind == FaultKind::restart || fault.kind == FaultKind::vanish) {
    people_.on_death(fault.a, fault.amount == 1);
    crowds_[fault.a].scatter();
    node.die(fault.amount == 1);
    if (fault.kind == FaultKind::vanish) return;
    if (fault.amount == 2) node.move();
  } else {
    people_.drain(fault.a);
    crowds_[fault.a].leave(node.router());
    node.leave();
    events_.push_in(std::min<Micros>(fault.lasts / 2, 300ms), What::gone, fault.a, 0, node.life());
  }
  events_.push_in(fault.lasts, What::boot, nowhere, fault.a);
}

// --- The calm.

void Storm::check() {
  const bool quiet = calm();
  const bool late = events_.now() >= phase_until_;
  switch (phase_) {
    case Phase::storm:
    case Phase::over: next_phase(); break;
    case Phase::calming:
      // Whoever was sent away, or finds nobody where it wanted to be, comes back.
      if (events_.now() >= home_call_) {
        people_.move_in(places());
        home_call_ = events_.now() + home_every;
      }
      if (quiet) whole_after_ = events_.now() - plan_.storm_ends;
      [[fallthrough]];
    case Phase::restart:
    case Phase::death:
      if (phase_ == Phase::death && plan_.discovers && events_.now() > phase_until_ - dead_within + out_of_set_within &&
          registry_.size() != up_)
        judge_.fail("a dead node is still in the set");
      if (quiet) next_phase();
      if (!quiet && late) judge_.fail(std::string(name_of(phase_)) + ": " + unrest_);
      break;
    case Phase::last_chats:
      if (!late || (!quiet && events_.now() - mail_server_.late_at() < late_mail_within)) break;
      // What may lie there until the next login.
      for (const auto& [user, box] : mailboxes_.boxes())
        for (const auto& [at, entry] : box.entries) judge_.on_forgotten(entry.line);
      judge_.at_end();
      if (!quiet) judge_.fail(std::string(name_of(phase_)) + ": " + unrest_);
      next_phase();
      break;
  }
  events_.push_in(check_every, What::check, nowhere, 0);
}

// What follows the last chats is a drill in good weather, for some of the seeds.
void Storm::next_phase() {
  phase_ = Phase{static_cast<std::uint8_t>(static_cast<std::uint8_t>(phase_) + 1)};
  if (phase_ == Phase::restart && plan_.seed % drill_every != 0) phase_ = Phase::over;
  trace_.note(events_.now(), nowhere, name_of(phase_));
  switch (phase_) {
    case Phase::storm: break;
    case Phase::calming:
      people_.hurry();
      phase_until_ = events_.now() + calm_within;
      break;
    case Phase::last_chats:
      people_.call_everybody();
      phase_until_ = events_.now() + last_chats_within;
      break;
    case Phase::restart:
      kill_one(false);
      phase_until_ = events_.now() + whole_after_restart_within;
      break;
    case Phase::death:
      kill_one(true);
      phase_until_ = events_.now() + (plan_.discovers ? dead_within : dead_without_redis_within);
      break;
    case Phase::over: break;
  }
}

void Storm::kill_one(bool for_good) {
  std::vector<std::uint8_t> up;
  for (std::uint8_t i = 0; i < plan_.nodes; ++i)
    if (nodes_[i]->up()) up.push_back(i);
  Fault fault;
  fault.kind = for_good ? FaultKind::vanish : FaultKind::restart;
  fault.a = up[chance_.below(up.size())];
  fault.amount = for_good ? chance_.below(2) : 0;
  fault.lasts = 200ms;
  if (!for_good) awaited_ = fault.a;
  plan_.weather = Weather::nodes;  // from now on
  begin_node_fault(fault);
}

}  // namespace sim
