#include "tests/sim/node.h"

#include <algorithm>

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr Micros poll_every = 1s;
constexpr Micros renew_every = 3s;
constexpr Micros router_ticks_every = 100ms;
// A process that finds this much time gone between two turns was paused.
constexpr Micros pause_min = 2s;
constexpr std::int64_t epoch_ms = 1'700'000'000'000;

const char* name_of(peer::Report::Kind kind) {
  switch (kind) {
    case peer::Report::Kind::link_up: return "link_up";
    case peer::Report::Kind::link_down: return "link_down";
    case peer::Report::Kind::dial_failed: return "dial_failed";
    case peer::Report::Kind::accepted: return "accepted";
    case peer::Report::Kind::accept_lost: return "accept_lost";
    case peer::Report::Kind::accept_refused: return "accept_refused";
    case peer::Report::Kind::node_joined: return "node_joined";
    case peer::Report::Kind::node_left: return "node_left";
    case peer::Report::Kind::node_dead: return "node_dead";
    case peer::Report::Kind::reincarnated: return "reincarnated";
    case peer::Report::Kind::canary_lost: return "canary lost";
    case peer::Report::Kind::canary_back: return "canary back";
  }
  return "";
}

}  // namespace

Node::Node(std::uint8_t index, const Plan& plan, Events& events, Trace& trace, Network& network, Registry& registry,
           MailServer& mail_server, Judge& judge, WhoIsAt who_is_at, std::uint64_t seed)
    : index_(index),
      plan_(&plan),
      events_(&events),
      trace_(&trace),
      network_(&network),
      registry_(&registry),
      mail_server_(&mail_server),
      judge_(&judge),
      at_(std::move(who_is_at)),
      chance_(seed) {}

Node::~Node() = default;

std::int64_t Node::wall_ms() const { return epoch_ms + skew_ms_ + events_->now().count() / 1000; }

// --- Its life.

void Node::boot() {
  ++life_;
  woke_at_ = 0us;
  awake_since_ = events_->now();
  leaving_ = paused_ = flush_due_ = redis_sound_ = judging_ = viewing_ = false;
  tick_due_ = router_due_ = peer::never;
  dirty_.clear();
  waiting_.clear();
  if (plan_->clocks_differ) skew_ms_ = static_cast<std::int64_t>(chance_.below(4000)) - 2000;
  peer::Mesh::Settings settings;
  settings.self.name = name(index_);
  settings.self.cluster = "main";
  settings.self.advertised = member().address;
  settings.self.secret = "a secret of sixteen bytes or more";
  if (plan_->window_bytes > 0) settings.self.window_bytes = plan_->window_bytes;
  settings.discovers = plan_->discovers;
  if (!plan_->discovers)
    for (std::uint8_t i = 0; i < plan_->nodes; ++i) settings.peers.push_back({name(i), address(i, 0)});
  router_ = std::make_unique<chat::Router>(chance_);
  mesh_ = std::make_unique<peer::Mesh>(std::move(settings), *this, *router_, chance_);
  router_->attach(*mesh_, *this);
  if (plan_->mailboxes) {
    mail_ = std::make_unique<MailLine>(index_, life_, *events_, *trace_, *registry_, *mail_server_, *judge_, *router_,
                                       chance_.next());
    router_->attach_store(*mail_);
  }
  network_->plug_in(index_, *this);
  trace_->note(events_->now(), index_, "boot", life_);
  judge_->on_boot(index_, life_);
  mesh_->start(events_->now());
  if (plan_->discovers) {
    renew();
    events_->push_in(renew_every, What::renew, index_, 0, life_);
    poll();
    events_->push_in(poll_every, What::poll, index_, 1, life_);
  }
  end_turn();
}

void Node::die(bool silently) {
  trace_->note(events_->now(), index_, "die", life_, silently ? 1 : 0);
  network_->pull_out(index_, silently);
  ++life_;
  paused_ = false;
  waiting_.clear();
  mail_.reset();
  mesh_.reset();
  router_.reset();
}

void Node::leave() {
  trace_->note(events_->now(), index_, "leave", life_);
  leaving_ = true;
  mesh_->leave(events_->now());
  if (plan_->discovers && registry_->reachable(index_)) {
    registry_->leave(member());
    news_ = true;
  }
  end_turn();
}

