#include "peer/hello.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cassert>

namespace peer {

namespace {

constexpr std::size_t settings_max = 32;
constexpr std::size_t why_bytes_max = 512;

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  for (const char c : text.substr(0, bytes_max)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

std::string take(Buffer& buffer) { return std::string(buffer.view()); }

template <std::size_t n>
bool read_array(Reader& reader, std::array<char, n>& into) {
  const std::string_view bytes = reader.bytes(n);
  if (bytes.size() != n) return false;
  std::copy(bytes.begin(), bytes.end(), into.begin());
  return true;
}

template <std::size_t n>
std::string_view view(const std::array<char, n>& bytes) {
  return {bytes.data(), n};
}

std::string_view text_of(Role role) {
  switch (role) {
    case Role::dialler: return "crosstalk dialler";
    case Role::acceptor: return "crosstalk acceptor";
    case Role::refuser: return "crosstalk refuser";
  }
  return {};
}

}  // namespace

Nonce draw_nonce(Chance& chance) {
  Nonce nonce;
  for (std::size_t at = 0; at < nonce.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = chance.next();
    std::memcpy(nonce.data() + at, &word, sizeof word);
  }
  return nonce;
}

std::string encode(const Hello& hello) {
  Buffer out;
  Writer writer(out);
  writer.u16(hello.version);
  writer.u16(hello.version_oldest);
  writer.bytes(view(hello.nonce));
  writer.text8(hello.node);
  writer.u64(static_cast<std::uint64_t>(hello.incarnation));
  writer.u64(static_cast<std::uint64_t>(hello.previous));
  writer.text8(hello.cluster);
  writer.text16(to_string(hello.advertised));
  writer.text8(hello.meant);
  assert(hello.settings.size() <= settings_max);
  writer.u8(static_cast<std::uint8_t>(hello.settings.size()));
  for (const Setting& setting : hello.settings) {
    writer.text8(setting.key);
    writer.text8(setting.value);
  }
  return take(out);
}

// A later version may add fields at the end; they are passed over.
Result<Hello> decode_hello(std::string_view body) {
  Reader reader(body);
  Hello hello;
  hello.version = reader.u16();
  hello.version_oldest = reader.u16();
  const bool nonce = read_array(reader, hello.nonce);
  hello.node = reader.text8();
  hello.incarnation = Incarnation{reader.u64()};
  hello.previous = Incarnation{reader.u64()};
  hello.cluster = reader.text8();
  const std::string_view advertised = reader.text16();
  hello.meant = reader.text8();
  const std::size_t settings = reader.u8();
  for (std::size_t i = 0; i < settings && i < settings_max && reader.ok(); ++i) {
    Setting setting;
    setting.key = reader.text8();
    setting.value = reader.text8();
    hello.settings.push_back(std::move(setting));
  }
  if (!reader.ok() || !nonce || settings > settings_max || hello.incarnation == Incarnation::none)
    return Failure{"its hello is malformed"};
  if (!valid_node_name(hello.node)) return Failure{"its hello bears no valid node name"};
  Result<Address> address = parse_address(advertised);
  if (!address) return Failure{"its hello bears no valid address: " + address.why()};
  hello.advertised = std::move(*address);
  return hello;
}

Proof prove(std::string_view secret, Role role, std::string_view dialler_hello, std::string_view acceptor_hello,
            std::string_view said) {
  // Every part but the last is preceded by its length, so no two sets of parts
  // make the same message.
  Buffer message;
  Writer writer(message);
  writer.text8(text_of(role));
  writer.u32(static_cast<std::uint32_t>(dialler_hello.size()));
  writer.bytes(dialler_hello);
  writer.u32(static_cast<std::uint32_t>(acceptor_hello.size()));
  writer.bytes(acceptor_hello);
  writer.bytes(said);
  const std::string_view bytes = message.view();
  Proof proof{};
  unsigned length = 0;
  const unsigned char* made = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                                   reinterpret_cast<unsigned char*>(proof.data()), &length);
  assert(made != nullptr && length == proof.size());
  (void)made;
  return proof;
}

bool proves(std::string_view claim, const Proof& truth) {
  return claim.size() == truth.size() && CRYPTO_memcmp(claim.data(), truth.data(), truth.size()) == 0;
}

std::string said(const Refused& refused) {
  Buffer out;
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(refused.reason));
  writer.text16(printable(refused.why, why_bytes_max));
  return take(out);
}

std::string encode(const Refused& refused) { return std::string(view(refused.proof)) + said(refused); }

