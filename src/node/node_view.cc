// What a node tells those who watch it: the log, and whoever asks.
#include <algorithm>
#include <utility>

#include "src/io/cpu.h"
#include "src/io/memory.h"
#include "src/node/node.h"
#include "src/node/settings.h"

namespace node {

namespace {

std::string micros(peer::Micros value) { return std::to_string(value.count()); }

template <class T>
Vitals::Service service(const T* user) {
  return user == nullptr ? Vitals::Service::none : user->up() ? Vitals::Service::up : Vitals::Service::down;
}

}  // namespace

void Node::on_report(const peer::Report& report) {
  using Kind = peer::Report::Kind;
  lookout_->on_report(report, loop_.now(), loop_.wall_ms());
  // What strangers say varies, and so do their ports.
  const std::string key = report.peer.empty() ? "stranger " + report.address.substr(0, report.address.rfind(':'))
                                              : report.peer + " " + report.why;
  const peer::Time now = loop_.now();
  switch (report.kind) {
    case Kind::link_up:
      if (flaps_.come("to " + report.peer, now))
        log_.info("link up", {{"peer", report.peer}, {"address", report.address}});
      return;
    case Kind::link_down:
      if (const std::uint64_t times = flaps_.gone("to " + report.peer, now)) {
        if (times == 1) repeats_.forget(report.peer + " ");  // why there was no link before is no matter any more
        log_.warn("link down", {{"peer", report.peer},
                                {"address", report.address},
                                {"why", report.why},
                                {"times", std::to_string(times)}});
      }
      return;
    case Kind::accepted:
      if (flaps_.come("from " + report.peer, now))
        log_.info("link accepted", {{"peer", report.peer}, {"address", report.address}});
      return;
    case Kind::accept_lost:
      if (const std::uint64_t times = flaps_.gone("from " + report.peer, now))
        log_.info("accepted link ended",
                  {{"peer", report.peer}, {"why", report.why}, {"times", std::to_string(times)}});
      return;
    case Kind::node_joined: return log_.info("node met", {{"peer", report.peer}, {"address", report.address}});
    case Kind::node_left: return log_.info("node left", {{"peer", report.peer}, {"why", report.why}});
    case Kind::node_dead: return log_.warn("node given up", {{"peer", report.peer}, {"why", report.why}});
    case Kind::reincarnated:
      log_.warn("new incarnation", {{"incarnation", to_string(mesh_->incarnation())}, {"why", report.why}});
      if (discovery_) discovery_->renew();
      return;
    case Kind::canary_lost:
      if (const std::uint64_t times = flaps_.gone("canary " + report.peer, now))
        log_.warn("no delivery", {{"peer", report.peer}, {"why", report.why}, {"times", std::to_string(times)}});
      return;
    case Kind::canary_back:
      if (flaps_.come("canary " + report.peer, now)) log_.info("delivery again", {{"peer", report.peer}});
      return;
    case Kind::dial_failed:
    case Kind::accept_refused: break;
  }
  const std::uint64_t times = repeats_.count(key);
  if (times == 0) return;
  log_.warn(
      report.kind == Kind::dial_failed ? "no link" : "peer refused",
      {{"peer", report.peer}, {"address", report.address}, {"why", report.why}, {"times", std::to_string(times)}});
}

// What is told to whoever asks.
Vitals Node::vitals() const {
  Vitals vitals;
  vitals.name = config_.name;
  vitals.cluster = config_.cluster;
  vitals.incarnation = mesh_->incarnation();
  vitals.peer = mesh_->self().advertised;
  vitals.http = reachable(http_->address());
  vitals.client = reachable(door_->address());
  vitals.settings = shared_settings(config_);
  vitals.stage = drain_->draining() ? Vitals::Stage::draining
                 : serving_         ? Vitals::Stage::serving
                                    : Vitals::Stage::starting;
  vitals.uptime = std::chrono::duration_cast<peer::Millis>(loop_.now() - started_);
  vitals.loop_lag = loop_lag_.value();
  vitals.memory_bytes = io::resident_bytes();
  vitals.cpu_time = io::cpu_time();
  vitals.connections = door_->connections();
  vitals.users = router_.users().size();
  vitals.counters = router_.counters();
  vitals.chats_per_s = chats_rate_.per_s();
  vitals.barriers = router_.barriers();
  vitals.unsettled_bytes = mesh_->unsettled_bytes();
  vitals.peers = mesh_->view(loop_.now());
  vitals.directory_users = mesh_->directory().size();
  vitals.directory_bytes = mesh_->directory().memory_bytes();
  vitals.redis = service(discovery_.get());
  if (discovery_) {
    vitals.set_read = discovery_->has_looked();
    vitals.redis_latency = discovery_->latency();
  }
  vitals.mailboxes = service(mail_store_.get());
  if (mail_store_) vitals.mailbox_waiting = mail_store_->waiting();
  vitals.tally = door_->tally();
  vitals.datagrams_malformed = datagrams_malformed();
  vitals.http_connections = http_->connections();
  vitals.http_responses = http_->responses();
  return vitals;
}

// A user who has just moved, or whom two sides of a split have, is at two places
// until the older is kicked.
std::vector<Sighting> Node::sightings(std::string_view user) const {
  const std::uint64_t hash = mesh_->hash(user);
  std::vector<std::pair<peer::Stamp, std::string>> found;
  if (const auto* const here = router_.users().get(router_.users().find(hash, user)))
    found.emplace_back(here->stamp, config_.name);
  if (const peer::Mesh::Login login = mesh_->newest(hash, {}); login.at != peer::no_peer)
    found.emplace_back(login.stamp, mesh_->name_of(login.at));
  std::sort(found.rbegin(), found.rend());
  std::vector<Sighting> sightings;
  for (auto& [stamp, at] : found) sightings.push_back({std::move(at), peer::wall_ms(stamp)});
  return sightings;
}

// For systemctl status.
std::string Node::status_line() const {
  std::size_t expected = 0;
  std::size_t linked = 0;
  for (const peer::Mesh::PeerView& peer : mesh_->view(loop_.now()))
    if (peer.listed) ++expected, linked += peer.state == peer::OutLink::State::up && peer.accepts;
  return std::to_string(linked) + " of " + std::to_string(expected) + " other nodes linked, " +
         std::to_string(router_.users().size()) + " users here, Redis " + std::string(word(service(discovery_.get())));
}

// SIGUSR1: what an operator asks for first, in a few lines.
void Node::say_state() {
  const chat::Router::Counters& counters = router_.counters();
  log_.info("state", {{"incarnation", to_string(mesh_->incarnation())},
                      {"connections", std::to_string(door_->connections())},
                      {"users", std::to_string(router_.users().size())},
                      {"users_elsewhere", std::to_string(mesh_->directory().size())},
                      {"directory_bytes", std::to_string(mesh_->directory().memory_bytes())},
                      {"whole", mesh_->whole() ? "true" : "false"},
                      {"redis", std::string(word(service(discovery_.get())))},
                      {"mailboxes", std::string(word(service(mail_store_.get())))},
                      {"logins", std::to_string(counters.logins)},
                      {"chats", std::to_string(counters.taken)},
                      {"forwarded", std::to_string(counters.forwarded)},
                      {"arrived", std::to_string(counters.arrived)},
                      {"rerouted", std::to_string(counters.rerouted)},
                      {"delivered", std::to_string(counters.delivered)},
                      {"written", std::to_string(counters.written)},
                      {"stored", std::to_string(counters.stored)},
                      {"failed", std::to_string(counters.failed)},
                      {"repeated", std::to_string(router_.repeated())},
                      {"datagrams_malformed", std::to_string(datagrams_malformed())},
                      {"unsettled_bytes", std::to_string(mesh_->unsettled_bytes())}});
  for (const peer::Mesh::PeerView& peer : mesh_->view(loop_.now()))
    log_.info("state of peer", {{"peer", peer.name},
                                {"address", to_string(peer.address)},
                                {"incarnation", to_string(peer.incarnation)},
                                {"health", std::string(word(peer.health))},
                                {"link", std::string(link_word(peer))},
                                {"synced", peer.synced ? "true" : "false"},
                                {"accepts", peer.accepts ? "true" : "false"},
                                {"rtt_us", micros(peer.rtt)},
                                {"waiting_bytes", std::to_string(peer.waiting_bytes)},
                                {"reconnects", std::to_string(peer.reconnects)},
                                {"users", std::to_string(peer.users)},
                                {"why", peer.why}});
}

}  // namespace node
