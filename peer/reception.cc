#include "peer/reception.h"

#include <utility>

namespace peer {

Reception::Reception(const Self& self, Chance& chance, std::string remote, Time now)
    : self_(&self), chance_(&chance), remote_(std::move(remote)), deadline_(now + self.timing.dial_timeout) {}

Reception::State Reception::on_bytes(std::string_view bytes) {
  if (state_ == State::fresh) {
    switch (preface_.take(bytes)) {
      case PrefaceReader::Got::more: return state_;
      case PrefaceReader::Got::wrong:
        refuse({Refusal::unexpected, "that is no peer: it said \"" + preface_.strange() + "\""});
        return state_;
      case PrefaceReader::Got::whole: state_ = State::greeted;
    }
  }
  reader_.feed(bytes);
  Frame frame;
  while (state_ == State::greeted || state_ == State::told) {
    switch (reader_.next(frame)) {
      case FrameReader::Got::nothing: return state_;
      case FrameReader::Got::broken: refuse({Refusal::unexpected, "it sent a malformed greeting"}); return state_;
      case FrameReader::Got::frame: state_ = on_frame(frame); break;
    }
  }
  // The dialler says nothing more until it is welcomed.
  if (state_ == State::proven && reader_.next(frame) != FrameReader::Got::nothing)
    refuse({Refusal::unexpected, "it did not wait for its welcome"});
  return state_;
}

Reception::State Reception::on_frame(const Frame& frame) {
  if (frame.seq != 0) return refuse({Refusal::unexpected, "it numbered its greeting"}), State::refused;
  if (state_ == State::greeted) {
    Result<Hello> hello =
        frame.type == FrameType::hello ? decode_hello(frame.body) : Result<Hello>(Failure{"it sent no hello"});
    if (!hello) return refuse({Refusal::unexpected, hello.why()}), State::refused;
    theirs_ = std::move(*hello);
    their_hello_ = frame.body;
    my_hello_ = encode(self_->hello(draw_nonce(*chance_)));
    words_.append(preface);
    write_frame(words_, FrameType::hello, 0, my_hello_);
    return State::told;
  }
  const Result<ProofBody> proof =
      frame.type == FrameType::proof ? decode_proof(frame.body) : Result<ProofBody>(Failure{"it sent no proof"});
  if (!proof) return refuse({Refusal::unexpected, proof.why()}), State::refused;
  const Proof truth = prove(self_->secret, Role::dialler, their_hello_, my_hello_, said(*proof));
  if (!proves({proof->proof.data(), proof->proof.size()}, truth))
    return refuse({Refusal::secret, "the secrets (mesh.secret_file) differ"}), State::refused;
  proof_ = *proof;
  state_ = State::proven;
  if (const auto stands = objection(self_->hello({}), theirs_)) return refuse(*stands), State::refused;
  return State::proven;
}

Proof Reception::prove_mine(const Welcome& welcome) const {
  return prove(self_->secret, Role::acceptor, their_hello_, my_hello_, said(welcome));
}

void Reception::refuse(const Refused& refused) {
  refusal_ = refused;
  // Only to one that has proven itself: a proof is something to guess the secret by.
  if (state_ == State::proven)
    refusal_->proof = prove(self_->secret, Role::refuser, their_hello_, my_hello_, said(refused));
  if (my_hello_.empty()) words_.append(preface);
  write_frame(words_, FrameType::refuse, 0, encode(*refusal_));
  state_ = State::refused;
}

void Reception::fill(Buffer& out) {
  out.append(words_.view());
  words_.release();
}

}  // namespace peer