Refused decode_refused(std::string_view body) {
  Reader reader(body);
  Refused refused;
  read_array(reader, refused.proof);
  const std::uint8_t reason = reader.u8();
  const std::string_view why = reader.text16();
  if (!reader.ok() || reason < static_cast<std::uint8_t>(Refusal::version) ||
      reason > static_cast<std::uint8_t>(Refusal::leaving))
    return {Refusal::unexpected, "it refused in a way this version does not know", {}};
  refused.reason = Refusal{reason};
  refused.why = printable(why, why_bytes_max);
  return refused;
}

std::optional<Refused> objection(const Hello& mine, const Hello& theirs) {
  const auto range = [](const Hello& hello) {
    return std::to_string(hello.version_oldest) + " to " + std::to_string(hello.version);
  };
  const auto differs = [&](const std::string& key, const std::string& here, const std::string& there) {
    return Refused{Refusal::settings, key + " differs: \"" + here + "\" at " + mine.node + ", \"" +
                                          printable(there, 64) + "\" at " + theirs.node};
  };
  if (mine.version < theirs.version_oldest || theirs.version < mine.version_oldest)
    return Refused{Refusal::version, "peer protocol differs: " + mine.node + " speaks versions " + range(mine) + ", " +
                                         theirs.node + " speaks " + range(theirs)};
  if (mine.cluster != theirs.cluster) return differs("node.cluster", mine.cluster, theirs.cluster);
  if (mine.incarnation == theirs.incarnation)
    return Refused{Refusal::self, theirs.node + " is this node itself: its own address is among its peers"};
  if (mine.node == theirs.node)
    return Refused{Refusal::name_taken, "two nodes are called " + mine.node + ": one at " + to_string(mine.advertised) +
                                            ", one at " + to_string(theirs.advertised) +
                                            "; give one of them another name (--node)"};
  const auto find = [](const Hello& hello, const std::string& key) {
    const auto at = std::find_if(hello.settings.begin(), hello.settings.end(),
                                 [&](const Setting& setting) { return setting.key == key; });
    return at == hello.settings.end() ? nullptr : &*at;
  };
  if (!theirs.meant.empty() && theirs.meant != mine.node)
    return Refused{Refusal::name_taken, "the node at " + to_string(mine.advertised) + " is " + mine.node + ", not " +
                                            printable(theirs.meant, 64)};
  for (const Setting& here : mine.settings) {
    const Setting* const there = find(theirs, here.key);
    if (there == nullptr) return differs(here.key, here.value, "unset");
    if (there->value != here.value) return differs(here.key, here.value, there->value);
  }
  for (const Setting& there : theirs.settings)
    if (find(mine, there.key) == nullptr) return differs(printable(there.key, 64), "unset", there.value);
  return std::nullopt;
}

std::string said(const Welcome& welcome) {
  Buffer out;
  Writer writer(out);
  writer.u32(welcome.control_epoch);
  writer.u64(welcome.control);
  writer.u64(welcome.chats);
  return take(out);
}

std::string encode(const Welcome& welcome) { return std::string(view(welcome.proof)) + said(welcome); }

Result<Welcome> decode_welcome(std::string_view body) {
  Reader reader(body);
  Welcome welcome;
  const bool proof = read_array(reader, welcome.proof);
  welcome.control_epoch = reader.u32();
  welcome.control = reader.u64();
  welcome.chats = reader.u64();
  if (!reader.ok() || !proof) return Failure{"its welcome is malformed"};
  return welcome;
}

std::string said(const ProofBody& body) {
  Buffer out;
  Writer(out).u64(body.outcomes);
  return take(out);
}

std::string encode(const ProofBody& body) { return std::string(view(body.proof)) + said(body); }

Result<ProofBody> decode_proof(std::string_view bytes) {
  Reader reader(bytes);
  ProofBody body;
  const bool proof = read_array(reader, body.proof);
  body.outcomes = reader.u64();
  if (!reader.ok() || !proof) return Failure{"its proof is malformed"};
  return body;
}

PrefaceReader::Got PrefaceReader::take(std::string_view& bytes) {
  const std::size_t n = std::min(bytes.size(), preface.size() - seen_);
  if (bytes.substr(0, n) != preface.substr(seen_, n)) {
    strange_ = printable(bytes, 40);
    return Got::wrong;
  }
  seen_ += n;
  bytes.remove_prefix(n);
  return seen_ == preface.size() ? Got::whole : Got::more;
}

}  // namespace peer