void Node::pause(Micros lasts) {
  trace_->note(events_->now(), index_, "pause", life_);
  paused_ = true;
  paused_at_ = events_->now();
  events_->push_in(lasts, What::wake, nowhere, index_, life_);
}

void Node::wake() {
  const Time now = events_->now();
  trace_->note(now, index_, "wake", life_, waiting_.size());
  paused_ = false;
  awake_since_ = now;
  router_->tick(now);
  if (now - paused_at_ < pause_min || leaving_) return;
  woke_at_ = now;
  mesh_->suspend(now);
  if (plan_->discovers && sound()) {
    judging_ = true;
    events_->push_in(Micros(500 + chance_.below(5000)), What::judged, index_, 0, life_);
  } else {
    mesh_->resume(now);
  }
  end_turn();
}

// The answer to: am I still in the set?
void Node::judged() {
  judging_ = false;
  const bool out = sound() && !registry_->has(member());
  trace_->note(events_->now(), index_, out ? "found out" : "found in", life_);
  if (out)
    mesh_->reincarnate(events_->now());
  else
    mesh_->resume(events_->now());
  renew();
}

// --- Turns.

void Node::handle(const Event& event) {
  if (event.life != life_ || mesh_ == nullptr) return;
  switch (event.what) {
    case What::tick:
      if (event.x == 1) {
        router_due_ = peer::never;
        break;
      }
      if (event.at >= tick_due_ || tick_due_ <= events_->now()) tick_due_ = peer::never;
      if (events_->now() >= mesh_->wake_at()) {
        judge_->on_tick(index_, events_->now());
        mesh_->tick(events_->now());
      }
      break;
    case What::flush:
      flush_due_ = false;
      flush();
      break;
    case What::gone: return die(false);
    case What::poll:
      poll();
      if (event.x == 1) events_->push_in(poll_every, What::poll, index_, 1, life_);
      break;
    case What::view: look(); break;
    case What::renew:
      renew();
      if (event.x == 0) events_->push_in(renew_every, What::renew, index_, 0, life_);
      break;
    case What::judged: judged(); break;
    case What::mail_try:
    case What::mail_watch:
    case What::mail_reset:
    case What::mail_answer:
    case What::mail_refused:
    case What::mail_wake: mail_->handle(event); break;
    case What::mail_arrive:
    case What::connect:
    case What::accept:
    case What::opened:
    case What::failed:
    case What::arrival:
    case What::room:
    case What::boot:
    case What::wake:
    case What::order:
    case What::written:
    case What::read:
    case What::confirm:
    case What::reset:
    case What::part:
    case What::silent:
    case What::fault:
    case What::heal:
    case What::traffic:
    case What::look:
    case What::check:
    case What::save: return;
  }
  end_turn();
}

void Node::tick_router() {
  router_->tick(events_->now());
  if (!router_->wants_tick() || router_due_ != peer::never) return;
  router_due_ = events_->now() + router_ticks_every;
  events_->push(router_due_, What::tick, index_, 1, life_);
}

void Node::end_turn() {
  if (mesh_ == nullptr) return;
  tick_router();
  if (!dirty_.empty() && !flush_due_) {
    if (plan_->turn_max == 0us) {
      flush();
    } else {
      flush_due_ = true;
      events_->push_in(Micros(chance_.below(static_cast<std::uint64_t>(plan_->turn_max.count()))), What::flush, index_,
                       0, life_);
    }
  }
  const Time wake_at = mesh_->wake_at();
  if (wake_at == peer::never || wake_at >= tick_due_) return;
  tick_due_ =
      std::max(wake_at, events_->now()) + Micros(chance_.below(static_cast<std::uint64_t>(plan_->timers_late.count())));
  events_->push(tick_due_, What::tick, index_, 0, life_);
}

void Node::flush() {
  for (std::vector<ConnId> turn; !dirty_.empty();) {
    turn.swap(dirty_);
    for (const ConnId conn : turn) network_->flush(index_, conn);
    turn.clear();
  }
}

// --- Redis.

