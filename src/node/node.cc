#include "src/node/node.h"

#include <algorithm>
#include <csignal>
#include <limits>
#include <utility>

#include "src/io/descriptors.h"
#include "src/node/ready_file.h"
#include "src/node/reload.h"

namespace node {

namespace {

constexpr peer::Millis router_tick_every{100};
// News: whoever tells it has reached Redis.
constexpr const char* redis_topic = "redis";
constexpr std::size_t mail_page_bytes_max = std::size_t{256} << 10U;

std::string joined(const std::vector<std::string>& keys) {
  std::string all;
  for (const std::string& key : keys) all += (all.empty() ? "" : " ") + key;
  return all;
}

}  // namespace

Node::Node(io::Loop& loop, const Config& config, ReadSettings read_settings, Lineage lineage)
    : loop_(loop),
      config_(config),
      read_settings_(std::move(read_settings)),
      lineage_(std::move(lineage)),
      log_(config.log_level, config.log_format, config.name),
      router_(chance_),
      links_(loop, [this](const peer::Report& report) { on_report(report); }),
      mesh_timer_(loop,
                  [this] {
                    mesh_->tick(loop_.now());
                    courier_->tick(loop_.now());
                  }),
      router_timer_(loop, [this] { router_timer_runs_ = false; }),
      log_timer_(loop, [this] { log_.catch_up(); }),
      second_timer_(loop, [this] { each_second(); }),
      watchdog_timer_(loop, [this] { supervisor_.alive(); }),
      on_term_(loop, SIGTERM, [this] { on_stop_signal(SIGTERM); }),
      on_int_(loop, SIGINT, [this] { on_stop_signal(SIGINT); }),
      on_usr1_(loop, SIGUSR1, [this] { say_state(); }),
      on_hup_(loop, SIGHUP, [this] { reload(); }),
      on_usr2_(loop, SIGUSR2, [this] { upgrade(); }) {}

Node::~Node() {
  if (!config_.ready_file.empty()) clear_ready_file(config_.ready_file);
}

// Settings that make no sense unless all nodes agree on them.
peer::Mesh::Settings Node::mesh_settings() const {
  peer::Mesh::Settings settings;
  settings.self.name = config_.name;
  settings.self.cluster = config_.cluster;
  settings.self.secret = config_.secret;
  settings.self.settings = {{"sessions.per_user", std::to_string(config_.per_user)}};
  settings.self.timing.hold = config_.hold;
  settings.self.window_bytes = config_.window_bytes;
  settings.self.advertised = config_.peer_advertise.value_or(peer_listener_->address());
  if (settings.self.advertised.port == 0) settings.self.advertised.port = peer_listener_->address().port;
  settings.peers = config_.peers;
  settings.discovers = redis_place(config_).has_value();
  settings.window_total_bytes = config_.window_total_bytes;
  return settings;
}

client::SessionSettings Node::session_settings() const {
  client::SessionSettings sessions;
  sessions.node = config_.name;
  sessions.version = CROSSTALK_VERSION;
  sessions.line_bytes = config_.line_bytes;
  sessions.queue_bytes = config_.queue_bytes;
  sessions.text_template = config_.text_template;
  sessions.chats_per_s = config_.chats_per_s;
  sessions.chats_burst = config_.chats_burst;
  sessions.drain_patience = config_.drain_timeout;
  sessions.ack_timeout = config_.ack_timeout;
  return sessions;
}

peer::Result<bool> Node::listen() {
  auto listener = io::Listener::open(
      loop_, {config_.listen_peer, lineage_.inherited.take("peer")},
      [this](io::Listener::Ticket& ticket) { links_.accept(ticket); }, io::Listener::Reserve::used);
  if (!listener) return peer::Failure{"listen.peer: " + listener.why()};
  peer_listener_ = std::move(*listener);
  // As of an address in the settings; this one may have come from a supervisor.
  const peer::Address at = peer_listener_->address();
  if (config_.secret.empty() && !peer::is_loopback(at))
    return peer::Failure{"listen.peer: " + to_string(at) + " is not on loopback: that needs mesh.secret_file"};
  if (peer::is_wildcard(at) && !config_.peer_advertise)
    return peer::Failure{"listen.peer: " + to_string(at) + " is every address: name the one to dial, peer_advertise"};
  mesh_.emplace(mesh_settings(), links_, router_, chance_);
  links_.attach(*mesh_);
  courier_.emplace(*mesh_, chance_);
  mesh_->attach(*courier_);
  courier_->on_news(redis_topic, [this](peer::PeerId, std::string_view) { try_redis_soon(); });
  attach_lookout();
  census_.emplace(*courier_, *mesh_, router_.users(), [this] { return loop_.now(); });
  bouncer_.emplace(*courier_, router_, [this] { return loop_.now(); });
  tracer_.emplace(*courier_, *mesh_, router_, [this] { return loop_.now(); });
  router_.attach(*mesh_, *this);
  router_.attach_roll_call(*census_);

  auto door = client::Door::open(loop_, {config_.listen_client, lineage_.inherited.take("client")}, session_settings(),
                                 session_limits(), mesh_->incarnation(), router_, chance_);
  if (!door) return peer::Failure{"listen.client: " + door.why()};
  door_ = std::move(*door);
  door_->point_to([this] { return less_loaded(); });
  drain_.emplace(loop_, *door_, config_.drain_timeout,
                 Drain::Events{[this] { return settled(); }, [this] { router_.leave_to_mailboxes(); },
                               [this](bool in_time) { leave(in_time); }});
  return listen_http();
}

// Whoever is sent away from a draining node is better off anywhere.
std::optional<peer::Address> Node::less_loaded() const {
  const std::uint64_t here = drain_->draining() ? std::numeric_limits<std::uint64_t>::max() : door_->inside();
  return lookout_->less_loaded(mesh_->view(loop_.now()), here, loop_.now());
}

// News of every node for all others.
void Node::attach_lookout() {
  static constexpr std::string_view topic = "status";
  static constexpr std::string_view relayed = "status.of";
  lookout_.emplace(Lookout::Sources{[this](std::string_view body) { courier_->tell(topic, body); },
                                    [this](peer::PeerId to, std::string_view body) { courier_->tell(to, topic, body); },
                                    [this](std::string_view to, std::string_view body) {
                                      for (std::size_t i = 0; i < mesh_->peers(); ++i)
                                        if (const auto peer = static_cast<peer::PeerId>(i); mesh_->name_of(peer) == to)
                                          courier_->tell(peer, relayed, body);
                                    },
                                    [this] { return vitals(); }});
  courier_->on_news(std::string(relayed),
                    [this](peer::PeerId, std::string_view body) { lookout_->on_relayed(body, loop_.now()); });
  courier_->on_news(std::string(topic), [this](peer::PeerId from, std::string_view body) {
    lookout_->on_news(mesh_->name_of(from), mesh_->incarnation_of(from), body, loop_.now());
  });
}

peer::Result<bool> Node::listen_http() {
  const Sources sources{[this] { return vitals(); },
                        [this] { return lookout_->cluster(loop_.now()); },
                        [this](std::string_view user) { return sightings(user); },
                        [this](const std::string& user, std::function<void(Bouncer::Ended)> done) {
                          return bouncer_->kick(user, std::move(done));
                        },
                        [this](std::string_view id, std::function<void(Tracer::Story)> done) {
                          return tracer_->trace(id, std::move(done));
                        },
                        [this] { drain(); },
                        [this] { return take_back_drain(); }};
  auto server =
      http::Server::open(loop_, {config_.listen_http, lineage_.inherited.take("http")}, site(config_, sources));
  if (!server) return peer::Failure{"listen.http: " + server.why()};
  http_ = std::move(*server);
  return true;
}

// What others are told: nobody dials an address that listens everywhere.
peer::Address Node::reachable(peer::Address address) const {
  if (peer::is_wildcard(address)) address.host = mesh_->self().advertised.host;
  return address;
}

peer::Result<bool> Node::start() {
  if (!config_.ready_file.empty()) clear_ready_file(config_.ready_file);
  io::raise_descriptor_limit();
  if (auto listening = listen(); !listening) return listening;
  loop_.on_turn_end([this] { end_turn(); });
  loop_.on_pause([this](peer::Millis pause) { on_pause(pause); });
  loop_.on_shortage([this](bool begins) { on_shortage(begins); });
  for (const std::string& name : lineage_.inherited.names())
    log_.warn("a socket was handed in that has no use", {{"name", name}, {"names", "client peer http"}});
  started_ = loop_.now();
  second_timer_.every(peer::Millis(1000));
  if (const peer::Millis every = Supervisor::wanted_every(); every.count() > 0) watchdog_timer_.every(every);
  mesh_->start(loop_.now());
  plan_tick();
  const std::optional<io::RedisPlace> redis = redis_place(config_);
  if (!redis) {
    serve();
    return true;
  }
  // Both say once that they work or that Redis is not there.
  unsettled_ = 1;
  const auto settled = [this] {
    if (--unsettled_ == 0) serve();
  };
  const auto up = [this] { on_redis_up(); };
  if (config_.mailbox_max > 0) {
    ++unsettled_;
    // What a session has in hand are two pages at most.
    const MailStore::Limits limits{config_.mailbox_max, config_.mailbox_ttl,
                                   std::min(mail_page_bytes_max, config_.queue_bytes / 4)};
    mail_store_ = std::make_unique<MailStore>(loop_, log_, config_.cluster, config_.name, *redis, limits, router_,
                                              MailStore::Events{settled, up});
    router_.attach_store(*mail_store_);
  }
  const auto name_taken = [this](const std::string& why) {
    log_.error("this node can't join", {{"why", why}});
    stop_in_good_order("its name is taken", 1);
  };
  discovery_ = std::make_unique<Discovery>(loop_, log_, *mesh_, reachable(http_->address()), *redis,
                                           Discovery::Events{settled, name_taken, up});
  return true;
}

// Who waits to try again is told by the first who has Redis: what is stored for a
// user is not to lie until that user's node finds out by itself.
void Node::on_redis_up() {
  courier_->tell(redis_topic, {});
  try_redis_soon();
}

void Node::try_redis_soon() {
  if (mail_store_) mail_store_->try_soon();
  if (discovery_) discovery_->try_soon();
}

void Node::serve() {
  serving_ = true;
  const ReadyFile ready{to_string(door_->address()), to_string(mesh_->self().advertised), to_string(http_->address())};
  log_.info("serving", {{"client", ready.client},
                        {"peer", ready.peer},
                        {"http", ready.http},
                        {"incarnation", to_string(mesh_->incarnation())},
                        {"redis", redis_place(config_) ? "set" : "none"},
                        {"descriptors", std::to_string(io::descriptor_limit())},
                        {"version", CROSSTALK_VERSION}});
  supervisor_.ready(status_line());
  if (config_.ready_file.empty()) return;
  if (const auto written = write_ready_file(config_.ready_file, ready); !written) {
    log_.error("the ready file can't be written", {{"why", written.why()}});
    return stop_in_good_order("it can't say that it serves", 1);
  }
}

void Node::each_second() {
  log_.catch_up();
  chats_rate_.note(loop_.now(), router_.counters().taken);
  if (serving_ && stage_ == Stage::serving) supervisor_.status(status_line());
  loop_lag_.note(loop_.take_longest_turn());
}

void Node::end_turn() {
  door_->end_turn();
  http_->end_turn();
  links_.sweep();
  router_.tick(loop_.now());
  drain_->end_turn();
  if (stage_ < Stage::leaving) lookout_->tick(loop_.now());
  plan_tick();
}

void Node::plan_tick() {
  // The turn that it makes is all that is wanted of the timer.
  if (router_.wants_tick() && !std::exchange(router_timer_runs_, true))
    router_timer_.at(loop_.now() + router_tick_every);
  const peer::Time wake =
      stage_ < Stage::leaving ? std::min({mesh_->wake_at(), courier_->wake_at(), lookout_->wake_at()}) : peer::never;
  if (wake == mesh_timer_at_) return;
  mesh_timer_at_ = wake;
  if (wake == peer::never)
    mesh_timer_.stop();
  else
    mesh_timer_.at(wake);
}

// What others sent before the pause is old by now: they may have given this node
// up and sent it elsewhere. Nothing is read before the set of nodes was asked.
void Node::on_pause(peer::Millis pause) {
  if (stage_ >= Stage::leaving) return;
  router_.on_pause(loop_.now());
  log_.warn("this process was paused", {{"ms", std::to_string(pause.count())}});
  mesh_->suspend(loop_.now());
  const auto checked = [this](bool still_listed) {
    if (stage_ >= Stage::leaving) return;
    if (still_listed) return mesh_->resume(loop_.now());
    mesh_->reincarnate(loop_.now());
  };
  if (discovery_)
    discovery_->check(checked);
  else
    checked(true);
}

// Clients who can't be let in wait in the kernel's queue; links and Redis have
// descriptors of their own.
void Node::on_shortage(bool begins) {
  if (stage_ != Stage::serving) return;
  const peer::Time now = loop_.now();
  if (!begins) {
    if (flaps_.come("descriptors", now)) log_.info("clients are accepted again");
  } else if (const std::uint64_t times = flaps_.gone("descriptors", now)) {
    log_.warn("no more clients are accepted: file descriptors run short",
              {{"connections", std::to_string(door_->connections())},
               {"limit", std::to_string(io::descriptor_limit())},
               {"times", std::to_string(times)}});
  }
}

// All of it, or nothing where something is wrong.
void Node::reload() {
  const peer::Result<Config> read = read_settings_();
  if (!read) return log_.error("the settings are not reloaded: nothing is changed", {{"why", read.why()}});
  const Reload change = node::reload(config_, *read);
  config_ = change.config;
  log_.change(config_.log_level);
  door_->change(session_settings(), session_limits());
  http_->change(http::Access(config_.http_tokens, config_.http_origins));
  drain_->change(config_.drain_timeout);
  log_.info("settings reloaded", {{"changed", joined(change.taken)}});
  if (!change.waiting.empty())
    log_.warn("settings have changed that need a restart", {{"settings", joined(change.waiting)}});
}

// --- The end.

// While the node makes way for a new version, the first of them still means a stop
// in good order.
void Node::on_stop_signal(int number) {
  const std::string_view name = number == SIGTERM ? "SIGTERM" : "SIGINT";
  if (std::exchange(upgrading_, false)) {
    lineage_.legacy.clear();
    log_.info("no upgrade: this node stops for good", {{"why", std::string(name)}});
    return supervisor_.stopping("stopping: " + std::string(name));
  }
  if (stage_ != Stage::serving) {
    log_.warn("stopped at once by a second signal");
    return stop(1);
  }
  stop_in_good_order(name, 0);
}

// POST /v1/drain.
void Node::drain() {
  if (!drain_->draining())
    log_.info("draining", {{"why", "asked for"}, {"connections", std::to_string(door_->connections())}});
  drain_->begin();
}

bool Node::take_back_drain() {
  const bool drained = drain_->draining();
  if (!drain_->take_back()) return false;
  if (drained) log_.info("serving again");
  return true;
}

void Node::stop_in_good_order(std::string_view why, int exit_status) {
  if (stage_ != Stage::serving) return;
  exit_status_ = exit_status;
  log_.info("stopping", {{"why", std::string(why)}, {"connections", std::to_string(door_->connections())}});
  stage_ = Stage::stopping;
  if (!upgrading_) supervisor_.stopping("stopping: " + std::string(why));
  drain_->stop();
}

bool Node::settled() const { return router_.idle() && (!mail_store_ || mail_store_->idle()); }

void Node::leave(bool in_time) {
  if (!in_time)
    log_.warn("not everything could be settled in time", {{"bytes", std::to_string(mesh_->unsettled_bytes())}});
  stage_ = Stage::leaving;
  mesh_->leave(loop_.now());
  const auto part = [this] { links_.finish([this] { stop(exit_status_); }); };
  if (discovery_)
    discovery_->leave(part);
  else
    part();
}

// SIGUSR2. The version that is installed by now takes the listening sockets over,
// under the same pid: first it is asked whether it can make sense of the settings.
void Node::upgrade() {
  if (stage_ != Stage::serving || trial_) return;
  std::vector<std::string> command = lineage_.command;
  command.emplace_back("--check-config");
  log_.info("upgrade: is the installed version fit?", {{"program", command.front()}});
  trial_ = std::make_unique<io::Process>(loop_, command, [this](int status) {
    trial_.reset();
    if (stage_ != Stage::serving) return;
    if (status != 0)
      return log_.error("no upgrade: the installed version does not start with these settings; all stays as it is",
                        {{"status", std::to_string(status)}});
    upgrading_ = true;
    supervisor_.reloading(loop_.now());
    door_->pause();
    stop_in_good_order("upgrade", 0);
  });
}

void Node::hand_on() {
  peer_listener_->pause();
  http_->pause();
  const bool handed = lineage_.legacy.add("client", door_->socket()) &&
                      lineage_.legacy.add("peer", peer_listener_->socket()) &&
                      lineage_.legacy.add("http", http_->socket());
  if (!handed) log_.error("file descriptors run short: not all sockets are handed on");
}

void Node::stop(int exit_status) {
  if (upgrading_ && exit_status == 0) hand_on();
  stage_ = Stage::done;
  exit_status_ = exit_status;
  if (exit_status == 0) log_.info("stopped");
  loop_.stop();
}

}  // namespace node
