// Many users who are merely there: for snapshots that take more than one frame,
// and changes while they are under way. They come and go, on one node each; they
// are never written to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "peer/chance.h"
#include "src/chat/client.h"
#include "src/chat/router.h"
#include "tests/sim/judge.h"

namespace sim {

class Crowd final : public chat::Client {
 public:
  Crowd(Judge& judge, std::uint8_t node, std::size_t size) : judge_(&judge), node_(node), ids_(size, 0) {}

  // A new process: everybody logs in again.
  void gather(chat::Router& router) {
    here_ = 0;
    ids_.assign(ids_.size(), 0);
    for (std::size_t i = 0; i < ids_.size(); ++i) toggle(i, router);
  }
  void scatter() { here_ = 0; }
  void leave(chat::Router& router) {
    for (std::size_t i = 0; i < ids_.size(); ++i)
      if (ids_[i] != 0) toggle(i, router);
  }

  // A few come or go.
  void stir(chat::Router& router, peer::Chance& chance) {
    if (ids_.empty()) return;
    for (std::uint64_t count = chance.below(20); count > 0; --count) toggle(chance.below(ids_.size()), router);
  }

  std::size_t here() const { return here_; }

  // chat::Client
  void on_ready(std::size_t waiting) override {
    if (waiting > 0) judge_->fail("something waited for a bystander");
  }
  void deliver(const chat::Delivery&, const chat::Origin&) override { judge_->fail("a bystander got a chat"); }
  std::size_t waiting_bytes() const override { return 0; }
  void on_outcome(std::string_view, std::size_t, chat::Outcome, bool) override {
    judge_->fail("a bystander got an outcome");
  }
  void on_roll(const chat::Roll&) override {}
  void kick(chat::KickReason) override { judge_->fail("a bystander was kicked"); }

 private:
  void toggle(std::size_t i, chat::Router& router) {
    if (ids_[i] != 0) {
      router.logout(ids_[i]);
      ids_[i] = 0;
      --here_;
    } else {
      ids_[i] = router.login(*this, "bystander-" + std::to_string(i) + "-of-" + std::to_string(node_));
      ++here_;
    }
  }

  Judge* judge_;
  std::uint8_t node_;
  std::vector<chat::ClientId> ids_;
  std::size_t here_ = 0;
};

}  // namespace sim
