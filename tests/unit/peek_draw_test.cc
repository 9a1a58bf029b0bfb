// The screen as text: what it shows of 3, 12 and 100 nodes, where keys lead, and
// that nothing others wrote gets through to a terminal.
#include "tools/peek/draw.h"

#include <algorithm>
#include <chrono>
#include <clocale>
#include <cstdlib>
#include <memory>
#include <string>

#include "tests/unit/recorded.h"
#include "tests/unit/suite.h"
#include "tools/peek/flags.h"
#include "tools/peek/plain.h"

namespace {

using peek::Key;
using peek::Pane;
using peek::Picture;
using peek::View;
using suite::same;

const peek::Marks ascii(tool::Charset::ascii);

void has(const std::string& text, const std::string& part) {
  ck_assert_msg(text.find(part) != std::string::npos, "\"%s\" is not in\n%s", part.c_str(), text.c_str());
}

void has_not(const std::string& text, const std::string& part) {
  ck_assert_msg(text.find(part) == std::string::npos, "\"%s\" is in\n%s", part.c_str(), text.c_str());
}

const peek::Status fine{"127.0.0.1:9701", "127.0.0.1:9701", "", "", 40};

std::string screen(const View& view, const Picture& picture, int width = 80, int height = 24) {
  return draw(view, &picture, fine, width, height, ascii).text();
}

// Letters stand for themselves, others are given.
void press(View& view, const Picture& picture, std::initializer_list<Key> keys) {
  for (const Key key : keys) view.press({key}, &picture, 10);
}
void type(View& view, const Picture& picture, const std::string& letters) {
  for (const char letter : letters) view.press({Key::character, letter}, &picture, 10);
}

// Names and sentences of somebody who wishes the operator ill.
std::string hostile() {
  const std::string evil = R"(a\u001b[2J\u0007\n\u009b31m\u202e)";
  return R"({"node":")" + evil + R"(","cluster":")" + evil + R"(","nodes":[{"name":")" + evil + R"(","version":")" +
         evil + R"(","incarnation":")" + evil + R"(","redis":")" + evil + R"(","peer":")" + evil +
         R"(","settings":{")" + evil +
         R"(":"1"}},{"name":"b","state":"alive","version":"2","sessions":9007199254740992,"chats_per_s":9e15,"uptime_s":9e15,
         "settings":{")" +
         evil + R"(":"2"}}],"links":[{"from":")" + evil + R"(","to":"b","state":"down","why":")" + evil +
         R"(","rtt_us":9e15,"waiting_bytes":9e15},{"from":"b","to":")" + evil +
         R"(","state":"up","accepted":true,"canary":"lost","canary_why":")" + evil + R"("}],"redis":{"state":")" +
         evil + R"("},"events":[{"at":9007199254740992,"node":")" + evil + R"(","what":")" + evil + R"(","peer":")" +
         evil + R"(","why":")" + evil + R"("}]})";
}

bool is_safe(char32_t point) { return point >= 0x20 && (point < 0x7f || (point > 0x9f && point != 0x202e)); }

}  // namespace

