// Links expected against actual, judged from both ends; what is said of them, and
// the line of --check.
#include "tools/peek/matrix.h"

#include <functional>
#include <string>

#include "tests/unit/recorded.h"
#include "tests/unit/suite.h"
#include "tools/peek/findings.h"

namespace {

using peek::Sight;
using suite::same;

std::string line_of(const recorded::Cluster& told, bool whole) {
  const peek::Verdict verdict = peek::check(told.read());
  ck_assert_msg(verdict.whole == whole, "%s", verdict.line.c_str());
  return verdict.line;
}

struct Row {
  const char* sentence;
  const char* state;
  int accepted;  // 0, 1, or -1 where nobody says
  const char* canary;
  Sight sight;
  const char* words;
};

const Row rows[] = {
    {"both ends say so", "up", 1, "ok", Sight::up, "n1 -> n2 up"},
    {"nothing is known of messages", "up", 1, "", Sight::up, "n1 -> n2 up"},
    {"messages are lost", "up", 1, "lost", Sight::lost, "n1 -> n2 up, but messages through it are lost: late"},
    {"the far end is not heard", "up", -1, "ok", Sight::unconfirmed, "n1 -> n2 up, but n2 has not said so: gone"},
    {"cut one way", "up", 0, "lost", Sight::only_from, "n1 -> n2 one way: n1 says up, n2 has not accepted it: gone"},
    {"given up by the dialler alone", "backoff", 1, "", Sight::only_to,
     "n1 -> n2 one way: n2 has accepted it, n1 says backoff: gone"},
    {"refused, they say, and accepted", "refused", 1, "", Sight::only_to,
     "n1 -> n2 one way: n2 has accepted it, n1 says refused: gone"},
    {"in the making", "syncing", 1, "", Sight::syncing, "n1 -> n2 syncing: gone"},
    {"in the making, not heard of yet", "syncing", 0, "", Sight::syncing, "n1 -> n2 syncing: gone"},
    {"dialled", "connecting", 0, "", Sight::connecting, "n1 -> n2 connecting: gone"},
    {"waiting", "backoff", 0, "", Sight::backoff, "n1 -> n2 backoff, next try in 1.2s: gone"},
    {"refused", "refused", -1, "", Sight::refused, "n1 -> n2 refused: gone"},
    {"down", "down", 0, "", Sight::down, "n1 -> n2 down: gone"},
    {"a word that nobody knows", "sideways", 0, "", Sight::missing, "n1 -> n2 missing: nobody has told of it"},
};

}  // namespace

START_TEST(a_link_is_judged_by_both_ends) {
  for (const Row& row : rows) {
    recorded::Cluster told(3);
    cJSON* const link = told.link(1, 2);
    recorded::text(link, "state", row.state);
    recorded::text(link, "why", "gone");
    recorded::text(link, "canary", row.canary);
    recorded::text(link, "canary_why", "late");
    recorded::number(link, "next_try_ms", 1200);
    cJSON_DeleteItemFromObject(link, "accepted");
    if (row.accepted >= 0) cJSON_AddBoolToObject(link, "accepted", row.accepted);
    const peek::Cluster cluster = told.read();
    const peek::Matrix matrix(cluster);
    ck_assert_msg(matrix.at(0, 1).sight == row.sight, "%s", row.sentence);
    same(in_words(cluster, 0, 1, matrix.at(0, 1)), row.words);
    const bool up = row.sight == Sight::up;
    ck_assert_msg(matrix.at(0, 1).bad() != up, "%s", row.sentence);
    ck_assert_uint_eq(matrix.count().up, up ? 6 : 5);
    ck_assert_uint_eq(matrix.count(0).up, up ? 4 : 3);
    ck_assert_uint_eq(matrix.count(2).up, 4);
    same(line_of(told, up), up ? "all 6 links of 3 nodes are up" : row.words);
  }
}
END_TEST

START_TEST(every_mark_is_another) {
  std::string marks;
  for (std::size_t n = 0; n < peek::sights; ++n) {
    const peek::Legend legend = peek::legend(static_cast<Sight>(n));
    ck_assert_msg(marks.find(legend.mark) == std::string::npos, "%c", legend.mark);
    ck_assert(!legend.words.empty());
    marks += legend.mark;
  }
}
END_TEST

START_TEST(a_link_that_nobody_tells_of_is_missing) {
  recorded::Cluster told(3);
  told.forget("links", told.link(2, 3));
  same(line_of(told, false), "n2 -> n3 missing: nobody has told of it");
}
END_TEST

START_TEST(one_node_alone_is_whole) {
  same(line_of(recorded::Cluster(1), true), "all 0 links of 1 node are up");
  recorded::Cluster told(1);
  told.broken();
  same(line_of(told, false), "n1 says that the mesh is not whole");
}
END_TEST

START_TEST(who_is_not_expected_is_not_missed) {
  recorded::Cluster told(3);
  cJSON_ReplaceItemInObject(told.node(3), "listed", cJSON_CreateFalse());
  told.lose(1, 3, "down", "");
  cJSON_ReplaceItemInObject(told.tree(), "whole", cJSON_CreateTrue());
  same(line_of(told, true), "all 2 links of 2 nodes are up");
  const peek::Cluster cluster = told.read();
  const peek::Matrix matrix(cluster);
  ck_assert(matrix.at(1, 2).sight == Sight::up && !matrix.at(1, 2).expected && !matrix.at(0, 2).bad());
  const auto found = findings(cluster, matrix);
  ck_assert_uint_eq(found.size(), 1);
  same(found[0].text, "n3 is there, but nobody expects it");
}
END_TEST

