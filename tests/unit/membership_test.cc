// Who should be there: tables of what is seen in Redis over time.
#include "peer/membership.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using peer::Listed;
using peer::Membership;
using peer::Millis;

peer::Address address(std::uint16_t port) { return {"10.0.0.1", port}; }

Listed entry(const std::string& name, std::uint16_t port) { return {{name, address(port)}, std::nullopt}; }
Listed leased(const std::string& name, std::uint16_t port, std::uint16_t lease_port) {
  return {{name, address(port)}, peer::Lease{peer::Incarnation{7}, address(lease_port)}};
}
Listed leased(const std::string& name, std::uint16_t port) { return leased(name, port, port); }

// A verdict in words: "+n2" present, "-n2:1" to be taken out, "!n2" given up.
std::string words(const Membership::Verdict& verdict) {
  std::vector<std::string> all;
  for (const Listed& listed : verdict.present) all.push_back("+" + listed.member.name);
  for (const peer::Member& member : verdict.take_out)
    all.push_back("-" + member.name + ":" + std::to_string(member.address.port));
  for (const std::string& name : verdict.given_up) all.push_back("!" + name);
  std::string text;
  for (const std::string& word : all) text += (text.empty() ? "" : " ") + word;
  return text;
}

struct Look {
  const char* sentence;
  Millis at;
  std::vector<Listed> view;
  std::string expected;
  std::set<std::string> linked = {};
  std::vector<std::string> known = {"n2"};  // in the mesh's table
  bool session_lost_before = false;
};

void play(const std::vector<Look>& looks) {
  peer::Self self;
  self.name = "n1";
  Membership membership(self);
  for (const Look& look : looks) {
    if (look.session_lost_before) membership.session_lost();
    const auto linked = [&look](std::string_view name) { return look.linked.count(std::string(name)) > 0; };
    const std::string found = words(membership.review(look.view, look.known, linked, look.at));
    ck_assert_msg(found == look.expected, "%s: expected '%s', found '%s'", look.sentence, look.expected.c_str(),
                  found.c_str());
  }
}

START_TEST(entries_and_leases) {
  play({{"myself is nobody's business", 0ms, {leased("n1", 1)}, "", {}, {}}});
  play({{"one with its lease is present", 0ms, {leased("n2", 2)}, "+n2"}});
  play({{"an entry that its lease does not bear goes", 0ms, {leased("n2", 2), leased("n2", 3, 2)}, "+n2 -n2:3"}});
  play({{"my own entry of another address, too", 0ms, {leased("n1", 1), leased("n1", 9, 1)}, "-n1:9", {}, {}}});
  play({{"my own without a lease is left alone", 0ms, {entry("n1", 1)}, "", {}, {}},
        {"for ever", 1h, {entry("n1", 1)}, "", {}, {}}});
}
END_TEST

START_TEST(a_dead_node) {
  play({{"alive", 0ms, {leased("n2", 2)}, "+n2", {"n2"}},
        {"its lease and its link are gone: watched", 1000ms, {entry("n2", 2)}, "+n2"},
        {"a moment before the grace is over", 3499ms, {entry("n2", 2)}, "+n2"},
        {"given up and taken out", 3500ms, {entry("n2", 2)}, "-n2:2 !n2"},
        {"and forgotten", 3501ms, {}, "", {}, {}}});
  play({{"alive", 0ms, {leased("n2", 2)}, "+n2", {"n2"}},
        {"its lease is gone", 1000ms, {entry("n2", 2)}, "+n2"},
        {"it has renewed: nothing counts any more", 2000ms, {leased("n2", 2)}, "+n2"},
        {"gone again", 3000ms, {entry("n2", 2)}, "+n2"},
        {"counted from then", 5499ms, {entry("n2", 2)}, "+n2"},
        {"to the millisecond", 5500ms, {entry("n2", 2)}, "-n2:2 !n2"}});
}
END_TEST

START_TEST(a_live_link_keeps_a_node) {
  play({{"alive", 0ms, {leased("n2", 2)}, "+n2", {"n2"}},
        {"no lease, but a link", 1s, {entry("n2", 2)}, "+n2", {"n2"}},
        {"never dead for want of a lease", 1h, {entry("n2", 2)}, "+n2", {"n2"}},
        {"a link that drops for a moment kills nobody", 1h + 1s, {entry("n2", 2)}, "+n2"},
        {"it is back", 1h + 2s, {entry("n2", 2)}, "+n2", {"n2"}},
        {"down for good", 1h + 3s, {entry("n2", 2)}, "+n2"},
        {"both are gone for the grace", 1h + 5499ms, {entry("n2", 2)}, "+n2"},
        {"dead", 1h + 5500ms, {entry("n2", 2)}, "-n2:2 !n2"}});
}
END_TEST

