// Who are you: what is told, proven and objected to before a link.
#include "peer/hello.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using peer::Hello;
using peer::Incarnation;
using peer::Refusal;
using peer::Role;
using suite::same;

Hello hello_of(const std::string& name) {
  Hello hello;
  hello.node = name;
  hello.incarnation = Incarnation{0x1111U + static_cast<unsigned char>(name.back())};
  hello.previous = Incarnation{0x2222};
  hello.cluster = "main";
  hello.advertised = {"10.0.0.1", 9601};
  hello.settings = {{"sessions.per_user", "1"}, {"limits.line_bytes", "65536"}};
  hello.nonce.fill('n');
  return hello;
}

bool same(const Hello& a, const Hello& b) {
  return a.version == b.version && a.version_oldest == b.version_oldest && a.node == b.node &&
         a.incarnation == b.incarnation && a.previous == b.previous && a.cluster == b.cluster &&
         a.advertised == b.advertised && a.settings == b.settings && a.nonce == b.nonce;
}

START_TEST(a_hello_there_and_back) {
  Hello hello = hello_of("n1");
  auto back = peer::decode_hello(encode(hello));
  ck_assert(back && same(*back, hello));
  hello.settings.assign(32, {"k", "v"});
  hello.node = std::string(64, 'n');
  back = peer::decode_hello(encode(hello));
  ck_assert(back && same(*back, hello));
  back = peer::decode_hello(encode(hello) + "what a later version adds");
  ck_assert_msg(back && same(*back, hello), "what follows is passed over");
}
END_TEST

START_TEST(a_hello_cut_short_anywhere) {
  const std::string whole = encode(hello_of("n1"));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::vector<char> lent(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    ck_assert_msg(!peer::decode_hello({lent.data(), lent.size()}), "%zu bytes of it", n);
  }
}
END_TEST

START_TEST(a_hello_that_lies) {
  const struct {
    const char* sentence;
    std::function<void(Hello&)> change;
    const char* why;
  } rows[] = {
      {"no incarnation", [](Hello& h) { h.incarnation = Incarnation::none; }, "its hello is malformed"},
      {"no name", [](Hello& h) { h.node.clear(); }, "its hello bears no valid node name"},
      {"a name that forges a log line", [](Hello& h) { h.node = "n\nx"; }, "its hello bears no valid node name"},
      {"a name of 65 bytes", [](Hello& h) { h.node.assign(65, 'n'); }, "its hello bears no valid node name"},
      {"no address", [](Hello& h) { h.advertised.host.clear(); },
       "its hello bears no valid address: expected HOST:PORT, for example 127.0.0.1:9601 or [::1]:9601, found "
       "\":9601\""},
  };
  for (const auto& row : rows) {
    Hello hello = hello_of("n1");
    row.change(hello);
    const auto back = peer::decode_hello(encode(hello));
    ck_assert_msg(!back, "%s", row.sentence);
    same(back.why(), row.why);
  }
}
END_TEST

START_TEST(random_hellos) {
  peer::SeededChance chance(9);
  const std::string good = encode(hello_of("n1"));
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (std::uint64_t n = chance.below(6) + 1; n > 0; --n)
      bytes[static_cast<std::size_t>(chance.below(bytes.size()))] = static_cast<char>(chance.next());
    bytes.resize(static_cast<std::size_t>(chance.below(bytes.size() + 1)));
    (void)peer::decode_hello(bytes);
    (void)peer::decode_welcome(bytes);
    (void)peer::decode_proof(bytes);
    (void)peer::decode_refused(bytes);
  }
}
END_TEST