bool Node::sound() {
  const bool reachable = registry_->reachable(index_);
  if (!reachable && redis_sound_) {
    trace_->note(events_->now(), index_, "redis lost");
    mesh_->redis_lost();
  }
  const bool back = reachable && !redis_sound_;
  redis_sound_ = reachable;
  if (back && !leaving_ && !judging_) renew();
  return reachable;
}

void Node::renew() {
  if (leaving_ || judging_ || !sound()) return;
  if (registry_->renew(member(), mesh_->incarnation(), events_->now())) news_ = true;
}

// What is seen is old by the time it arrives.
void Node::poll() {
  if (leaving_ || judging_ || viewing_ || !sound()) return;
  viewing_ = true;
  view_ = registry_->view(events_->now());
  const Micros latency = chance_.below(50) == 0 ? Micros(chance_.below(500'000)) : Micros(200 + chance_.below(3000));
  events_->push_in(latency, What::view, index_, 0, life_);
}

void Node::look() {
  viewing_ = false;
  if (leaving_ || judging_ || !sound()) return;
  for (const peer::Member& member : mesh_->listed(view_, events_->now())) {
    trace_->note(events_->now(), index_, "take out", 0, 0, peer::to_string(member));
    registry_->take_out(member, events_->now());
    news_ = true;
  }
}

void Node::on_changed() {
  if (mesh_ == nullptr || leaving_ || !redis_sound_) return;
  events_->push_in(Micros(200 + chance_.below(2000)), What::poll, index_, 0, life_);
}

// --- Host

ConnId Node::on_accept(std::string_view remote) {
  const ConnId id = mesh_->accepted(events_->now(), remote);
  return end_turn(), id;
}

void Node::on_opened(ConnId id) {
  mesh_->opened(id, events_->now());
  end_turn();
}

void Node::on_bytes(ConnId id, std::string_view bytes) {
  mesh_->bytes(id, events_->now(), bytes);
  end_turn();
}

void Node::on_lost(ConnId id, std::string_view why) {
  mesh_->lost(id, events_->now(), why);
  end_turn();
}

void Node::fill(ConnId id, peer::Buffer& out) { mesh_->fill(id, out); }

// --- World

void Node::dial(ConnId id, const peer::Address& address) {
  trace_->note(events_->now(), index_, "dial", id, 0, address.host);
  judge_->on_dial(index_, life_, address.host, events_->now());
  network_->dial(index_, id, at_(address));
}

void Node::close(ConnId id) {
  std::erase(dirty_, id);
  network_->close(index_, id);
}

void Node::farewell(ConnId id, std::string_view last_words) {
  std::erase(dirty_, id);
  network_->farewell(index_, id, last_words);
}

void Node::want_write(ConnId id) {
  if (std::find(dirty_.begin(), dirty_.end(), id) == dirty_.end()) dirty_.push_back(id);
}

void Node::report(const peer::Report& report) {
  using Kind = peer::Report::Kind;
  trace_->note(events_->now(), index_, name_of(report.kind), 0, 0, report.peer + ": " + report.why);
  if (report.kind == Kind::link_up || report.kind == Kind::accepted)
    judge_->on_met(index_, static_cast<std::uint8_t>(report.peer.back() - '0'));
  if (report.kind == Kind::link_up)
    judge_->on_linked(index_, life_, report.address.substr(0, report.address.find(':')));
  if (report.kind == Kind::node_dead)
    for (const auto& peer : mesh_->view(events_->now()))
      if (peer.name == report.peer && (peer.state == peer::OutLink::State::up || peer.accepts))
        judge_->fail(name(index_) + " gave " + report.peer + " up, with which it has a live link");
  if (report.kind == Kind::node_dead && !plan_->discovers && events_->now() - woke_at_ < 10s && woke_at_ > 0us)
    judge_->fail(name(index_) + " gave " + report.peer + " up for what it missed in its own pause");
  const bool over =
      report.kind == Kind::node_dead || report.kind == Kind::node_left || report.kind == Kind::reincarnated;
  if (over && plan_->weather != Weather::nodes)
    judge_->fail(name(index_) + " took a life for over on mere link faults: " + report.peer + ": " + report.why);
  // The lease bears the incarnation.
  if (report.kind == Kind::reincarnated && plan_->discovers) events_->push_in(0us, What::renew, index_, 1, life_);
}

}  // namespace sim