START_TEST(a_lease_keeps_a_node) {
  play({{"no link at all", 0ms, {leased("n2", 2)}, "+n2"}, {"a lease is enough", 1h, {leased("n2", 2)}, "+n2"}});
}
END_TEST

START_TEST(a_stranger) {
  play({{"an entry that never had a lease is dialled", 0ms, {entry("x", 5)}, "+x", {}, {}},
        {"for 10 s", 9999ms, {entry("x", 5)}, "+x", {}, {}},
        {"then taken out", 10s, {entry("x", 5)}, "-x:5 !x", {}, {}},
        {"put in again, it gets as long again", 11s, {entry("x", 5)}, "+x", {}, {}},
        {"to the millisecond", 20'999ms, {entry("x", 5)}, "+x", {}, {}},
        {"out again", 21s, {entry("x", 5)}, "-x:5 !x", {}, {}}});
  play({{"a stranger", 0ms, {entry("x", 5)}, "+x", {}, {}},
        {"that proved to be a node", 9s, {entry("x", 5)}, "+x", {"x"}, {"x"}},
        {"stays while it is linked", 30s, {entry("x", 5)}, "+x", {"x"}, {"x"}}});
  play({{"a stranger", 0ms, {entry("x", 5)}, "+x", {}, {}},
        {"vanishes from the set by itself", 5s, {}, "", {}, {}},
        {"and counts anew when it comes again", 9s, {entry("x", 5)}, "+x", {}, {}},
        {"not from the first time", 18'999ms, {entry("x", 5)}, "+x", {}, {}},
        {"out", 19s, {entry("x", 5)}, "-x:5 !x", {}, {}}});
}
END_TEST

START_TEST(gone_from_the_set) {
  play({{"alive", 0ms, {leased("n2", 2)}, "+n2", {"n2"}},
        {"not listed, but linked: the set was flushed", 1s, {}, "", {"n2"}},
        {"for as long as it likes", 1h, {}, "", {"n2"}},
        {"the link drops", 1h + 1s, {}, ""},
        {"a moment before the grace is over", 1h + 4999ms, {}, ""},
        {"given up", 1h + 5s, {}, "!n2"}});
  play({{"alive", 0ms, {leased("n2", 2)}, "+n2"},
        {"unlisted", 1s, {}, ""},
        {"it has renewed within 3 s of a flush", 4s, {leased("n2", 2)}, "+n2"},
        {"unlisted again", 5s, {}, ""},
        {"counted anew", 8999ms, {}, ""},
        {"given up", 9s, {}, "!n2"}});
}
END_TEST

START_TEST(a_lost_session_resets_what_was_seen) {
  play({{"alive", 0ms, {leased("n2", 2)}, "+n2"},
        {"its lease is gone", 1s, {entry("n2", 2)}, "+n2"},
        {"my Redis session was away meanwhile", 60s, {entry("n2", 2)}, "+n2", {}, {"n2"}, true},
        {"a restarted Redis has its lease again", 61s, {leased("n2", 2)}, "+n2"},
        {"gone for good", 62s, {entry("n2", 2)}, "+n2"},
        {"dead", 64'500ms, {entry("n2", 2)}, "-n2:2 !n2"}});
  play({{"alive", 0ms, {leased("n2", 2)}, "+n2"},
        {"unlisted", 1s, {}, ""},
        {"the session was lost", 30s, {}, "", {}, {"n2"}, true},
        {"counted anew", 33'999ms, {}, ""},
        {"given up", 34s, {}, "!n2"}});
}
END_TEST

START_TEST(several_at_a_time) {
  const std::vector<std::string> known{"a", "b", "c"};
  play({{"three", 0s, {leased("a", 1), leased("b", 2), leased("c", 3)}, "+a +b +c", {"a", "b", "c"}, known},
        {"b dies, c is unlisted", 1s, {leased("a", 1), entry("b", 2)}, "+a +b", {"a"}, known},
        {"b is out", 3500ms, {leased("a", 1), entry("b", 2)}, "+a -b:2 !b", {"a"}, known},
        {"c follows", 5s, {leased("a", 1)}, "+a !c", {"a"}, {"a", "c"}}});
}
END_TEST

}  // namespace

SUITE(entries_and_leases, a_dead_node, a_live_link_keeps_a_node, a_lease_keeps_a_node, a_stranger, gone_from_the_set,
      a_lost_session_resets_what_was_seen, several_at_a_time)