START_TEST(proofs) {
  const std::string dialler = encode(hello_of("n1"));
  const std::string acceptor = encode(hello_of("n2"));
  const peer::Proof proof = peer::prove("secret", Role::dialler, dialler, acceptor, "said");
  ck_assert(peer::proves({proof.data(), proof.size()}, proof));
  ck_assert(proof == peer::prove("secret", Role::dialler, dialler, acceptor, "said"));
  ck_assert_msg(proof != peer::prove("secret", Role::acceptor, dialler, acceptor, "said"), "the role counts");
  ck_assert_msg(proof != peer::prove("secrex", Role::dialler, dialler, acceptor, "said"), "the secret counts");
  ck_assert_msg(proof != peer::prove("", Role::dialler, dialler, acceptor, "said"), "also where there is none");
  ck_assert_msg(proof != peer::prove("secret", Role::dialler, dialler, acceptor, "sai"), "what is said counts");
  ck_assert_msg(proof != peer::prove("secret", Role::dialler, acceptor, dialler, "said"), "who is who counts");
  // No byte may move from one part to the next.
  ck_assert(peer::prove("s", Role::dialler, "ab", "c", "d") != peer::prove("s", Role::dialler, "a", "bc", "d"));
  ck_assert(peer::prove("s", Role::dialler, "a", "bc", "d") != peer::prove("s", Role::dialler, "a", "b", "cd"));
  for (std::size_t bit = 0; bit < 8 * (dialler.size() + acceptor.size()); ++bit) {
    std::string changed_dialler = dialler;
    std::string changed_acceptor = acceptor;
    const std::size_t at = bit / 8;
    char& byte = at < dialler.size() ? changed_dialler[at] : changed_acceptor[at - dialler.size()];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    if (proof == peer::prove("secret", Role::dialler, changed_dialler, changed_acceptor, "said"))
      ck_abort_msg("bit %zu does not count", bit);
  }
  for (std::size_t bit = 0; bit < 8 * proof.size(); ++bit) {
    peer::Proof changed = proof;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    ck_assert(!peer::proves({changed.data(), changed.size()}, proof));
  }
  ck_assert(!peer::proves({proof.data(), 31}, proof) && !peer::proves("", proof));
}
END_TEST

START_TEST(welcomes_proofs_and_refusals_there_and_back) {
  peer::Welcome welcome;
  welcome.proof.fill('w');
  welcome.control_epoch = 7;
  welcome.control = 8;
  welcome.chats = 1ULL << 60U;
  const std::string bytes = encode(welcome);
  const auto back = peer::decode_welcome(bytes);
  ck_assert(back && back->proof == welcome.proof && back->control_epoch == 7 && back->control == 8 &&
            back->chats == 1ULL << 60U);
  for (std::size_t n = 0; n < bytes.size(); ++n) ck_assert(!peer::decode_welcome(bytes.substr(0, n)));
  peer::ProofBody proof;
  proof.proof.fill('p');
  proof.outcomes = 9;
  const std::string proof_bytes = encode(proof);
  const auto proof_back = peer::decode_proof(proof_bytes);
  ck_assert(proof_back && proof_back->proof == proof.proof && proof_back->outcomes == 9);
  for (std::size_t n = 0; n < proof_bytes.size(); ++n) ck_assert(!peer::decode_proof(proof_bytes.substr(0, n)));
}
END_TEST

START_TEST(refusals) {
  for (int reason = 1; reason <= 8; ++reason) {
    const auto back = peer::decode_refused(encode(peer::Refused{static_cast<Refusal>(reason), "a sentence"}));
    ck_assert(static_cast<int>(back.reason) == reason && back.why == "a sentence");
  }
  const std::string unknown = "it refused in a way this version does not know";
  const auto later = peer::decode_refused(encode(peer::Refused{static_cast<Refusal>(9), "new"}));
  ck_assert(later.reason == Refusal::unexpected && later.why == unknown);
  ck_assert(peer::decode_refused("").why == unknown);
  const auto forged = peer::decode_refused(encode(peer::Refused{Refusal::secret, "a\nb\x1b[31m\xff"}));
  same(forged.why, "a?b?[31m?");
  const auto endless = peer::decode_refused(encode(peer::Refused{Refusal::secret, std::string(5000, 'x')}));
  ck_assert_uint_eq(endless.why.size(), 512);
}
END_TEST

