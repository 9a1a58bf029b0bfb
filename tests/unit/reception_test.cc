// An accepted connection until it has proven who it is.
#include "peer/reception.h"

#include <functional>
#include <string>
#include <string_view>

#include "peer/self.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using peer::Buffer;
using peer::FrameType;
using peer::Incarnation;
using peer::Reception;
using peer::Refusal;
using peer::Role;
using State = Reception::State;
using suite::same;

peer::Self self_of(const std::string& name, const std::string& secret) {
  peer::Self self;
  self.name = name;
  self.cluster = "main";
  self.advertised = {"10.0.0.1", 9601};
  self.secret = secret;
  self.incarnation = Incarnation{static_cast<std::uint64_t>(name.back())};
  return self;
}

std::string framed(FrameType type, std::string_view body) {
  Buffer out;
  write_frame(out, type, 0, body);
  return std::string(out.view());
}

// The dialler's part, played by hand.
struct Dialler {
  explicit Dialler(const std::string& its_secret) : secret(its_secret) {}
  std::string secret;
  std::string hello = encode(self_of("n1", "").hello({}));
  std::string their_hello;

  std::string greeting() const { return std::string(peer::preface) + framed(FrameType::hello, hello); }
  std::string proof(Role role = Role::dialler) const {
    peer::ProofBody body;
    body.outcomes = 3;
    body.proof = peer::prove(secret, role, hello, their_hello, said(body));
    return framed(FrameType::proof, encode(body));
  }
  void read(Reception& reception) {
    Buffer out;
    reception.fill(out);
    std::string_view bytes = out.view();
    ck_assert(bytes.starts_with(peer::preface));
    bytes.remove_prefix(peer::preface.size());
    peer::FrameReader reader;
    reader.feed(bytes);
    peer::Frame frame;
    ck_assert(reader.next(frame) == peer::FrameReader::Got::frame && frame.type == FrameType::hello);
    their_hello = frame.body;
  }
};

START_TEST(a_reception_with_every_split) {
  const peer::Self self = self_of("n2", "secret");
  const std::size_t greeting_bytes = Dialler("secret").greeting().size();
  for (std::size_t cut = 0; cut <= greeting_bytes; ++cut) {
    peer::SeededChance chance(cut);
    Reception reception(self, chance, "1.2.3.4:5", 10s);
    ck_assert(reception.deadline() == 12s && reception.remote() == "1.2.3.4:5");
    Dialler dialler("secret");
    const std::string greeting = dialler.greeting();
    reception.on_bytes(std::string_view(greeting).substr(0, cut));
    ck_assert(reception.on_bytes(std::string_view(greeting).substr(cut)) == State::told);
    dialler.read(reception);
    const std::string proof = dialler.proof();
    const std::size_t proof_cut = cut % proof.size();
    ck_assert(reception.on_bytes(std::string_view(proof).substr(0, proof_cut)) == State::told);
    ck_assert(reception.on_bytes(std::string_view(proof).substr(proof_cut)) == State::proven);
    ck_assert(reception.theirs().node == "n1" && reception.proof().outcomes == 3 && !reception.has_words());
    const peer::Welcome welcome;
    ck_assert(reception.prove_mine(welcome) ==
              peer::prove("secret", Role::acceptor, dialler.hello, dialler.their_hello, said(welcome)));
  }
}
END_TEST

START_TEST(a_recorded_hello_is_worth_nothing) {
  const peer::Self self = self_of("n2", "secret");
  peer::SeededChance chance(1);
  Reception first(self, chance, "x", 0s);
  Dialler dialler("secret");
  first.on_bytes(dialler.greeting());
  dialler.read(first);
  const std::string recorded_proof = dialler.proof();
  ck_assert(first.on_bytes(recorded_proof) == State::proven);

  Reception second(self, chance, "x", 0s);  // the same bytes again, from another
  Dialler replayer("");
  ck_assert(second.on_bytes(replayer.greeting()) == State::told);
  replayer.read(second);
  ck_assert_msg(replayer.their_hello != dialler.their_hello, "another nonce");
  ck_assert(second.on_bytes(recorded_proof) == State::refused && second.refusal()->reason == Refusal::secret);
  same(second.refusal()->why, "the secrets (mesh.secret_file) differ");
}
END_TEST

