// Who is online on all nodes: asks each for its own, and puts the answers together.
//
// Answers the other nodes' questions as well. Keeps nothing but what is asked. Owned by
// the node; the courier, the mesh and the users outlive it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "peer/mesh.h"
#include "src/chat/roll.h"
#include "src/chat/users.h"
#include "src/node/courier.h"

namespace node {

class Census final : public chat::RollCall {
 public:
  // Whoever asks has an answer within half a second; the rest is for its way.
  static constexpr peer::Millis patience{400};

  Census(Courier& courier, const peer::Mesh& mesh, const chat::Users& users, std::function<peer::Time()> now);
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  // chat::RollCall
  bool ask(chat::ClientId asker, const chat::RollPage& page) override;

 private:
  chat::Roll with_answers(std::vector<chat::Roll> parts, std::size_t limit, Courier::Answers answers) const;

  Courier& courier_;
  const peer::Mesh& mesh_;
  const chat::Users& users_;
  std::function<peer::Time()> now_;
};

}  // namespace node