START_TEST(three_nodes_at_80x24) {
  setenv("TZ", "UTC", 1);
  recorded::Cluster told(3);
  told.lose(2, 3, "backoff", "Connection refused");
  recorded::number(told.link(2, 3), "next_try_ms", 1240);
  const Picture picture(told.read());
  same(screen({}, picture), R"( NOT WHOLE  main  3 of 3 nodes  60 sessions  9.0 chats/s  Redis up 320us
says n1 at 127.0.0.1:9701, just now
-- Nodes 3, by name ------------------------------------------------------------
  # NODE   STATE       LINKS SESSIONS CHATS/S    LAG MEMORY  UPTIME VERSION
  1 n1*    alive         4/4       10     1.5  100us    21M   1m00s 0.1.0
  2 n2     alive         3/4       20     3.0  200us    22M   2m00s 0.1.0
  3 n3     alive         3/4       30     4.5  300us    23M   3m00s 0.1.0
n1 alive, incarnation 0000000000000011, peers 10.0.0.1:9601, HTTP 10.0.0.1:9701,
Redis up, users 9, rooms 1
>- Links 5 up of 6, rows dial columns ------------------------------------------
     n1      n2      n3
1 n1 \       . 102us . 103us
2 n2 . 201us \       b 1.2s
3 n3 . 301us . 302us \
. up 5  b backoff 1
n2 -> n3 backoff, next try in 1.2s: Connection refused; round trip 203us; 0B
waiting; 0 reconnects; not accepted
-- Wrong 1, noticed 0 ----------------------------------------------------------
! n2 -> n3 backoff, next try in 1.2s: Connection refused
-- Events at n1 3, newest first ------------------------------------------------
22:13:22  n1  link up  n2
22:13:21  n1  link down  n2: silent for 5 s
22:13:20  n1  link up  n2
Tab pane   arrows select   s sort   / filter   b bad links   ? help   q quit
)");
}
END_TEST

START_TEST(a_hundred_nodes_stay_readable) {
  recorded::Cluster told(100);
  told.kill(99, 100);
  told.lose(1, 2, "refused", "another secret");
  const Picture picture(told.read());
  const std::string small = screen({}, picture);
  has(small, " NOT WHOLE  main  99 of 100 nodes");
  has(small, "  2 n2   .\\....");
  has(small, "n1 -> n2 refused: another secret");
  has(small, "! n99 not reached: No route to host");
  const std::string large = screen({}, picture, 200, 60);
  has(large, ".b.\n");  // the column of n99 is in sight
  has(large, " 30 n30    alive     196/198");
  View view;
  press(view, picture, {Key::end});
  view.to = "n99";
  has(screen(view, picture), "100 n100 ");
  has(screen(view, picture), "n100 -> n99 backoff: No route to host");
  View bad;
  type(bad, picture, "b");
  has(screen(bad, picture), "only the nodes with bad ones");
  has(screen(bad, picture), "         n1      n2      n99\n  1 n1   \\       R       b\n");
  press(bad, picture, {Key::end, Key::right, Key::right});
  same(bad.from + bad.to, "n99n99");
  // Not in the matrix, with so many.
  const std::string plain = to_plain(picture, fine, 0, ascii);
  has(plain, "99 n99    unreached");
  has(plain, "Links: 9701 up of 9900\n. up 9701  b backoff 99");
  has(plain, "\n! n99 not reached: No route to host\n! n1 -> n2 refused: another secret\n");
}
END_TEST

START_TEST(twelve_nodes_have_their_matrix_in_plain_text) {
  const Picture picture(recorded::Cluster(12).read());
  const std::string plain = to_plain(picture, fine, 0, ascii);
  has(plain, "whole  main  12 of 12 nodes");
  has(plain, "\n 2 n2  . 201us \\ ");
  has(plain, "10.0.0.12:9601\n");
  has_not(plain, "\n!");
  for (const int width : {80, 40, 10, 1}) {
    const std::string narrow = to_plain(picture, fine, width, ascii);
    has(narrow, "whole");
  }
  has(to_plain(picture, fine, 80, ascii), "\n 2 n2  .   \\   .");
}
END_TEST

