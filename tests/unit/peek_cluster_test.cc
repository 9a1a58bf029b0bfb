// The picture of the cluster, read from JSON that nobody vouches for.
#include "tools/peek/cluster.h"

#include <chrono>
#include <string>

#include "tests/unit/recorded.h"
#include "tests/unit/suite.h"
#include "tools/peek/figures.h"
#include "tools/peek/redis.h"

namespace {

using suite::same;

}  // namespace

START_TEST(all_of_it_is_read) {
  recorded::Cluster told(12);
  cJSON* const link = told.link(2, 1);
  recorded::text(link, "state", "backoff");
  recorded::text(link, "why", "Connection refused");
  recorded::number(link, "next_try_ms", 1200);
  recorded::text(link, "canary", "lost");
  recorded::text(told.node(3), "stage", "draining");
  const peek::Cluster cluster = told.read();
  same(cluster.node, "n1");
  same(cluster.name, "main");
  ck_assert(cluster.whole);
  ck_assert_uint_eq(cluster.nodes.size(), 12);
  ck_assert_uint_eq(cluster.links.size(), 132);
  const peek::Node& node = cluster.nodes[cluster.find("n3")];
  ck_assert(node.life == peek::Life::alive && node.listed && node.draining);
  ck_assert_uint_eq(*node.sessions, 30);
  ck_assert_uint_eq(*node.loop_lag_us, 300);
  ck_assert_uint_eq(*node.memory_bytes, 23U << 20U);
  ck_assert_uint_eq(*node.age_ms, 30);
  ck_assert_double_eq(*node.chats_per_s, 4.5);
  same(node.peer, "10.0.0.3:9601");
  ck_assert(!cluster.nodes[0].age_ms);
  ck_assert_uint_eq(cluster.find("nobody"), 12);
  bool found = false;
  for (const peek::Link& one : cluster.links) {
    if (cluster.nodes[one.from].name != "n2" || cluster.nodes[one.to].name != "n1") continue;
    found = true;
    ck_assert(one.dialled == peek::Dialled::backoff && one.canary == peek::Canary::lost && *one.accepted);
    ck_assert_uint_eq(*one.next_try_ms, 1200);
    same(one.why, "Connection refused");
  }
  ck_assert(found);
  ck_assert_uint_eq(cluster.events.size(), 3);
  same(cluster.events[1].why, "silent for 5 s");
  ck_assert_uint_eq(*cluster.redis_latency_us, 320);
}
END_TEST

START_TEST(numbers_in_names_count) {
  static const struct {
    const char* first;
    const char* second;
  } rows[] = {{"n2", "n10"},       {"n9", "n10"},
              {"a", "b"},          {"n", "n1"},
              {"n1", "n1a"},       {"n01", "n1"},
              {"n1-a2", "n1-a10"}, {"1", "a"},
              {"a1b2", "a1b10"},   {"n18446744073709551616", "n18446744073709551617"}};
  for (const auto& row : rows) {
    ck_assert_msg(peek::before(row.first, row.second), "%s before %s", row.first, row.second);
    ck_assert_msg(!peek::before(row.second, row.first), "%s not before %s", row.second, row.first);
    ck_assert_msg(!peek::before(row.first, row.first), "%s not before itself", row.first);
  }
}
END_TEST

START_TEST(what_is_missing_is_not_known) {
  const auto cluster = peek::parse_cluster(R"({"nodes":[{"name":"a"},{"name":"b"}],"links":[{"from":"a","to":"b"}]})");
  ck_assert(static_cast<bool>(cluster));
  const peek::Node& node = cluster->nodes[0];
  ck_assert(node.life == peek::Life::unknown && node.listed && !node.draining && !node.sessions && !node.chats_per_s);
  ck_assert(cluster->links[0].dialled == peek::Dialled::unknown && !cluster->links[0].accepted);
  ck_assert(!cluster->whole && cluster->events.empty() && cluster->redis.empty());
}
END_TEST

START_TEST(what_is_of_another_kind_is_not_known) {
  const auto cluster = peek::parse_cluster(R"({"node":7,"cluster":[],"whole":"yes","redis":"up","events":{"at":1},
    "nodes":[1,"n2",null,{"name":7},{"name":""},{"name":"a","state":3,"listed":"no","sessions":-1,"users":1e300,
             "rooms":"many","uptime_s":1.9,"chats_per_s":null,"settings":[1],"version":{}},
             {"name":"a","sessions":5},{"name":"b","state":"undead","listed":false,"settings":{"x":1,"y":"z"}}],
    "links":[7,{"from":"a"},{"from":"a","to":"a","state":"up"},{"from":"a","to":"nobody"},
             {"from":"a","to":"b","state":"up","accepted":1,"rtt_us":-5},{"from":"a","to":"b","state":"down"}]})");
  ck_assert(static_cast<bool>(cluster));
  ck_assert_uint_eq(cluster->nodes.size(), 2);
  const peek::Node& a = cluster->nodes[0];
  ck_assert(a.life == peek::Life::unknown && a.listed && !a.sessions && !a.users && !a.rooms && !a.chats_per_s);
  ck_assert_uint_eq(*a.uptime_s, 1);
  ck_assert(a.settings.empty() && a.version.empty());
  const peek::Node& b = cluster->nodes[1];
  ck_assert(b.life == peek::Life::unknown && !b.listed);
  ck_assert_uint_eq(b.settings.size(), 1);
  ck_assert_uint_eq(cluster->links.size(), 1);
  ck_assert(cluster->links[0].dialled == peek::Dialled::up && !cluster->links[0].accepted && !cluster->links[0].rtt_us);
}
END_TEST

