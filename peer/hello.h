// Who are you: what two nodes tell and prove to each other before anything else.
//
//   dialler  → preface, hello
//   acceptor → preface, hello
//   dialler  → proof            HMAC over both hellos, as the dialler
//   acceptor → welcome          its own proof, and how far it has received
//   acceptor → refuse           instead, with the reason; then it closes
//
// The proof is HMAC-SHA256 with the cluster's secret over a role, both whole
// hellos and what else its message says, hence over both nonces, names,
// incarnations, versions, settings and stream positions: a recorded hello is
// worth nothing and a flipped bit is noticed. The dialler proves first: who
// merely dials learns nothing to guess the secret by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/chance.h"
#include "peer/frame.h"
#include "peer/ids.h"
#include "peer/result.h"

namespace peer {

inline constexpr std::uint16_t protocol_version = 1;
inline constexpr std::uint16_t protocol_version_oldest = 1;

using Nonce = std::array<char, 32>;
Nonce draw_nonce(Chance&);

// A setting that must be the same on all nodes of a cluster.
struct Setting {
  std::string key;
  std::string value;
  bool operator==(const Setting&) const = default;
};

struct Hello {
  std::uint16_t version = protocol_version;
  std::uint16_t version_oldest = protocol_version_oldest;
  std::string node;
  Incarnation incarnation{};
  Incarnation previous{};  // the life before in the same process; none at its start
  std::string cluster;
  Address advertised;
  std::string meant;  // the node that the dialler wants to reach; in the acceptor's hello, empty
  std::vector<Setting> settings;
  Nonce nonce{};
};

// At most greeting_bytes_max with its frame; settings are bounded at 32.
std::string encode(const Hello&);
Result<Hello> decode_hello(std::string_view body);

enum class Role : std::uint8_t { dialler, acceptor, refuser };
using Proof = std::array<char, 32>;
// `said`: what stands beside the proof in its message.
Proof prove(std::string_view secret, Role role, std::string_view dialler_hello, std::string_view acceptor_hello,
            std::string_view said);
// In constant time.
bool proves(std::string_view claim, const Proof& truth);

enum class Refusal : std::uint8_t {
  version = 1,
  secret = 2,
  settings = 3,
  self = 4,        // you are me
  name_taken = 5,  // another node bears your name
  given_up = 6,    // you were declared dead: come back with a new incarnation
  unexpected = 7,  // that is not how a handshake goes
  leaving = 8,     // I am about to stop
};
struct Refused {
  Refusal reason{};
  std::string why;  // a sentence, written for the one who is refused
  Proof proof{};    // as the refuser, where the dialler has proven itself before; else zeros
};
std::string said(const Refused&);  // all but the proof
std::string encode(const Refused&);
Refused decode_refused(std::string_view body);  // anything odd becomes `unexpected`

// What stands against a link between the two, or nothing. Both sides ask, so
// that both logs name it; `why` is written from the view of `mine`.
std::optional<Refused> objection(const Hello& mine, const Hello& theirs);

// How far the acceptor has received what this incarnation of the dialler sent.
struct Welcome {
  Proof proof{};
  std::uint32_t control_epoch = 0;
  Seq control = 0;
  Seq chats = 0;
};
std::string said(const Welcome&);  // all but the proof
std::string encode(const Welcome&);
Result<Welcome> decode_welcome(std::string_view body);

// The dialler's proof, with how far it has received the acceptor's outcomes.
struct ProofBody {
  Proof proof{};
  Seq outcomes = 0;
};
std::string said(const ProofBody&);  // all but the proof
std::string encode(const ProofBody&);
Result<ProofBody> decode_proof(std::string_view body);

// Strips the preface from the front of a connection, however it is split.
class PrefaceReader {
 public:
  enum class Got : std::uint8_t { whole, more, wrong };
  // Takes what it needs from the front of `bytes`.
  Got take(std::string_view& bytes);
  // What came instead, cut and made printable, for the log.
  const std::string& strange() const { return strange_; }

 private:
  std::size_t seen_ = 0;
  std::string strange_;
};

}  // namespace peer
