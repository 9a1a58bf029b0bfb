// News and questions between nodes, over real meshes in memory.
#include "src/node/courier.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/small_net.h"
// Last: see there.
#include "tests/unit/suite.h"

namespace {

using node::Courier;
using small_net::Crowd;
using small_net::Host;
using small_net::Net;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

// Nodes n1, n2 … each with a courier.
struct Town {
  explicit Town(int count, int absent = 0) {
    for (int n = 1; n <= count; ++n) {
      Host& host = net.add(Net::settings(n, count + absent), crowd);
      hosts.push_back(&host);
      couriers.push_back(std::make_unique<Courier>(host.mesh, chance));
      host.mesh.attach(*couriers.back());
    }
    net.start();
    net.run_until([this] {
      for (const Host* host : hosts)
        for (std::size_t i = 0; i < host->mesh.peers(); ++i)
          if (host->view(host->mesh.name_of(static_cast<peer::PeerId>(i)), net.now).synced) ++linked;
      return std::exchange(linked, 0) == hosts.size() * (hosts.size() - 1);
    });
  }
  Courier& operator[](std::size_t n) { return *couriers[n - 1]; }
  Courier::OnAnswers note(std::optional<Courier::Answers>& into) {
    return [&into](Courier::Answers answers) {
      ck_assert_msg(!into, "it is told once");
      into = std::move(answers);
    };
  }
  // As node `from` says it: what comes over the wire, of whatever form.
  void send(std::size_t from, std::size_t to, std::string_view bytes) {
    const std::string name = "n" + std::to_string(to);
    peer::Mesh& mesh = hosts[from - 1]->mesh;
    for (std::size_t i = 0; i < mesh.peers(); ++i)
      if (mesh.name_of(static_cast<peer::PeerId>(i)) == name) mesh.send_datagram(static_cast<peer::PeerId>(i), bytes);
    net.pump();
  }

  peer::SeededChance chance{1};
  Net net;
  Crowd crowd;
  std::vector<Host*> hosts;
  std::vector<std::unique_ptr<Courier>> couriers;
  std::size_t linked = 0;
};

Courier::OnQuestion echo(const std::string& prefix) {
  return
      [prefix](peer::PeerId, std::string_view body, const Courier::Reply& reply) { reply(prefix + std::string(body)); };
}

}  // namespace

START_TEST(news_reach_who_wants_them) {
  Town town(3);
  Strings heard2, heard3;
  town[2].on_news("weather", [&](peer::PeerId from, std::string_view body) {
    heard2.push_back(town.hosts[1]->mesh.name_of(from) + " " + std::string(body));
  });
  town[3].on_news("other", [&](peer::PeerId, std::string_view body) { heard3.emplace_back(body); });
  ck_assert_uint_eq(town[1].tell("weather", "rain"), 2);
  ck_assert_uint_eq(town[3].tell("weather", {}), 2);
  town.net.pump();
  ck_assert((heard2 == Strings{"n1 rain", "n3 "}));
  ck_assert_msg(heard3.empty(), "a topic of which a node knows nothing is passed over");
  ck_assert_uint_eq(town[3].malformed(), 0);

  // To one of them, of any content and size.
  const std::string large(Courier::body_bytes_max, '\0');
  ck_assert(town[1].tell(1, "other", large));
  town.net.pump();
  ck_assert((heard3 == Strings{large}));
  // Who is not linked is not told.
  town.net.cut_all();
  ck_assert_uint_eq(town[1].tell("weather", "gone"), 0);
  ck_assert(!town[1].tell(1, "other", "gone"));
}
END_TEST

START_TEST(all_answer) {
  Town town(3);
  town[2].on_question("echo", echo("2 "));
  town[3].on_question("echo", echo("3 "));
  std::optional<Courier::Answers> told;
  ck_assert(town[1].ask_all("echo", "hi", town.net.now + 500ms, town.note(told)));
  ck_assert_msg(!told, "nobody has answered yet");
  ck_assert(town[1].wake_at() == town.net.now + 500ms);
  town.net.pump();
  ck_assert_msg(told.has_value(), "at once when the last one has answered");
  ck_assert_uint_eq(told->answers.size(), 2);
  for (const Courier::Answer& answer : told->answers) ck_assert(answer.body == answer.node.substr(1) + " hi");
  ck_assert(told->silent.empty());
  ck_assert(town[1].wake_at() == peer::never);
  town[1].tick(town.net.now + 1s);
}
END_TEST

START_TEST(who_does_not_answer_is_named) {
  Town town(4, 1);
  town[2].on_question("echo", echo("2 "));
  std::optional<Courier::Reply> later;
  town[3].on_question("echo", [&](peer::PeerId, std::string_view, Courier::Reply reply) { later = std::move(reply); });
  town.net.cut("n1", "n4");
  std::optional<Courier::Answers> told;
  const peer::Time deadline = town.net.now + 500ms;
  ck_assert(town[1].ask_all("echo", "hi", deadline, town.note(told)));
  town.net.pump();
  town[1].tick(deadline - 1us);
  ck_assert_msg(!told, "n3 may still answer");
  town[1].tick(deadline);
  ck_assert(told.has_value());
  ck_assert_uint_eq(told->answers.size(), 1);
  ck_assert(told->answers[0].node == "n2");
  ck_assert_msg((told->silent == Strings{"n3", "n4", "n5"}), "n4 has no link, n5 was never there");
  // Too late, and twice: nobody waits for it.
  (*later)("late");
  (*later)("late");
  town.net.pump();
  ck_assert_uint_eq(told->answers.size(), 1);
}
END_TEST

