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
// Everybody logs in, and is known everywhere before the first chat.
constexpr Time move_in_at = 5s;
constexpr Time stir_at = 7s;
constexpr Micros check_every = 100ms;
constexpr Micros look_every = 200ms;
// What is stored reaches who is there: the contract's second, and what a slow Redis takes of it.
constexpr Micros drained_within = 2s;
// When Redis is back everybody is looked after, so many at a time.
constexpr Micros crowd_drained_within = 20s;
// A link's silence (5 s), the hold (2 s), and what a slow Redis takes.
constexpr Micros rerouted_within = 9s;
// The silence, and wait_max.
constexpr Micros given_up_within = 38s;
constexpr Micros older_sessions_flush = 5s;
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
      people_(plan_, events_, trace_, judge_, plan.seed * 5 + 3) {
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

// --- Meanwhile.

void Storm::look() {
  if (phase_ == Phase::restart || phase_ == Phase::death) return;
  events_.push_in(look_every, What::look, nowhere, 0);
  const Time now = events_.now();
  if (!undisturbed()) disturbed_at_ = now;
  if (slow_ways_ > 0) slow_at_ = now;
  for (const auto& [user, box] : mailboxes_.boxes()) {
    if (now - disturbed_at_ < (plan_.crowd > 0 ? crowd_drained_within : drained_within)) break;
    const Session* const session = people_.session_of(static_cast<std::uint8_t>(std::stoi(user.substr(4))));
    if (session != nullptr) look_for_stuck(*session, box);
  }
  judge_.look_for_waiting(now, [this](std::uint8_t node, std::uint8_t to) {
    return is_busy(to) ? Micros(peer::never) : patience(*nodes_[node]);
  });
  people_.look_for_unready(
      [this](std::uint8_t node) { return nodes_[node]->paused() ? Time(events_.now()) : nodes_[node]->awake_since(); });
}

// Its sessions have enough to do, or its mailbox is long: what comes directly waits behind that.
bool Storm::is_busy(std::uint8_t user) const {
  const auto box = mailboxes_.boxes().find(user_name(user));
  return people_.busy(user) || (box != mailboxes_.boxes().end() && box->second.entries.size() > 2 * plan_.mail_page);
}

// How long a chat of that node's may be on its way: a cut link is found out, given up, and its
// recipient's mailbox takes it, once Redis is there for a while; else for as long as anything waits.
Micros Storm::patience(const Node& node) const {
  const Time now = events_.now();
  const Micros moving = plan_.weather == Weather::links ? 0us : Micros(plan_.ack_timeout + older_sessions_flush);
  const Micros with_mail = rerouted_within + moving;
  const Micros without = given_up_within + moving;
  const auto calm_for = [&](Micros long_enough) {
    return node.up() && !node.paused() && !node.leaving() && now - node.awake_since() > long_enough &&
           now - slow_at_ > long_enough;
  };
  const bool has_mail = node.mail() != nullptr && node.mail()->up() && now - node.mail()->up_since() > with_mail;
  if (has_mail && calm_for(with_mail)) return with_mail;
  return calm_for(without) ? without : Micros(peer::never);
}

// Nothing is cut, nobody sleeps, and everybody has Redis.
bool Storm::undisturbed() {
  if (ways_in_trouble_ > 0 || !registry_.sound()) return false;
  std::size_t up = 0;
  for (const auto& node : nodes_) up += node->up() && !node->leaving();
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    if (!node->up()) return true;
    if (node->paused() || node->leaving() || (node->mail() != nullptr && !node->mail()->up())) return false;
    const auto peers = node->mesh().view(events_.now());
    return 1 + static_cast<std::size_t>(std::count_if(peers.begin(), peers.end(),
                                                      [](const auto& peer) { return peer.synced && peer.accepts; })) ==
           up;
  });
}

