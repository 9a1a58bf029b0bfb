// One process: the real mesh and router, on the virtual network, with a model of
// the daemon's loop (turns, a timer) and of its talk with Redis.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "peer/mesh.h"
#include "src/chat/router.h"
#include "tests/sim/events.h"
#include "tests/sim/judge.h"
#include "tests/sim/mail_line.h"
#include "tests/sim/network.h"
#include "tests/sim/plan.h"
#include "tests/sim/registry.h"
#include "tests/sim/trace.h"

namespace sim {

class Node final : public peer::World, public Host, private chat::WallClock {
 public:
  // The node at an address, or nowhere.
  using WhoIsAt = std::function<std::uint8_t(const peer::Address&)>;
  Node(std::uint8_t index, const Plan& plan, Events& events, Trace& trace, Network& network, Registry& registry,
       MailServer& mail_server, Judge& judge, WhoIsAt who_is_at, std::uint64_t seed);
  ~Node();

  static std::string name(std::uint8_t index) { return "n" + std::to_string(index); }
  // Where it is at its `home`th address.
  static peer::Address address(std::uint8_t index, unsigned home) {
    return {"10." + std::to_string(home) + ".0." + std::to_string(index), 9601};
  }
  peer::Member member() const { return {name(index_), address(index_, home_)}; }

  void boot();
  void die(bool silently);
  // To another address, while it is not up.
  void move() { ++home_; }
  // The sessions have left already.
  void leave();
  void pause(Micros lasts);
  // The first thing after a pause, before anything that waited.
  void wake();

  std::uint8_t index() const { return index_; }
  bool up() const { return mesh_ != nullptr; }
  bool paused() const { return paused_; }
  bool leaving() const { return leaving_; }
  // Since when it has run without a pause.
  Time awake_since() const { return awake_since_; }
  std::uint32_t life() const { return life_; }
  peer::Mesh& mesh() { return *mesh_; }
  chat::Router& router() { return *router_; }
  const chat::Router& router() const { return *router_; }
  // Null where there are no mailboxes.
  const MailLine* mail() const { return mail_.get(); }

  // An event of this node's: tick to mail_wake.
  void handle(const Event& event);
  // What waited while the process was paused.
  std::vector<Event>& waiting() { return waiting_; }
  // The end of a turn: flush, and see when to wake.
  void end_turn();
  // The set of nodes has changed; who listens to the channel looks again.
  void on_changed();
  bool take_news() { return std::exchange(news_, false); }

  // Host
  ConnId on_accept(std::string_view remote) override;
  void on_opened(ConnId) override;
  void on_bytes(ConnId, std::string_view) override;
  void on_lost(ConnId, std::string_view why) override;
  void fill(ConnId, peer::Buffer& out) override;

 private:
  std::int64_t wall_ms() const override;
  // peer::World
  void dial(ConnId, const peer::Address&) override;
  void close(ConnId) override;
  void farewell(ConnId, std::string_view last_words) override;
  void want_write(ConnId) override;
  void report(const peer::Report&) override;

  void flush();
  void tick_router();
  void poll();
  void look();
  void renew();
  void judged();
  bool sound();

  const std::uint8_t index_;
  const Plan* plan_;
  Events* events_;
  Trace* trace_;
  Network* network_;
  Registry* registry_;
  MailServer* mail_server_;
  Judge* judge_;
  WhoIsAt at_;
  peer::SeededChance chance_;

  std::uint32_t life_ = 0;
  unsigned home_ = 0;
  std::unique_ptr<chat::Router> router_;
  std::unique_ptr<peer::Mesh> mesh_;
  std::unique_ptr<MailLine> mail_;
  std::int64_t skew_ms_ = 0;
  bool paused_ = false;
  bool leaving_ = false;
  Time paused_at_{0};
  Time woke_at_{0};
  Time awake_since_{0};
  std::vector<Event> waiting_;
  std::vector<ConnId> dirty_;
  bool flush_due_ = false;
  Time tick_due_ = peer::never;
  Time router_due_ = peer::never;  // its next tick without a turn

  bool redis_sound_ = false;
  bool judging_ = false;  // suspended, until it is known whether it is in the set
  bool news_ = false;
  std::vector<peer::Listed> view_;
  bool viewing_ = false;
};

}  // namespace sim
