#include "tools/crosstalk/health.h"

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "tests/unit/suite.h"
#include "tools/crosstalk/story.h"

namespace {

using crosstalk::Health;
using suite::same;

constexpr const char* whole =
    R"({"node":"n1","cluster":"main","whole":true,
        "nodes":[{"name":"n1","state":"alive","sessions":3},{"name":"n2","state":"alive"}],
        "links":[{"from":"n1","to":"n2","state":"up"},{"from":"n2","to":"n1","state":"up"}],
        "redis":{"state":"up"}})";

Health health(std::string_view json, std::string_view not_ready = "") {
  const std::optional<Health> found = crosstalk::health_of(not_ready, json);
  ck_assert(found.has_value());
  return *found;
}

std::string lines(std::string_view json) {
  const auto story = crosstalk::story_for_people(json);
  if (!story) return "(none)";
  std::string text;
  for (const std::string& line : *story) text += line + "\n";
  return text;
}

}  // namespace

START_TEST(all_is_well) {
  const Health found = health(whole);
  ck_assert(found.good());
  same("in words", crosstalk::health_for_people(found),
       "ready: n1 of main: 2 of 2 nodes alive, 2 of 2 links up, redis up");
  same("for programs", crosstalk::health_json(found),
       R"({"ready":true,"whole":true,"node":"n1","cluster":"main","nodes":{"expected":2,"alive":2},)"
       R"("links":{"expected":2,"up":2,"unknown":0},"bad":[],"redis":"up"})");
}
END_TEST

START_TEST(one_node_alone) {
  const Health found = health(R"({"node":"n1","cluster":"main","whole":true,"nodes":[{"name":"n1","state":"alive"}]})");
  ck_assert(found.good());
  same("in words", crosstalk::health_for_people(found), "ready: n1 of main: 1 of 1 node alive, 0 of 0 links up");
}
END_TEST

START_TEST(names_what_is_bad) {
  const Health found = health(
      R"({"node":"n1","cluster":"main","whole":false,
          "nodes":[{"name":"n1","state":"alive","listed":true},{"name":"n2","state":"alive","listed":true},
                   {"name":"n3","state":"suspect","listed":true},{"name":"gone","state":"dead","listed":false}],
          "links":[{"from":"n1","to":"n2","state":"backoff","why":"refused\u001b"},
                   {"from":"n2","to":"n1","state":"up","accepted":false},
                   {"from":"n1","to":"n3","state":"up","canary":"lost","canary_why":"no answer"},
                   {"from":"n3","to":"n1","state":"up","canary":"ok"},
                   {"from":"n1","to":"gone","state":"down"}],
          "redis":{"state":"down"}})",
      "no link to n2");
  ck_assert(!found.good());
  same("in words", crosstalk::health_for_people(found),
       "not ready: no link to n2: n1 of main: 2 of 3 nodes alive, 1 of 6 links up (2 not known), redis down; "
       R"(n1 to n2 backoff (refused\x1b); n2 to n1 one way (it does not arrive); n1 to n3 mute (no answer))");
  same("the first, for programs", crosstalk::health_json(found).substr(0, 50),
       R"({"ready":false,"why":"no link to n2","whole":false)");
}
END_TEST

START_TEST(ready_in_a_mesh_that_is_not_whole) {
  const Health found = health(R"({"node":"n1","cluster":"main","whole":false,"nodes":[]})");
  ck_assert(!found.good());
  ck_assert(crosstalk::health_for_people(found).starts_with("ready, but the mesh is not whole"));
}
END_TEST

START_TEST(a_long_list_is_cut) {
  std::string json = R"({"node":"n1","whole":false,"nodes":[)";
  for (int i = 0; i < 4; ++i)
    json += std::string(i == 0 ? "" : ",") + R"({"name":"n)" + std::to_string(i) + R"(","state":"alive"})";
  json += R"(],"links":[)";
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      if (i != j)
        json += std::string(i + j == 1 && i == 0 ? "" : ",") + R"({"from":"n)" + std::to_string(i) + R"(","to":"n)" +
                std::to_string(j) + R"(","state":"down"})";
  const std::string line = crosstalk::health_for_people(health(json + "]}"));
  ck_assert_msg(line.ends_with("; and 7 more"), "%s", line.c_str());
}
END_TEST

START_TEST(nonsense_is_no_health) {
  for (const char* json : {"", "[]", "{}", R"({"nodes":1})"}) ck_assert(!crosstalk::health_of("", json));
}
END_TEST

START_TEST(sees_who_is_left) {
  const auto found = crosstalk::draining_of(
      R"({"node":"n2","nodes":[{"name":"n1","sessions":9},{"name":"n2","stage":"draining","sessions":4}]})");
  ck_assert(found && found->draining && found->sessions == 4);
  const auto other = crosstalk::draining_of(whole);
  ck_assert(other && other->draining && other->sessions == 3);
  const auto back = crosstalk::draining_of(R"({"node":"n1","nodes":[{"name":"n1","stage":"serving","sessions":1}]})");
  ck_assert(back && !back->draining);
  ck_assert(!crosstalk::draining_of(R"({"node":"n1","nodes":[{"name":"n1"}]})"));
  ck_assert(!crosstalk::draining_of("nonsense"));
}
END_TEST

START_TEST(tells_a_story) {
  setenv("TZ", "UTC0", 1);
  tzset();
  same("hop by hop", lines(R"({"id":"m-1","steps":[
      {"at":1700049600042,"node":"n1","what":"accepted","sender":"alice","recipient":"bob"},
      {"at":1700049600043.5,"node":"n1","what":"forwarded","to":"node22"},
      {"at":1700049600041,"node":"node22","what":"arrived","from":"n1"},
      {"at":1700049612345,"node":"n1","what":"settled","outcome":"stored"}]})"),
       "m-1 from alice to bob\n"
       "  2023-11-15 12:00:00.041  node22  arrived from n1\n"
       "                    +1 ms  n1      accepted\n"
       "                  +2.5 ms  n1      forwarded to node22\n"
       "                  +12.3 s  n1      settled: stored\n");
  same("the same id of two senders",
       lines(R"({"id":"1","steps":[{"at":1000,"node":"n1","what":"accepted","sender":"a","recipient":"b"},
                                          {"at":1000,"node":"n1","what":"accepted","sender":"c","recipient":"b"}]})"),
       "1 from a to b\n"
       "  1970-01-01 00:00:01.000  n1  accepted\n"
       "                    +0 ms  n1  accepted (from c to b)\n");
  same("nothing in it reaches the terminal", lines(R"({"id":"\u001b[2J","steps":[]})"), "\\x1b[2J\n");
  same("odd times", lines(R"({"id":"1","steps":[{"at":1e300},{"at":"x"},{}]})").substr(0, 29),
       "1\n  1970-01-01 00:00:00.000  ");
  for (const char* json : {"", "[]", "{}", R"({"steps":{}})"}) same(json, lines(json), "(none)");
}
END_TEST

SUITE(all_is_well, one_node_alone, names_what_is_bad, ready_in_a_mesh_that_is_not_whole, a_long_list_is_cut,
      nonsense_is_no_health, sees_who_is_left, tells_a_story)