START_TEST(what_is_no_picture_is_refused) {
  for (const char* text : {"", "7", "[]", "{}", "{\"nodes\":7}", "{\"nodes\":[]}", "{\"nodes\":[{\"name\":\"a\"}]",
                           "nonsense", "{\"nodes\":[{\"name\":\"a\"}]} and more"})
    ck_assert_msg(!peek::parse_cluster(text), "%s", text);
  ck_assert(!peek::parse_cluster(std::string(1'000'000, '[')));
  ck_assert(!peek::parse_cluster("{\"nodes\":" + std::string(1'000'000, '{')));
}
END_TEST

START_TEST(it_has_bounds) {
  const auto of = [](std::size_t size) {
    std::string text = "{\"nodes\":[";
    for (std::size_t n = 0; n < size; ++n)
      text += (n == 0 ? "{\"name\":\"" : ",{\"name\":\"") + recorded::name(n) + "\"}";
    return peek::parse_cluster(text + "]}");
  };
  ck_assert_uint_eq(of(peek::nodes_max)->nodes.size(), peek::nodes_max);
  same(of(peek::nodes_max + 1).why(), "the answer has more than 512 nodes");
  std::string text = R"({"nodes":[{"name":")" + std::string(1000, 'x') + R"(","version":")" +
                     std::string(100'000, 'v') + R"(","settings":{"a":"b")";
  for (int n = 0; n < 1000; ++n) text += ",\"" + std::to_string(n) + "\":\"x\"";
  text += "}}],\"events\":[{}";
  for (int n = 1; n < 1000; ++n) text += ",{\"at\":" + std::to_string(n) + "}";
  const auto cluster = peek::parse_cluster(text + "]}");
  ck_assert_uint_eq(cluster->nodes[0].name.size(), 64);
  ck_assert_uint_eq(cluster->nodes[0].version.size(), 64);
  ck_assert_uint_eq(cluster->nodes[0].settings.size(), peek::settings_max);
  ck_assert_uint_eq(cluster->events.size(), peek::events_max);
  ck_assert_uint_eq(*cluster->events.back().at, 999);
}
END_TEST

START_TEST(the_set_says_who_is_expected) {
  recorded::Cluster told(3);
  cJSON_ReplaceItemInObject(told.node(3), "listed", cJSON_CreateFalse());
  const std::vector<peek::Member> set = {{"n1", "a:1"}, {"n3", "c:1"}, {"m0", "m:1"}, {"n20", "x:1"}};
  peek::Cluster cluster = told.read();
  peek::expect(cluster, set);
  ck_assert_uint_eq(cluster.nodes.size(), 5);
  same(cluster.nodes[0].name, "m0");
  same(cluster.nodes[4].name, "n20");
  same(cluster.nodes[4].peer, "x:1");
  ck_assert(cluster.nodes[3].listed && cluster.nodes[4].listed);
  // Links go on between the same two.
  ck_assert_uint_eq(*cluster.links[0].rtt_us, 102);
  same(cluster.nodes[cluster.links[0].from].name, "n1");
  same(cluster.nodes[cluster.links[0].to].name, "n2");
  const auto again = peek::parse_cluster(peek::expect_in_json(told.json(), set));
  ck_assert_uint_eq(again->nodes.size(), 5);
  ck_assert(!again->whole && again->nodes[0].listed && again->nodes[3].listed);
  same(again->nodes[0].peer, "m:1");
  same(peek::expect_in_json(R"({"nodes":[{"name":"ö"}],"x":[1700000000000,0.5]})", {}),
       R"({"nodes":[{"name":"\u00f6"}],"x":[1700000000000,0.5]})");
}
END_TEST

START_TEST(figures_are_short) {
  same(peek::span_us(999), "999us");
  same(peek::span_us(1'240), "1.2ms");
  same(peek::span_us(9'960), "10ms");
  same(peek::span_us(2'500'000), "2.5s");
  same(peek::span_ms(350), "350ms");
  same(peek::span_ms(61'000), "1m01s");
  same(peek::span_s(3'700), "1h01m");
  same(peek::span_s(90'000), "1d01h");
  same(peek::span_s(9'007'199'254'740'992), "104249991374d");
  same(peek::bytes(1023), "1023B");
  same(peek::bytes(1536), "1.5K");
  same(peek::bytes(123U << 20U), "123M");
  same(peek::count(99'999), "99999");
  same(peek::count(123'456), "123k");
  same(peek::rate(0.01), "0");
  same(peek::rate(12.34), "12");
  same(peek::rate(1.25e9), "1.2G");
}
END_TEST

START_TEST(urls_of_redis) {
  const auto url = peek::parse_redis_url("redis://us%65r:p%40ss@[::1]:7000/3");
  ck_assert(static_cast<bool>(url));
  same(url->user, "user");
  same(url->password, "p@ss");
  same(to_string(url->address), "[::1]:7000");
  ck_assert_int_eq(url->database, 3);
  same(to_string(peek::parse_redis_url("redis://host")->address), "host:6379");
  same(peek::parse_redis_url("redis://:secret@host")->password, "secret");
  for (const char* wrong :
       {"host", "rediss://host", "redis://", "redis://host/x", "redis://host/-1", "redis://secret@host",
        "redis://:%4@host", "redis://:%zz@host", "redis://host?x", "redis://host:0"}) {
    ck_assert_msg(!peek::parse_redis_url(wrong), "%s", wrong);
    same(peek::parse_redis_url(wrong).why(), "expected redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]");
  }
}
END_TEST

SUITE(all_of_it_is_read, numbers_in_names_count, what_is_missing_is_not_known, what_is_of_another_kind_is_not_known,
      what_is_no_picture_is_refused, it_has_bounds, the_set_says_who_is_expected, figures_are_short, urls_of_redis)