START_TEST(keys_sort_filter_and_select) {
  const Picture picture(recorded::Cluster(12).read());
  View view;
  press(view, picture, {Key::back_tab});
  ck_assert(view.focus == Pane::nodes);
  has(screen(view, picture), ">- Nodes 12, by name -");
  type(view, picture, "sss");
  has(screen(view, picture), ">- Nodes 12, by sessions -");
  ck_assert_uint_eq(node_rows(view, picture).front(), 11);
  type(view, picture, "S");
  has(screen(view, picture), "by sessions, reversed");
  ck_assert_uint_eq(node_rows(view, picture).front(), 0);
  type(view, picture, "/N1");
  has(screen(view, picture), "filter: N1");
  has(screen(view, picture), "Nodes 4 of 12 with \"N1\"");
  press(view, picture, {Key::enter, Key::down, Key::down});
  ck_assert(!view.typing);
  same(view.node, "n11");
  has(screen(view, picture), "n11 alive, incarnation");
  press(view, picture, {Key::end});
  same(view.node, "n12");
  press(view, picture, {Key::escape});
  ck_assert(view.filter.empty());
  type(view, picture, "/xq");
  press(view, picture, {Key::erase, Key::erase, Key::erase, Key::escape});
  type(view, picture, "?");
  has(screen(view, picture), "Any key goes back.");
  type(view, picture, "x");
  ck_assert(!view.help);
  ck_assert(view.press({Key::character, 'r'}, &picture, 10) == peek::Wish::look);
  ck_assert(view.press({Key::character, 'q'}, &picture, 10) == peek::Wish::quit);
  ck_assert(view.press({Key::down}, nullptr, 10) == peek::Wish::none);
}
END_TEST

START_TEST(the_matrix_is_walked_and_findings_lead_there) {
  recorded::Cluster told(12);
  told.lose(7, 9, "down", "silent for 5 s");
  const Picture picture(told.read());
  View view;
  has(screen(view, picture), "n7 -> n9 down: silent for 5 s; ");
  press(view, picture, {Key::home, Key::left, Key::left});
  has(screen(view, picture), "n1 -> n7 up; round trip 107us; 0B waiting; 0 reconnects; accepted; messages");
  press(view, picture, {Key::page_down, Key::right});
  same(view.from + view.to, "n10n8");
  press(view, picture, {Key::tab});
  ck_assert(view.focus == Pane::findings);
  press(view, picture, {Key::down, Key::enter});
  ck_assert(view.focus == Pane::links);
  same(view.from + view.to, "n7n9");
}
END_TEST