// A session that reads everything has been there for a while and got nothing, though an
// entry has been there as long.
void Storm::look_for_stuck(const Session& session, const Mailboxes::Box& box) {
  const Time since = events_.now() - drained_within;
  if (!session.quiet() || !session.ready() || session.over() || nodes_[session.node]->paused()) return;
  if (std::max(session.began, session.moved_at) > since || people_.leaving(session.user)) return;
  for (const auto& [at, entry] : box.entries)
    if (entry.since <= since && !judge_.seen(entry.line) && counts(user_name(session.user), entry))
      return judge_.fail("stuck in the mailbox of " + user_name(session.user) +
                         ", who is there: " + judge_.describe(entry.line));
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
      if (!late) break;
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

bool Storm::calm() {
  unrest_.clear();
  if (awaited_ != nowhere && nodes_[awaited_]->up()) awaited_ = nowhere;
  if (awaited_ != nowhere) return unrest_ = "a node is not up", false;
  if (unrest_ = people_.unrest(); !unrest_.empty()) return false;
  if (!mail_is_calm()) return false;
  for (std::uint8_t user = 0; user < plan_.users; ++user)
    if (people_.live(user) != 1 && (people_.live(user) > 1 || phase_ < Phase::restart))
      return unrest_ = user_name(user) + " has " + std::to_string(people_.live(user)) + " sessions", false;
  up_ = static_cast<std::size_t>(
      std::count_if(nodes_.begin(), nodes_.end(), [](const auto& node) { return node->up(); }));
  if (plan_.discovers && registry_.size() != up_)
    return unrest_ = "the set has " + std::to_string(registry_.size()) + " members", false;
  return std::all_of(nodes_.begin(), nodes_.end(), [this](const auto& node) { return node_is_calm(*node); });
}

// What was stored by a node that is gone may lie there until the next login, where
// nobody was told of it or that life of the node was never heard of.
bool Storm::counts(const std::string& user, const Mailboxes::Entry& entry) const {
  const Node& node = *nodes_[entry.node];
  if (entry.late) return false;
  if (node.up() && !node.leaving() && node.life() == entry.life) return true;
  const Session* const session = people_.session_of(static_cast<std::uint8_t>(std::stoi(user.substr(4))));
  return judge_.acked(entry.line) && (session == nullptr || judge_.met(session->node, entry.node, entry.life));
}

// Whoever is there has nothing waiting.
bool Storm::mail_is_calm() {
  for (const auto& [user, box] : mailboxes_.boxes())
    for (const auto& [at, entry] : box.entries)
      if (counts(user, entry))
        return unrest_ = "something waits for " + user + " (" + judge_.describe(entry.line) + ")", false;
  for (const auto& node : nodes_)
    if (phase_ < Phase::restart && node->up() && node->mail() != nullptr &&
        (!node->mail()->up() || !node->mail()->idle()))
      return unrest_ = Node::name(node->index()) + " owes Redis something", false;
  return true;
}

bool Storm::node_is_calm(Node& node) {
  if (!node.up()) return true;
  peer::Mesh& mesh = node.mesh();
  const std::string& name = mesh.self().name;
  std::size_t linked = 0;
  for (const auto& peer : mesh.view(events_.now())) {
    if (peer.synced && peer.accepts)
      ++linked;
    else if (plan_.discovers || nodes_[static_cast<std::size_t>(peer.name.back() - '0')]->up())
      return unrest_ = name + " is not linked with " + peer.name + ": " + peer.why, false;
  }
  if (linked + 1 != up_ || (up_ == nodes_.size() && !mesh.whole())) return unrest_ = name + " is not whole", false;
  if (mesh.unsettled_bytes() != 0)
    return unrest_ = name + " holds " + std::to_string(mesh.unsettled_bytes()) + " bytes unsettled", false;
  if (!node.router().idle()) return unrest_ = name + " has chats on their way", false;
  if (node.router().barriers() != 0)
    return unrest_ = name + " still refuses " + std::to_string(node.router().barriers()) + " lanes", false;
  return directory_is_true(node);
}

bool Storm::directory_is_true(Node& node) {
  const peer::Mesh& mesh = node.mesh();
  std::size_t here = crowds_[node.index()].here();
  std::size_t elsewhere = 0;
  for (const Crowd& crowd : crowds_) elsewhere += crowd.here();
  elsewhere -= here;
  for (std::uint8_t user = 0; user < plan_.users; ++user) {
    const std::string name = user_name(user);
    const std::string at = mesh.self().name;
    const Session* const session = people_.session_of(user);
    const bool online = session != nullptr;
    if (node.router().online(name) != online)
      return unrest_ = at + " takes " + name + (online ? " for away" : " for online"), false;
    const peer::PeerId owner = mesh.owner(mesh.hash(name));
    if (online && Node::name(session->node) == at) {
      ++here;
      if (owner != peer::no_peer) return unrest_ = at + " has " + name + " here and elsewhere", false;
    } else if (online) {
      ++elsewhere;
      if (owner == peer::no_peer || mesh.name_of(owner) != Node::name(session->node))
        return unrest_ = at + " does not know where " + name + " is", false;
    }
  }
  if (node.router().users().size() != here || mesh.directory().size() != elsewhere)
    return unrest_ = mesh.self().name + " knows of " + std::to_string(mesh.directory().size()) +
                     " logins elsewhere and " + std::to_string(node.router().users().size()) + " here, but there are " +
                     std::to_string(elsewhere) + " and " + std::to_string(here),
           false;
  return true;
}

}  // namespace sim