START_TEST(an_answer_may_come_later) {
  Town town(2);
  std::optional<Courier::Reply> later;
  town[2].on_question("echo", [&](peer::PeerId, std::string_view, Courier::Reply reply) { later = std::move(reply); });
  std::optional<Courier::Answers> first, second;
  town[1].ask_all("echo", "1", town.net.now + 500ms, town.note(first));
  town.net.pump();
  const Courier::Reply to_first = *later;
  town[1].ask_all("echo", "2", town.net.now + 400ms, town.note(second));
  town.net.pump();
  ck_assert_msg(town[1].wake_at() == town.net.now + 400ms, "the sooner of both");
  to_first("one");
  to_first("again");
  town.net.pump();
  ck_assert(first && first->answers[0].body == "one" && first->answers.size() == 1);
  ck_assert(!second);
  (*later)("two");
  town.net.pump();
  ck_assert(second && second->answers[0].body == "two");
}
END_TEST

START_TEST(nobody_to_ask) {
  Town alone(1);
  std::optional<Courier::Answers> told;
  ck_assert(alone[1].ask_all("echo", "hi", alone.net.now + 500ms, alone.note(told)));
  ck_assert_msg(told && told->answers.empty() && told->silent.empty(), "told inside the call");

  Town parted(1, 2);
  std::optional<Courier::Answers> silence;
  ck_assert(parted[1].ask_all("echo", "hi", parted.net.now + 500ms, parted.note(silence)));
  ck_assert(silence && (silence->silent == Strings{"n2", "n3"}));
}
END_TEST

START_TEST(questions_are_bounded) {
  Town town(2);
  std::size_t ended = 0;
  std::optional<Courier::Answers> next;
  const peer::Time deadline = town.net.now + 500ms;
  for (std::size_t i = 0; i < Courier::questions_max; ++i)
    ck_assert(town[1].ask_all("nobody knows", "", deadline, [&](const Courier::Answers& answers) {
      ck_assert((answers.silent == Strings{"n2"}));
      // One that ends makes room for another, at once.
      if (++ended == 1) ck_assert(town[1].ask_all("nobody knows", "", deadline + 1s, town.note(next)));
    }));
  ck_assert(!town[1].ask_all("nobody knows", "", deadline, town.note(next)));
  town.net.pump();
  town[1].tick(deadline);
  ck_assert_uint_eq(ended, Courier::questions_max);
  ck_assert(!next);
  town[1].tick(deadline + 1s);
  ck_assert(next.has_value());
}
END_TEST

START_TEST(answers_are_bounded) {
  constexpr int nodes = 11;
  Town town(nodes);
  const std::string large(Courier::body_bytes_max, 'x');
  for (int n = 2; n < nodes; ++n)
    town[static_cast<std::size_t>(n)].on_question(
        "much", [&](peer::PeerId, std::string_view, const Courier::Reply& reply) { reply(large); });
  // The last node does not answer, so that all is kept until the deadline; then it is
  // given back, and as much fits again.
  for (int round = 0; round < 2; ++round) {
    std::size_t answered = 0;
    for (std::size_t i = 0; i < Courier::questions_max; ++i) {
      ck_assert(town[1].ask_all("much", "", town.net.now + 500ms, [&](const Courier::Answers& answers) {
        answered += answers.answers.size();
        ck_assert_uint_eq(answers.answers.size() + answers.silent.size(), nodes - 1);
      }));
      town.net.pump();
    }
    town[1].tick(town.net.now + 500ms);
    ck_assert_uint_eq(answered, Courier::answers_bytes_max / Courier::body_bytes_max);
  }
}
END_TEST

START_TEST(what_makes_no_sense_is_counted) {
  Town town(2);
  Strings heard;
  town[2].on_news("t", [&](peer::PeerId, std::string_view body) { heard.emplace_back(body); });
  const std::string eight("12345678");
  const struct {
    const char* sentence;
    std::string bytes;
    std::uint64_t malformed;
  } rows[] = {
      {"nothing at all", "", 1},
      {"no topic", "\x01", 1},
      {"an empty topic", std::string("\x01\0", 2), 1},
      {"half a topic",
       "\x01\x05"
       "abc",
       1},
      {"a topic that is too long", "\x01\x21" + std::string(33, 't'), 1},
      {"a question without a number", "\x02\x01t1234567", 1},
      {"an answer without a number", "\x03\x01t", 1},
      {"a body that is too long", "\x01\x01t" + std::string(Courier::body_bytes_max + 1, 'x'), 1},
      {"a kind of a later version", "\x09\x01t" + eight, 0},
      {"a question of which nobody knows", "\x02\x01t" + eight, 0},
      {"an answer that nobody awaits", "\x03\x01t" + eight, 0},
      {"news", "\x01\x01tgood", 0},
  };
  for (const auto& row : rows) {
    const std::uint64_t before = town[2].malformed();
    town.send(1, 2, row.bytes);
    ck_assert_msg(town[2].malformed() - before == row.malformed, "%s", row.sentence);
  }
  ck_assert((heard == Strings{"good"}));
}
END_TEST

SUITE(news_reach_who_wants_them, all_answer, who_does_not_answer_is_named, an_answer_may_come_later, nobody_to_ask,
      questions_are_bounded, answers_are_bounded, what_makes_no_sense_is_counted)