START_TEST(help_fits_and_trouble_is_told) {
  View view;
  view.help = true;
  const peek::Grid help = draw(view, nullptr, fine, 80, 24, ascii);
  for (int y = 0; y < help.height(); ++y)
    has_not(help.line(y).substr(std::min<std::size_t>(help.line(y).size(), 79)), "~");
  has(help.text(), "Any key goes back.");
  has(draw({}, nullptr, {"h:1", "", "", "", 0}, 80, 24, ascii).text(), "looking at h:1 ...");
  const std::string dead = draw({}, nullptr, {"h:1", "", "h:1: Connection refused", "", 0}, 80, 24, ascii).text();
  has(dead, "h:1 does not answer\nh:1: Connection refused; trying on\n");
  const Picture picture(recorded::Cluster(3).read());
  const std::string old =
      draw({}, &picture, {"h:1", "h:1", "h:1: Connection refused", "", 12'000}, 80, 24, ascii).text();
  has(old, "says n1 at h:1, 12s ago\nh:1: Connection refused; trying on\n");
  const std::string other = draw({}, &picture, {"h:1", "g:1", "", "n2 at h:1: gone", 40}, 80, 24, ascii).text();
  has(other, "says n1 at g:1, just now\nn2 at h:1: gone\n");
}
END_TEST

START_TEST(colour_is_never_the_only_sign) {
  // Two screens of the same characters would be told apart by colour alone.
  recorded::Cluster well(3);
  recorded::Cluster ill(3);
  ill.lose(1, 2, "down", "");
  const Picture one(well.read());
  const Picture other(ill.read());
  const Picture draining([] {
    recorded::Cluster told(3);
    recorded::text(told.node(2), "stage", "draining");
    return told.read();
  }());
  for (const Pane pane : {Pane::nodes, Pane::links, Pane::findings, Pane::events}) {
    View view;
    view.focus = pane;
    ck_assert(screen(view, one) != screen(view, other));
    ck_assert(screen(view, one) != screen(view, draining));
  }
}
END_TEST

START_TEST(nothing_gets_through_to_the_terminal) {
  ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
  auto cluster = peek::parse_cluster(hostile());
  ck_assert(static_cast<bool>(cluster));
  const Picture evil(std::move(*cluster));
  const Picture many([] {
    recorded::Cluster told(40);
    told.kill(7, 40);
    return told.read();
  }());
  const peek::Status status{"127.0.0.1:9701", "127.0.0.1:9701", "trouble", "remark", 40};
  // Any size, any keys: a fixed storm of them.
  unsigned state = 1;
  const auto any = [&state](unsigned below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 16U) % below;
  };
  View view;
  for (int n = 0; n < 3000; ++n) {
    const Picture& picture = any(3) == 0 ? many : evil;
    const int width = static_cast<int>(any(8) == 0 ? any(250) : any(100));
    const int height = static_cast<int>(any(70));
    const auto key = static_cast<Key>(any(14));
    const char letters[] = "sSb/?gGhjklrn1";
    view.press({key, letters[any(sizeof letters - 1)]}, &picture, page_of(view, &picture, width, height));
    const peek::Grid grid = draw(view, &picture, status, width, height, peek::Marks(tool::Charset::utf8));
    bool safe = true;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) safe = safe && is_safe(grid.at(x, y).point);
    ck_assert_msg(safe, "%s", grid.text().c_str());
  }
  for (const std::string& text : {to_plain(evil, status, 0, ascii), check(evil.cluster).line})
    ck_assert(std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}
END_TEST

START_TEST(the_command_line) {
  static const struct {
    const char* sentence;
    std::vector<const char*> given;
    const char* mistake;
  } rows[] = {
      {"nothing", {}, ""},
      {"a node", {"--http", "[::1]:1", "--once"}, ""},
      {"a set", {"--redis=redis://h", "--cluster", "blue", "--check"}, ""},
      {"an unknown one", {"--frob"}, "unknown flag \"--frob\""},
      {"beside --help", {"--help", "--frob"}, "unknown flag \"--frob\""},
      {"a word", {"start"}, "expected flags, found \"start\""},
      {"no value", {"--http"}, "--http: expected HOST:PORT, found nothing"},
      {"no address", {"--http", "host"}, "--http: expected HOST:PORT, found \"host\""},
      {"both places", {"--http", "h:1", "--redis", "redis://h"}, "expected --http or --redis, not both"},
      {"a secret is not repeated",
       {"--redis", "redis://secret@h"},
       "--redis: expected redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"},
      {"a cluster of no set", {"--cluster", "blue"}, "--cluster: expected with --redis"},
      {"no cluster", {"--redis", "redis://h", "--cluster", "a}b"}, "--cluster: expected 1 to 64 of A-Z a-z 0-9 . _ -"},
      {"two forms", {"--once", "--check"}, "expected one of --once, --json and --check"},
      {"a value too many", {"--once=1"}, "--once: expected no value"},
      {"no file", {"--token-file", ""}, "--token-file: expected the name of a file"},
  };
  for (const auto& row : rows) {
    std::vector<const char*> words = {"cluster-peek"};
    words.insert(words.end(), row.given.begin(), row.given.end());
    const auto flags = peek::read_flags(static_cast<int>(words.size()), words.data());
    const std::string mistake = row.mistake;
    same(flags ? "" : flags.failure().text,
         mistake.empty() ? "" : "cluster-peek: " + mistake + "; see cluster-peek --help\n");
  }
  const char* const version[] = {"cluster-peek", "--version"};
  same(peek::read_flags(2, version).failure().text, "cluster-peek " CROSSTALK_VERSION "\n");
}
END_TEST

SUITE(three_nodes_at_80x24, a_hundred_nodes_stay_readable, twelve_nodes_have_their_matrix_in_plain_text,
      keys_sort_filter_and_select, the_matrix_is_walked_and_findings_lead_there, help_fits_and_trouble_is_told,
      colour_is_never_the_only_sign, nothing_gets_through_to_the_terminal, the_command_line)
