// One node: owns everything, in the order in which it depends on each other,
// and ties it together.
//
// Its life: start() → serving → (a signal) stopping → done. Made by main, which
// runs the loop and then asks for the exit status.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/mesh.h"
#include "src/chat/router.h"
#include "src/client/door.h"
#include "src/http/server.h"
#include "src/io/inherited.h"
#include "src/io/listener.h"
#include "src/io/loop.h"
#include "src/io/process.h"
#include "src/io/signals.h"
#include "src/io/timer.h"
#include "src/node/bouncer.h"
#include "src/node/calls.h"
#include "src/node/census.h"
#include "src/node/chance.h"
#include "src/node/config.h"
#include "src/node/courier.h"
#include "src/node/discovery.h"
#include "src/node/drain.h"
#include "src/node/flaps.h"
#include "src/node/links.h"
#include "src/node/log.h"
#include "src/node/lookout.h"
#include "src/node/mail_store.h"
#include "src/node/rate.h"
#include "src/node/supervisor.h"
#include "src/node/tracer.h"
#include "src/node/vitals.h"

namespace node {

class Node final : private chat::WallClock {
 public:
  // Reads the settings anew, as they were read at the start; the failure says what is wrong.
  using ReadSettings = std::function<peer::Result<Config>()>;
  // How it came to be, and how it goes on after an upgrade.
  struct Lineage {
    std::vector<std::string> command;  // the program's path, its arguments
    io::Inherited inherited;           // its sockets client, peer and http are listened on, where they are there
    io::Legacy& legacy;                // gets them, where the command is to be executed anew at the end
  };
  Node(io::Loop& loop, const Config& config, ReadSettings read_settings, Lineage lineage);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Listens on everything and begins to find the others. The failure is a
  // sentence for standard error.
  peer::Result<bool> start();

  // After the loop has ended: 0, or 1 where the node stopped for a reason that
  // somebody has to look at.
  int exit_status() const { return exit_status_; }

 private:
  // Which way the node is in its life; each only once, in this order.
  enum class Stage : std::uint8_t {
    serving,
    stopping,  // the drain empties it
    leaving,   // the peers hear the last word
    done,
  };

  peer::Mesh::Settings mesh_settings() const;
  client::SessionSettings session_settings() const;
  client::Admission::Limits session_limits() const { return {config_.sessions, config_.sessions_per_ip}; }
  peer::Result<bool> listen();
  peer::Result<bool> listen_http();
  peer::Address reachable(peer::Address address) const;
  void serve();
  void each_second();
  void end_turn();
  void plan_tick();
  void on_report(const peer::Report& report);
  void on_pause(peer::Millis pause);
  void on_shortage(bool begins);
  void on_stop_signal(int number);
  void attach_lookout();
  void on_redis_up();
  void try_redis_soon();
  std::int64_t wall_ms() const override { return loop_.wall_ms(); }
  std::optional<peer::Address> less_loaded() const;
  void reload();
  void upgrade();
  void hand_on();
  Vitals vitals() const;
  std::uint64_t datagrams_malformed() const { return courier_->malformed() + lookout_->hearsay().malformed(); }
  std::vector<Sighting> sightings(std::string_view user) const;
  void say_state();
  std::string status_line() const;
  void drain();
  bool take_back_drain();
  void stop_in_good_order(std::string_view why, int exit_status);
  bool settled() const;
  void leave(bool in_time);
  void stop(int exit_status);

  io::Loop& loop_;
  Config config_;
  ReadSettings read_settings_;
  Lineage lineage_;
  std::unique_ptr<io::Process> trial_;  // of the version that is installed by now
  bool upgrading_ = false;
  Log log_;
  SystemChance chance_;
  Repeats repeats_;
  Flaps flaps_;  // links, and room for clients
  Supervisor supervisor_;
  Stage stage_ = Stage::serving;
  bool serving_ = false;  // has begun to, once Redis was asked
  peer::Time started_{0};
  Rate chats_rate_;
  Peak loop_lag_;
  int exit_status_ = 0;
  int unsettled_ = 0;  // of Redis's users, those that have not said whether it is there

  chat::Router router_;
  std::unique_ptr<MailStore> mail_store_;  // asked by the router for as long as anybody calls that
  Links links_;
  std::unique_ptr<io::Listener> peer_listener_;
  std::optional<peer::Mesh> mesh_;  // made once the advertised address is known
  io::Timer mesh_timer_;
  peer::Time mesh_timer_at_ = peer::never;
  std::optional<Courier> courier_;
  std::optional<Lookout> lookout_;
  std::optional<Census> census_;
  std::optional<Bouncer> bouncer_;
  std::optional<Tracer> tracer_;
  io::Timer router_timer_;
  bool router_timer_runs_ = false;
  std::unique_ptr<client::Door> door_;
  std::optional<Drain> drain_;
  std::unique_ptr<Discovery> discovery_;
  std::unique_ptr<http::Server> http_;  // asks all of the above
  io::Timer log_timer_;
  io::Timer second_timer_;
  io::Timer watchdog_timer_;
  io::Signal on_term_;
  io::Signal on_int_;
  io::Signal on_usr1_;
  io::Signal on_hup_;
  io::Signal on_usr2_;
};

}  // namespace node
