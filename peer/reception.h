// An accepted connection until it has proven who it is.
//
// It has a deadline, may send no more than a greeting, and learns nothing but
// our hello before its proof. Whether it is welcome after that is the mesh's
// decision. Pure; owned by the mesh's entry for the connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "peer/chance.h"
#include "peer/frame.h"
#include "peer/hello.h"
#include "peer/self.h"
#include "peer/time.h"

namespace peer {

class Reception {
 public:
  enum class State : std::uint8_t {
    fresh,    // waits for the preface
    greeted,  // has it; waits for the hello
    told,     // has the hello and told ours; waits for the proof
    proven,   // the mesh decides
    refused,  // refusal() is to be sent, then close
  };

  Reception(const Self& self, Chance& chance, std::string remote, Time now);

  State on_bytes(std::string_view bytes);
  Time deadline() const { return deadline_; }
  const std::string& remote() const { return remote_; }
  // What to send; taken.
  void fill(Buffer& out);
  bool has_words() const { return !words_.empty(); }

  // Of a proven one.
  const Hello& theirs() const { return theirs_; }
  const ProofBody& proof() const { return proof_; }
  Proof prove_mine(const Welcome& welcome) const;

  // Refuses it with a sentence that both sides log.
  void refuse(const Refused& refused);
  const std::optional<Refused>& refusal() const { return refusal_; }

 private:
  State on_frame(const Frame& frame);

  const Self* self_;
  Chance* chance_;
  std::string remote_;
  Time deadline_;
  State state_ = State::fresh;
  PrefaceReader preface_;
  FrameReader reader_;
  Buffer words_;
  std::string my_hello_;
  std::string their_hello_;
  Hello theirs_;
  ProofBody proof_;
  std::optional<Refused> refusal_;
};

}  // namespace peer