START_TEST(objections) {
  const struct {
    const char* sentence;
    std::function<void(Hello&)> change;  // of theirs
    Refusal reason;
    const char* why;
    const char* why_there;  // the same, as the other side says it
  } rows[] = {
      {"two that agree", [](Hello&) {}, {}, "", ""},
      {"the order of settings does not count", [](Hello& h) { std::swap(h.settings[0], h.settings[1]); }, {}, "", ""},
      {"a newer version that still speaks mine", [](Hello& h) { h.version = 2; }, {}, "", ""},
      {"a version too new", [](Hello& h) { h.version = h.version_oldest = 2; }, Refusal::version,
       "peer protocol differs: n1 speaks versions 1 to 1, n2 speaks 2 to 2",
       "peer protocol differs: n2 speaks versions 2 to 2, n1 speaks 1 to 1"},
      {"a version too old", [](Hello& h) { h.version = h.version_oldest = 0; }, Refusal::version,
       "peer protocol differs: n1 speaks versions 1 to 1, n2 speaks 0 to 0",
       "peer protocol differs: n2 speaks versions 0 to 0, n1 speaks 1 to 1"},
      {"another cluster", [](Hello& h) { h.cluster = "test"; }, Refusal::settings,
       "node.cluster differs: \"main\" at n1, \"test\" at n2", "node.cluster differs: \"test\" at n2, \"main\" at n1"},
      {"a cluster that forges a log line", [](Hello& h) { h.cluster = "a\nb"; }, Refusal::settings,
       "node.cluster differs: \"main\" at n1, \"a?b\" at n2", nullptr},
      {"another value of a setting", [](Hello& h) { h.settings[0].value = "2"; }, Refusal::settings,
       "sessions.per_user differs: \"1\" at n1, \"2\" at n2", "sessions.per_user differs: \"2\" at n2, \"1\" at n1"},
      {"a setting that it does not know", [](Hello& h) { h.settings.pop_back(); }, Refusal::settings,
       "limits.line_bytes differs: \"65536\" at n1, \"unset\" at n2",
       "limits.line_bytes differs: \"unset\" at n2, \"65536\" at n1"},
      {"myself", [](Hello& h) { h = hello_of("n1"); }, Refusal::self,
       "n1 is this node itself: its own address is among its peers",
       "n1 is this node itself: its own address is among its peers"},
      {"another of my name",
       [](Hello& h) {
         h.node = "n1";
         h.advertised.port = 9701;
       },
       Refusal::name_taken,
       "two nodes are called n1: one at 10.0.0.1:9601, one at 10.0.0.1:9701; give one of them another name (--node)",
       "two nodes are called n1: one at 10.0.0.1:9701, one at 10.0.0.1:9601; give one of them another name (--node)"},
  };
  for (const auto& row : rows) {
    const Hello mine = hello_of("n1");
    Hello theirs = hello_of("n2");
    row.change(theirs);
    const auto here = objection(mine, theirs);
    const auto there = objection(theirs, mine);
    ck_assert_msg(here.has_value() == (row.why[0] != '\0'), "%s", row.sentence);
    ck_assert_msg(there.has_value() == here.has_value(), "%s: both sides", row.sentence);
    if (!here) continue;
    ck_assert_msg(here->reason == row.reason && there->reason == row.reason, "%s", row.sentence);
    same(here->why, row.why);
    if (row.why_there != nullptr) same(there->why, row.why_there);
  }
}
END_TEST

START_TEST(prefaces) {
  const std::string_view all = peer::preface;
  for (std::size_t first = 0; first <= all.size(); ++first)
    for (std::size_t second = first; second <= all.size(); ++second) {
      peer::PrefaceReader reader;
      const std::string last = std::string(all.substr(second)) + "rest";
      std::size_t fed = 0;
      bool good = true;
      for (std::string_view piece : {all.substr(0, first), all.substr(first, second - first), std::string_view(last)}) {
        fed += piece.size();
        const bool whole = fed >= all.size();
        good = good && reader.take(piece) == (whole ? peer::PrefaceReader::Got::whole : peer::PrefaceReader::Got::more);
        good = good && piece == (fed > all.size() ? "rest" : "");
      }
      if (!good) ck_abort_msg("cut at %zu and %zu", first, second);
    }
  peer::PrefaceReader reader;
  std::string_view http = "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: somebody\r\n";
  ck_assert(reader.take(http) == peer::PrefaceReader::Got::wrong);
  same(reader.strange(), "GET / HTTP/1.1??Host: x??User-Agent: som");
}
END_TEST

}  // namespace

SUITE(a_hello_there_and_back, a_hello_cut_short_anywhere, a_hello_that_lies, random_hellos, proofs,
      welcomes_proofs_and_refusals_there_and_back, refusals, objections, prefaces)