// A refusal bears a proof only where the dialler has proven itself: who merely
// dials learns nothing to guess the secret by.
START_TEST(what_a_refusal_proves) {
  const peer::Self self = self_of("n2", "secret");
  for (const bool knows : {false, true}) {
    peer::SeededChance chance(1);
    Reception reception(self, chance, "x", 0s);
    Dialler dialler(knows ? "secret" : "guess");
    reception.on_bytes(dialler.greeting());
    dialler.read(reception);
    ck_assert(reception.on_bytes(dialler.proof()) == (knows ? State::proven : State::refused));
    if (knows) reception.refuse({Refusal::given_up, "you are dead"});
    Buffer out;
    reception.fill(out);
    peer::FrameReader reader;
    reader.feed(out.view());
    peer::Frame frame;
    ck_assert(reader.next(frame) == peer::FrameReader::Got::frame && frame.type == FrameType::refuse);
    const peer::Refused refused = peer::decode_refused(frame.body);
    const peer::Proof truth = peer::prove("secret", Role::refuser, dialler.hello, dialler.their_hello, said(refused));
    ck_assert(refused.proof == (knows ? truth : peer::Proof{}));
  }
}
END_TEST

START_TEST(what_a_reception_refuses) {
  const struct {
    const char* sentence;
    std::function<std::string(const std::string& greeting)> greeting;
    std::function<std::string(Dialler&)> proof;  // none: refused before
    Refusal reason;
    const char* why;
  } rows[] = {
      {"a browser", [](const auto&) { return "GET / HTTP/1.1\r\n"s; }, nullptr, Refusal::unexpected,
       "that is no peer: it said \"GET / HTTP/1.1??\""},
      {"a chat client", [](const auto&) { return "{\"cmd\":\"login\"}\n"s; }, nullptr, Refusal::unexpected,
       "that is no peer: it said \"{\"cmd\":\"login\"}?\""},
      {"a frame that is too long", [](const auto&) { return std::string(peer::preface) + "\xff\xff\xff\xff"; }, nullptr,
       Refusal::unexpected, "it sent a malformed greeting"},
      {"a chat before the hello", [](const auto&) { return std::string(peer::preface) + framed(FrameType::chat, "x"); },
       nullptr, Refusal::unexpected, "it sent no hello"},
      {"a hello that is none", [](const auto&) { return std::string(peer::preface) + framed(FrameType::hello, "x"); },
       nullptr, Refusal::unexpected, "its hello is malformed"},
      {"a second hello",
       {},
       [](Dialler& d) { return framed(FrameType::hello, d.hello); },
       Refusal::unexpected,
       "it sent no proof"},
      {"a proof cut short",
       {},
       [](Dialler&) { return framed(FrameType::proof, "x"); },
       Refusal::unexpected,
       "its proof is malformed"},
      {"another secret",
       {},
       [](Dialler& d) { return d.secret = "other", d.proof(); },
       Refusal::secret,
       "the secrets (mesh.secret_file) differ"},
      {"no secret",
       {},
       [](Dialler& d) { return d.secret = "", d.proof(); },
       Refusal::secret,
       "the secrets (mesh.secret_file) differ"},
      {"the acceptor's own proof, sent back",
       {},
       [](Dialler& d) { return d.proof(Role::acceptor); },
       Refusal::secret,
       "the secrets (mesh.secret_file) differ"},
      {"one bit of the proof flipped",
       {},
       [](Dialler& d) {
         std::string proof = d.proof();
         proof[20] = static_cast<char>(proof[20] ^ 1);
         return proof;
       },
       Refusal::secret,
       "the secrets (mesh.secret_file) differ"},
      {"one bit of what is said beside it flipped",
       {},
       [](Dialler& d) {
         std::string proof = d.proof();
         proof.back() = static_cast<char>(proof.back() ^ 1);
         return proof;
       },
       Refusal::secret,
       "the secrets (mesh.secret_file) differ"},
      {"more behind the proof",
       {},
       [](Dialler& d) { return d.proof() + framed(FrameType::chat, "x"); },
       Refusal::unexpected,
       "it did not wait for its welcome"},
  };
  const peer::Self self = self_of("n2", "secret");
  for (const auto& row : rows) {
    peer::SeededChance chance(1);
    Reception reception(self, chance, "x", 0s);
    Dialler dialler("secret");
    State state = reception.on_bytes(row.greeting ? row.greeting(dialler.greeting()) : dialler.greeting());
    if (row.proof) {
      ck_assert_msg(state == State::told, "%s", row.sentence);
      dialler.read(reception);
      state = reception.on_bytes(row.proof(dialler));
    }
    ck_assert_msg(state == State::refused && reception.refusal()->reason == row.reason, "%s", row.sentence);
    same(reception.refusal()->why, row.why);
    ck_assert_msg(reception.has_words(), "%s: the sentence is told", row.sentence);
  }
}
END_TEST

}  // namespace

SUITE(a_reception_with_every_split, a_recorded_hello_is_worth_nothing, what_a_refusal_proves, what_a_reception_refuses)