START_TEST(who_is_not_reached_is_named_once) {
  recorded::Cluster told(3);
  told.kill(3, 3);
  same(line_of(told, false), "n3 not reached: No route to host");
  told.lose(1, 2, "refused", "another secret");
  same(line_of(told, false), "n3 not reached: No route to host; n1 -> n2 refused: another secret");
  // What it said of its own links before counts for nothing; a link from it that somebody has does.
  recorded::Cluster half(3);
  half.lose(1, 3, "down", "");
  half.lose(2, 3, "down", "");
  cJSON_ReplaceItemInObject(half.link(3, 1), "accepted", cJSON_CreateFalse());
  cJSON_ReplaceItemInObject(half.link(3, 2), "accepted", cJSON_CreateFalse());
  same(line_of(half, false), "n3 not reached");
  cJSON_ReplaceItemInObject(half.link(3, 2), "accepted", cJSON_CreateTrue());
  same(line_of(half, false), "n1 -> n3 down; n2 -> n3 down; n3 -> n1 one way: n3 says up, n1 has not accepted it");
}
END_TEST

START_TEST(the_dead_are_not_believed) {
  // n2 and n3 are gone, and what they said last was that all is well between them.
  recorded::Cluster told(3);
  for (const std::size_t dead : {2U, 3U}) {
    told.lose(1, dead, "backoff", "gone");
    cJSON_ReplaceItemInObject(told.link(1, dead), "accepted", cJSON_CreateTrue());
    cJSON_ReplaceItemInObject(told.link(dead, 1), "accepted", cJSON_CreateFalse());
  }
  same(line_of(told, false), "n2 not reached: gone; n3 not reached: gone");
  const peek::Cluster cluster = told.read();
  const peek::Matrix matrix(cluster);
  ck_assert(matrix.at(0, 1).sight == Sight::backoff);
  ck_assert(matrix.at(1, 0).sight == Sight::down);
  same(in_words(cluster, 1, 0, matrix.at(1, 0)), "n2 -> n1 down");
  ck_assert(matrix.at(1, 2).sight == Sight::down);
  // One that another node reaches is reached.
  recorded::Cluster around(3);
  around.lose(1, 3, "down", "cut");
  around.lose(3, 1, "down", "cut");
  same(line_of(around, false), "n1 -> n3 down: cut; n3 -> n1 down: cut");
}
END_TEST

START_TEST(nobody_is_reached) {
  recorded::Cluster told(3);
  told.kill(2, 3);
  told.forget("links", told.link(1, 3));
  told.forget("links", told.link(3, 1));
  same(line_of(told, false), "n2 not reached: No route to host; n3 not reached");
}
END_TEST

START_TEST(the_line_is_one_and_short) {
  recorded::Cluster told(100);
  for (std::size_t n = 2; n <= 100; ++n) told.lose(1, n, "backoff", "Connection refused\n\x1b[2J");
  const std::string line = line_of(told, false);
  ck_assert_uint_le(line.size(), 500);
  ck_assert(line.starts_with("n1 -> n2 backoff: Connection refused\\x0a\\x1b[2J; n1 -> n3 "));
  ck_assert_msg(line.find("; and 9") != std::string::npos && line.ends_with(" more"), "%s", line.c_str());
  recorded::Cluster wordy(3);
  wordy.lose(1, 2, "down", std::string(5000, 'w').c_str());
  ck_assert_uint_le(line_of(wordy, false).size(), 500);
}
END_TEST

START_TEST(what_is_odd_is_noticed) {
  static const struct {
    const char* text;
    std::function<void(recorded::Cluster&)> change;
  } oddities[] = {
      {"setting mesh.hold_ms differs: 2000 (n1 and 2 more), 5000 (n4)",
       [](auto& told) { recorded::text(cJSON_GetObjectItem(told.node(4), "settings"), "mesh.hold_ms", "5000"); }},
      {"versions differ: 0.1.0 (n1 and n3), 0.2.0 (n2), 0.3.0 (n4)",
       [](auto& told) {
         recorded::text(told.node(2), "version", "0.2.0");
         recorded::text(told.node(4), "version", "0.3.0");
       }},
      {"n2 is draining", [](auto& told) { recorded::text(told.node(2), "stage", "draining"); }},
      {"n2 is suspected to be dead", [](auto& told) { recorded::text(told.node(2), "state", "suspect"); }},
      {"n2 has no Redis", [](auto& told) { recorded::text(told.node(2), "redis", "down"); }},
      {"n2 was heard of 20s ago",
       [](auto& told) { cJSON_ReplaceItemInObject(told.node(2), "age_ms", cJSON_CreateNumber(20'000)); }},
  };
  for (const auto& oddity : oddities) {
    recorded::Cluster told(4);
    oddity.change(told);
    const peek::Cluster cluster = told.read();
    const auto found = findings(cluster, peek::Matrix(cluster));
    ck_assert_msg(found.size() == 1 && !found[0].wrong, "%s", oddity.text);
    same(found[0].text, oddity.text);
    line_of(told, true);
  }
}
END_TEST

SUITE(a_link_is_judged_by_both_ends, every_mark_is_another, a_link_that_nobody_tells_of_is_missing,
      one_node_alone_is_whole, who_is_not_expected_is_not_missed, who_is_not_reached_is_named_once,
      the_dead_are_not_believed, nobody_is_reached, the_line_is_one_and_short, what_is_odd_is_noticed)
