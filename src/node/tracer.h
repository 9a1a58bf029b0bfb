// Where a chat has been: asked of all nodes, each of which remembers its own steps.
//
// Keeps nothing. Owned by the node; the courier, the mesh and the router outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/mesh.h"
#include "peer/time.h"
#include "src/chat/router.h"
#include "src/node/courier.h"

namespace node {

class Tracer {
 public:
  static constexpr peer::Millis patience{1000};

  struct Step {
    std::int64_t at_ms = 0;  // since the epoch, by that node's clock
    std::string node;
    chat::Trail::What what{};
    chat::Outcome outcome{};
    std::string place;  // another node
  };
  struct Story {
    std::vector<Step> steps;          // by time
    std::vector<std::string> silent;  // nodes that may know more
  };

  Tracer(Courier& courier, const peer::Mesh& mesh, const chat::Router& router, std::function<peer::Time()> now);
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // `id` as its sender wrote it, unescaped. `done` is called once, perhaps inside. False,
  // and never, while too much is asked of the other nodes.
  bool trace(std::string_view id, std::function<void(Story)> done);

 private:
  std::vector<Step> own(std::string_view token) const;

  Courier& courier_;
  const peer::Mesh& mesh_;
  const chat::Router& router_;
  std::function<peer::Time()> now_;
};

// The words of crosstalkd(8).
std::string_view word(chat::Trail::What what);
std::string_view word(chat::Outcome outcome);

}  // namespace node
