// What a node tells of itself, as bytes and back.
#include "src/node/status.h"

#include <limits>
#include <string>

#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using node::LinkState;
using node::LinkWord;
using node::Status;
using node::Vitals;
using Verdict = peer::Canary::Verdict;

LinkWord link_to(const std::string& name) {
  return {name, true, peer::Mesh::Health::suspect, true, LinkState::up, 210us, 4096, 3, {}, "", Verdict::ok};
}

LinkWord lost(const std::string& name) {
  return {name,
          true,
          peer::Mesh::Health::dead,
          false,
          LinkState::backoff,
          {},
          0,
          std::uint64_t{1} << 40U,
          99ms,
          "a \"reason\" — in UTF-8",
          Verdict::lost_back};
}

Status full() {
  Status status;
  status.identity = {"1.2.3",
                     {"10.0.0.1", 9601},
                     {"::1", 9501},
                     {"localhost", 9701},
                     {{"mesh.hold_ms", "2000"}, {"sessions.per_user", "1"}}};
  status.load = {Vitals::Stage::draining, Vitals::Service::up, 250us, 61, 500, 500, 7, 1234.5, 1500us, 123'456'789};
  status.table = {true, {link_to("n2"), lost("n3")}};
  return status;
}

// One section as it stands in a body.
std::string section(char kind, const std::string& body) {
  return kind + std::string{static_cast<char>(body.size() & 0xffU), static_cast<char>(body.size() >> 8U)} + body;
}

}  // namespace

START_TEST(there_and_back) {
  Status only_load;
  only_load.load = full().load;
  Status idle;
  idle.load = node::Load{};
  Status change;
  change.table = {false, {lost("n9")}};
  Status extreme = full();
  extreme.load->memory_bytes = std::numeric_limits<std::uint64_t>::max();
  for (const Status& status : {full(), only_load, idle, change, extreme, Status{}}) {
    const auto back = node::decode(node::encode(status));
    ck_assert(back && *back == status);
  }
}
END_TEST

START_TEST(an_address_that_is_not_known) {
  Status status = full();
  status.identity->client = {};
  const auto back = node::decode(node::encode(status));
  ck_assert(back && *back == status);
}
END_TEST

START_TEST(it_is_small) {
  Status load;
  load.load = full().load;
  ck_assert_uint_le(node::encode(load).size(), 40);
  Status links;
  links.table = {true, {}};
  for (int i = 0; i < 99; ++i) links.table->links.push_back(link_to("node-" + std::to_string(i)));
  ck_assert_uint_le(node::encode(links).size(), 99 * 20);
  Status worst;
  worst.table = {true, {}};
  for (std::size_t i = 0; i < Status::links_max; ++i) {
    worst.table->links.push_back(lost(std::string(64, 'n')));
    worst.table->links.back().why = std::string(500, 'y');
  }
  ck_assert_uint_le(node::encode(worst).size(), 60'000);
  ck_assert(node::decode(node::encode(worst))->table->links[7].why.size() == Status::why_bytes_max);
}
END_TEST

START_TEST(why_is_cut_between_letters) {
  Status status;
  status.table = {false, {lost("n2")}};
  for (std::size_t spaces = 0; spaces < 4; ++spaces) {
    status.table->links[0].why = std::string(spaces, ' ');
    for (int i = 0; i < 100; ++i) status.table->links[0].why += "—";
    const auto back = node::decode(node::encode(status));
    ck_assert(back && back->table->links[0].why.size() > Status::why_bytes_max - 3);
  }
}
END_TEST

START_TEST(cut_anywhere_it_is_whole_or_nothing) {
  const std::string body = node::encode(full());
  for (std::size_t end = 0; end < body.size(); ++end)
    if (const auto part = node::decode(std::string_view(body).substr(0, end)))
      ck_assert_msg(*part == Status{} || (part->identity && !(part->load && part->table)), "at %zu", end);
}
END_TEST

START_TEST(garbage_does_no_harm) {
  const std::string body = node::encode(full());
  std::size_t refused = 0;
  for (std::size_t at = 0; at < body.size(); ++at)
    for (int flip = 1; flip < 256; ++flip) {
      std::string broken = body;
      broken[at] = static_cast<char>(broken[at] ^ flip);
      const auto read = node::decode(broken);
      refused += read ? 0 : 1;
      if (read) static_cast<void>(node::encode(*read));
    }
  ck_assert(refused > body.size());
  peer::SeededChance chance(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string noise;
    for (std::uint64_t left = chance.next() % 64; left > 0; --left) noise.push_back(static_cast<char>(chance.next()));
    static_cast<void>(node::decode(noise));
  }
}
END_TEST

// A dial may have been answered with anything, and the others are told of it.
START_TEST(what_strangers_said_can_be_told) {
  Vitals vitals;
  vitals.peers.resize(1);
  vitals.peers[0].name = "n2";
  vitals.peers[0].why = "\xff\x1b[31m \"no\"";
  Status status;
  status.table = {true, node::links_of(vitals)};
  const auto back = node::decode(node::encode(status));
  ck_assert(back && back->table->links[0].why == "\\xff\\x1b[31m \"no\"");
}
END_TEST

// A later version adds sections, and fields behind those there are.
START_TEST(what_is_not_known_yet_is_passed_over) {
  const Status status = full();
  ck_assert(node::decode(section('\x7f', "from later") + node::encode(status) + section('\x09', "")) == status);
  Status load;
  load.load = status.load;
  const std::string inner = node::encode(load).substr(3);
  ck_assert(node::decode(section('\x02', inner + "more of it")) == load);
  Status table;
  table.table = {false, {link_to("n2")}};
  std::string body = node::encode(table).substr(3);
  body[2] = static_cast<char>(body[2] + 4);  // the size of its entry
  ck_assert(node::decode(section('\x03', body + "more")) == table);
}
END_TEST

START_TEST(what_makes_no_sense) {
  Status load;
  load.load = full().load;
  const std::string good = node::encode(load);
  ck_assert_msg(!node::decode(good + good), "twice");
  ck_assert_msg(!node::decode(section('\x02', good.substr(3, 5))), "too short");
  std::string stage = good;
  stage[3] = 3;
  ck_assert_msg(!node::decode(stage), "no stage");
  load.load->chats_per_s = std::numeric_limits<double>::quiet_NaN();
  ck_assert_msg(!node::decode(node::encode(load)), "no number");
  Status name;
  name.table = {true, {link_to("no name")}};
  ck_assert_msg(!node::decode(node::encode(name)), "no name");
  Status why;
  why.table = {true, {lost("n2")}};
  why.table->links[0].why = "\xff";
  ck_assert_msg(!node::decode(node::encode(why)), "no UTF-8");
}
END_TEST

SUITE(there_and_back, an_address_that_is_not_known, it_is_small, why_is_cut_between_letters,
      cut_anywhere_it_is_whole_or_nothing, garbage_does_no_harm, what_strangers_said_can_be_told,
      what_is_not_known_yet_is_passed_over, what_makes_no_sense)
