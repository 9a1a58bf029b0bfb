// The mesh's world: its connections as TCP streams, its reports as log lines.
//
// Owned by the node. Knows nothing of what the bytes mean.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "peer/mesh.h"
#include "src/io/listener.h"
#include "src/io/loop.h"
#include "src/io/stream.h"

namespace node {

class Links final : public peer::World {
 public:
  using OnReport = std::function<void(const peer::Report&)>;
  Links(io::Loop& loop, OnReport on_report);
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  // The mesh is made after its world.
  void attach(peer::Mesh& mesh) { mesh_ = &mesh; }

  void accept(io::Listener::Ticket& ticket);

  // Frees what ended in this turn; called at the end of each.
  void sweep();

  // The mesh has said its last words: sends them and closes everything, then
  // calls `done` once. Nothing reaches the mesh any more.
  void finish(std::function<void()> done);

  // peer::World
  void dial(peer::ConnId id, const peer::Address& address) override;
  void close(peer::ConnId id) override;
  void farewell(peer::ConnId id, std::string_view last_words) override;
  void want_write(peer::ConnId id) override;
  void report(const peer::Report& report) override { on_report_(report); }

 private:
  class Wire;
  void ended(Wire& wire);

  io::Loop& loop_;
  OnReport on_report_;
  peer::Mesh* mesh_ = nullptr;
  std::unordered_map<peer::ConnId, std::unique_ptr<Wire>> wires_;
  std::vector<std::unique_ptr<Wire>> parting_;  // the mesh has done with them; they say their last words
  std::vector<std::unique_ptr<Wire>> ended_;    // freed at the end of the turn
  std::function<void()> done_;
};

}  // namespace node
