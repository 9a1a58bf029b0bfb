// Mailboxes in a real Redis: what goes in comes out, in order, once.
#include "src/node/mail_store.h"

#include <chrono>

#include "tests/unit/mailboxes.h"
#include "tests/unit/suite.h"

namespace {

START_TEST(what_goes_in_comes_out_in_order) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  const chat::Via via{static_cast<peer::Incarnation>(0xfedcba9876543210U), static_cast<peer::Incarnation>(7),
                      1U << 20U};
  const std::string second = line_of("two");
  box.append("one");
  box.append_mail({"bob", second, "\"a\"", "\"id 2\"", true, via});
  const std::uint64_t last = box.append("three", "\"id 3\"");
  ck_assert(box.stored(last) == Stored::yes);
  ck_assert_uint_eq(box.answers.size(), 3);

  const Page page = box.taken(box.take());
  ck_assert(page.ok && !page.more && page.waiting == 3);
  same(page.said(), "one two three");
  const Letter& one = page.letters[0];
  ck_assert(one.sender.empty() && one.id.empty() && !one.may_repeat && one.via.seq == 0);
  const Letter& two = page.letters[1];
  ck_assert(two.line == second && two.sender == "\"a\"" && two.id == "\"id 2\"" && two.may_repeat);
  ck_assert(two.via.from == via.from && two.via.to == via.to && two.via.seq == via.seq);
  ck_assert(one.at < two.at && two.at < page.letters[2].at);

  // The middle one first: they need not go in order.
  box.store->remove("bob", two.at);
  same(box.taken(box.take()).said(), "one* three*");
  box.store->remove("bob", two.at);
  box.store->remove("bob", one.at);
  box.store->remove("bob", page.letters[2].at);
  box.until_idle();
  ck_assert_msg(!visitor.has(bobs), "an empty mailbox stays");
}
END_TEST

START_TEST(pages_follow_each_other) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  box.until_up();
  for (int i = 0; i < 200; ++i) box.append(std::to_string(i), "\"" + std::to_string(i) + "\"");
  const struct {
    std::size_t entries;
    std::size_t waiting;
    bool more;
  } rows[] = {{64, 200, true}, {64, 136, true}, {64, 72, true}, {8, 8, false}, {0, 0, false}};
  EntryId after;
  int next = 0;
  for (const auto& row : rows) {
    const Page page = box.taken(box.take(after));
    ck_assert_uint_eq(page.letters.size(), row.entries);
    ck_assert_uint_eq(page.waiting, row.waiting);
    ck_assert_int_eq(page.more, row.more);
    for (const Letter& letter : page.letters) ck_assert(letter.line == line_of(std::to_string(next++)));
    if (row.entries > 0) after = page.letters.back().at;
  }
}
END_TEST

START_TEST(pages_are_bounded_in_bytes) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  box.until_up();
  for (const std::size_t size : {100'000U, 100'000U, 100'000U, 900'000U, 10U}) box.append(std::string(size, 'x'));
  EntryId after;
  for (const std::size_t entries : {2U, 1U, 1U, 1U}) {
    const Page page = box.taken(box.take(after));
    ck_assert_uint_eq(page.letters.size(), entries);
    ck_assert_int_eq(page.more, page.letters.back().line.size() > 100);
    after = page.letters.back().at;
  }
}
END_TEST

START_TEST(the_same_chat_is_stored_once) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  box.until_up();
  box.append("first", "\"1\"");
  box.append("again", "\"1\"");  // in the same command
  box.append("nameless");
  ck_assert(box.stored(box.append("nameless")) == Stored::yes);
  ck_assert(box.stored(box.append("again", "\"1\"")) == Stored::yes);
  box.append("of another", "\"1\"", "bob", "\"c\"");
  box.append("to another", "\"1\"", "carl");
  const Page page = box.taken(box.take());
  same(page.said(), "first nameless nameless of another");

  // Once it has left it may come again, in the very same turn.
  box.store->remove("bob", page.letters[0].at);
  box.append("once more", "\"1\"");
  box.append("and not again", "\"1\"");
  same(box.taken(box.take()).said(), "nameless* nameless* of another* once more");
  same(box.taken(box.take({}, "carl")).said(), "to another");
}
END_TEST

START_TEST(what_was_seen_elsewhere_is_marked) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  const auto mark = [&box](const char* id, const char* sender = "\"a\"") { box.store->mark("bob", sender, id); };
  mark("\"1\"");
  box.until_idle();
  ck_assert_msg(!visitor.has(bobs), "a mark makes no mailbox");
  box.append("nameless");
  for (const char* id : {"\"1\"", "\"2\"", "\"3\""}) box.append(std::string(id).substr(1, 1), id);
  mark("\"2\"");
  mark("\"2\"");
  mark("\"4\"");
  mark("\"1\"", "\"c\"");
  const Page first = box.taken(box.take());
  same(first.said(), "nameless 1 2* 3");
  ck_assert_msg(!first.letters[2].may_repeat, "as it was stored");

  // It ends with its entry, and takes nobody's name.
  box.store->remove("bob", first.letters[2].at);
  box.append("4", "\"4\"");
  box.append("new 2", "\"2\"");
  same(box.taken(box.take(first.letters[3].at)).said(), "4 new 2");
  for (const Letter& letter : box.drained()) box.store->remove("bob", letter.at);
  box.until_idle();
  ck_assert(!visitor.has(bobs));
}
END_TEST

START_TEST(a_full_mailbox_says_so) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server, {2, Mailboxes::usual.ttl});
  Visitor visitor(run, server);
  box.until_up();
  box.append("1", "\"1\"");
  box.append("2");
  const std::uint64_t third = box.append("3", "\"3\"");
  const std::uint64_t nameless = box.append("4");
  const std::uint64_t again = box.append("1", "\"1\"");
  ck_assert(box.stored(again) == Stored::yes);
  ck_assert(box.stored(third) == Stored::full);
  ck_assert(box.stored(nameless) == Stored::full);
  const Page page = box.taken(box.take());
  same(page.said(), "1 2");
  box.store->remove("bob", page.letters[0].at);
  ck_assert(box.stored(box.append("3", "\"3\"")) == Stored::yes);
  ck_assert(box.stored(box.append("1", "\"1\"")) == Stored::full);
  same(box.taken(box.take()).said(), "2* 3");
}
END_TEST

START_TEST(what_is_too_old_is_gone) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  for (int i = 1; i <= 250; ++i) visitor.write("5-" + std::to_string(i), "old", "\"" + std::to_string(i) + "\"");
  // Its name is free again, though it is far from the oldest.
  ck_assert(box.stored(box.append("new", "\"240\"")) == Stored::yes);
  const long ttl = std::stol(visitor.ask({"PTTL", bobs}));
  ck_assert(ttl > 604'000'000 && ttl <= 604'800'000);
  Page page = box.taken(box.take());
  same(page.said(), "new");
  ck_assert_uint_eq(page.waiting, 1);
  box.store->remove("bob", page.letters[0].at);
  box.until_idle();
  ck_assert(!visitor.has(bobs));

  // A take clears away as much as there is.
  for (int i = 1; i <= 250; ++i) visitor.write("5-" + std::to_string(i), "old", "\"" + std::to_string(i) + "\"");
  page = box.taken(box.take());
  ck_assert(page.ok && page.letters.empty() && !page.more && page.waiting == 0);
  ck_assert(!visitor.has(bobs));

  // And each append a little, so that a mailbox full of them takes new ones.
  Mailboxes small(run, server, {20, Mailboxes::usual.ttl});
  small.until_up();
  for (int i = 1; i <= 20; ++i) visitor.write("5-" + std::to_string(i), "old", "\"" + std::to_string(i) + "\"");
  ck_assert(small.stored(small.append("new", "\"1\"")) == Stored::yes);
  same(visitor.ask({"XINFO", "GROUPS", bobs}).substr(0, 22), "name taken consumers 5");
}
END_TEST

START_TEST(what_was_taken_is_marked) {
  Running run;
  PrivateRedis server;
  Mailboxes one(run, server);
  Mailboxes two(run, server, Mailboxes::usual, "n2");
  one.until_up();
  two.until_up();
  for (const char* content : {"1", "2", "3"}) ck_assert(one.stored(one.append(content)) == Stored::yes);
  const Page first = one.taken(one.take());
  same(first.said(), "1 2 3");
  ck_assert(one.stored(one.append("4")) == Stored::yes);
  same(two.taken(two.take({first.letters[0].at})).said(), "2* 3* 4");
  same(one.taken(one.take()).said(), "1* 2* 3* 4*");

  // Of a page, only what was handed out.
  for (int i = 0; i < 70; ++i) one.append("x", "", "carl");
  two.until_idle();
  one.until_idle();
  static_cast<void>(one.taken(one.take({}, "carl")));
  const std::vector<Letter> all = two.drained("carl");
  ck_assert_uint_eq(all.size(), 70);
  for (std::size_t i = 0; i < all.size(); ++i) ck_assert_int_eq(all[i].taken, i < 64);
  // To look at the first of them once more does not move the mark back.
  static_cast<void>(one.taken(one.take({}, "carl")));
  ck_assert(two.drained("carl").back().taken);
}
END_TEST

START_TEST(who_has_no_mailbox_gets_none) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  const Page page = box.taken(box.take());
  ck_assert(page.ok && page.waiting == 0 && !page.more && page.letters.empty());
  box.store->remove("bob", {5, 1});
  box.until_idle();
  same(visitor.ask({"DBSIZE"}), "0");
}
END_TEST

START_TEST(nodes_wake_each_other) {
  Running run;
  PrivateRedis server;
  Mailboxes one(run, server);
  Mailboxes two(run, server, Mailboxes::usual, "n2");
  Visitor visitor(run, server);
  one.until_up();
  two.until_up();
  one.store->wake("n2", "bob");
  one.store->wake("n2", "b\xc3\xb6rn");
  one.store->wake("n1", "carl");
  one.store->wake("n2", "dora");
  run.until("both are woken", [&] { return one.wakes.size() == 1 && two.wakes.size() == 3; });
  same(one.wakes[0], "carl");
  ck_assert(two.wakes == std::vector<std::string>({"bob", "b\xc3\xb6rn", "dora"}));
  visitor.ask({"PUBLISH", "crosstalk:{main}:wake:n1", "  a  b\x01 \xff " + std::string(65, 'x') + " c "});
  run.until("it is woken", [&] { return one.wakes.size() == 3; });
  ck_assert(one.wakes == std::vector<std::string>({"carl", "a", "c"}));
}
END_TEST

START_TEST(a_turn_keeps_its_order) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  box.until_up();
  box.append("1", "\"1\"");
  const Page before = box.taken(box.take());
  const std::uint64_t empty = box.take(before.letters[0].at);
  box.append("2", "\"2\"");
  const std::uint64_t one = box.take(before.letters[0].at);
  box.append("3", "\"3\"");
  box.store->remove("bob", before.letters[0].at);
  const std::uint64_t all = box.take();
  same(box.taken(all).said(), "2* 3");
  same(box.taken(one).said(), "2");
  same(box.taken(empty).said(), "");
}
END_TEST

START_TEST(a_look_does_not_wait_behind_a_crowd) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  box.until_up();
  ck_assert(box.stored(box.append("0", "", "carl")) == Stored::yes);
  const Page first = box.taken(box.take({}, "carl"));
  const std::uint64_t chats = 4000;
  for (std::uint64_t i = 0; i < chats; ++i) box.append(std::to_string(i));
  box.store->remove("carl", first.letters[0].at);
  const std::uint64_t carls = box.take({}, "carl");
  const std::uint64_t bobs_own = box.take();
  same(box.taken(carls).said(), "");
  ck_assert_msg(box.taken(bobs_own).ok, "he is told what is there by now");
  ck_assert_msg(box.answers.size() < chats, "%zu were stored before", box.answers.size());
  run.until("all are stored", [&] { return box.answers.size() == chats + 1; });
  int next = 0;
  for (const Letter& letter : box.drained()) same(letter.line, line_of(std::to_string(next++)));
  ck_assert_int_eq(next, 1000);
}
END_TEST

START_TEST(names_and_lines_of_any_kind) {
  const struct {
    const char* sentence;
    std::string user;
    std::string sender;
    std::string id;
    std::string content;
  } rows[] = {
      {"plain", "bob", "\"alice\"", "\"1\"", "hello"},
      {"Chinese", "\xe5\xb0\x8f\xe6\x98\x8e", "\"\xe9\x98\xbf\"", "\"\xe4\xb8\x80\"", "\xe4\xbd\xa0\xe5\xa5\xbd"},
      {"quotes and backslashes", "b\"o\\b", "\"a\\\"\\\\\"", "\"\\\"\"", "\\\"\\n\\u0000"},
      {"what Redis and Lua give a meaning", "{b}*?[x]:$1%s", "\"'..]]--\"", "\"%d %s\"", "]] .. '\\r\\n' %x"},
      {"a space in an id", "carl", "\"a\"", "\"b c\"", "x"},
      {"bytes above ASCII", "\xc3\xa9\xc3\xa9", "\"\xf0\x9f\x98\x80\"", "\"\xc2\xa0\"", "\x7f\xc2\x80\xef\xbf\xbf"},
      {"a name of 64 bytes and an id of 128", std::string(64, 'n'), "\"" + std::string(64, 's') + "\"",
       "\"" + std::string(128, 'i') + "\"", std::string(65'536, 'x')},
  };
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  for (const auto& row : rows) {
    for (int i = 0; i < 2; ++i) box.append(row.content, row.id, row.user, row.sender);
    const std::vector<Letter> letters = box.drained(row.user);
    ck_assert_msg(letters.size() == 1, "%s: not once", row.sentence);
    ck_assert_msg(letters[0].line == line_of(row.content), "%s: another line", row.sentence);
    ck_assert_msg(letters[0].sender == row.sender && letters[0].id == row.id, "%s: another name", row.sentence);
    ck_assert_msg(visitor.has("crosstalk:{main}:mail:" + row.user), "%s: another key", row.sentence);
    box.store->remove(row.user, letters[0].at);
  }
  box.until_idle();
  same(visitor.ask({"DBSIZE"}), "0");
}
END_TEST

// What stands in a mailbox goes to a client as it is.
START_TEST(foreign_entries_are_removed) {
  const struct {
    const char* sentence;
    std::vector<std::string> fields;
  } rows[] = {
      {"no line", {"text", "hello"}},
      {"an empty line", {"line", ""}},
      {"no object", {"line", "hello\n"}},
      {"no end", {"line", "{}"}},
      {"two lines", {"line", "{}\n{}\n"}},
      {"a sender without an id", {"line", "{}\n", "sender", "\"a\""}},
      {"an id without a sender", {"line", "{}\n", "id", "\"a\""}},
      {"a sender too long", {"line", "{}\n", "sender", std::string(256, 'a'), "id", "\"1\""}},
      {"a via that is none", {"line", "{}\n", "via", "1:2"}},
      {"a line too long", {"line", "{" + std::string(3'000'000, 'x') + "}\n"}},
  };
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  for (const auto& row : rows) {
    std::vector<std::string> add{"XADD", bobs, "*"};
    add.insert(add.end(), row.fields.begin(), row.fields.end());
    visitor.ask(add);
    const Page alone = box.taken(box.take());
    ck_assert_msg(alone.ok && alone.letters.empty() && alone.waiting == 0, "%s: taken", row.sentence);
    ck_assert_msg(!visitor.has(bobs), "%s: not removed", row.sentence);
    box.append("1", "\"1\"");
    ck_assert(box.stored(box.append("2", "\"2\"")) == Stored::yes);
    visitor.ask(add);
    ck_assert(box.stored(box.append("3", "\"3\"")) == Stored::yes);
    const std::vector<Letter> letters = box.drained();
    ck_assert_msg(letters.size() == 3, "%s: hurts others", row.sentence);
    for (const Letter& letter : letters) box.store->remove("bob", letter.at);
  }
  box.until_idle();
  for (int i = 0; i < 350; ++i) visitor.ask({"XADD", bobs, "*", "line", "x"});
  ck_assert(box.drained().empty());
  ck_assert(!visitor.has(bobs));
  // Foreign, but as good as one of ours.
  visitor.ask({"XADD", bobs, "*", "line", "{}\n", "via", "ffffffffffffffffff:1:2", "x", "y"});
  ck_assert_uint_eq(box.drained().size(), 1);
}
END_TEST

START_TEST(a_key_that_is_no_mailbox) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  visitor.ask({"SET", bobs, "hello"});
  const std::uint64_t refused = box.append("1", "\"1\"");
  const std::uint64_t beside = box.append("1", "\"1\"", "carl");
  const std::uint64_t read = box.take();
  box.store->remove("bob", {5, 1});
  const Page nothing = box.taken(read);
  ck_assert(nothing.ok && nothing.waiting == 0 && nothing.letters.empty());
  ck_assert(box.stored(refused) == Stored::unavailable);
  ck_assert_msg(box.stored(beside) == Stored::yes, "one broken mailbox hurts another");
  box.until_idle();
  same(visitor.ask({"GET", bobs}), "hello");
}
END_TEST

START_TEST(much_in_a_turn_is_bounded) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  box.until_up();
  const std::string content(65'536, 'x');
  for (int i = 0; i < 300; ++i) box.append(content, "", "u" + std::to_string(i));
  run.until("all are answered", [&] { return box.answers.size() == 300; });
  const std::size_t fit = node::MailStore::waiting_bytes_max / line_of(content).size();
  for (const auto& [token, how] : box.answers)
    ck_assert_msg(how == (token <= fit ? Stored::yes : Stored::unavailable), "the %zuth", std::size_t{token});
  ck_assert_msg(box.stored(box.append(content)) == Stored::yes, "there is room again");
}
END_TEST

// How long it takes Redis is printed, not judged: other programs may keep both
// cores busy.
START_TEST(a_thousand_in_and_out) {
  Running run;
  PrivateRedis server;
  Mailboxes box(run, server);
  Visitor visitor(run, server);
  box.until_up();
  visitor.ask({"CONFIG", "RESETSTAT"});
  const auto redis_us = [&visitor] {
    const std::string stats = visitor.ask({"INFO", "commandstats"});
    long sum = 0;
    for (const char* command : {"cmdstat_eval:", "cmdstat_evalsha:"})
      if (const std::size_t at = stats.find(command); at != std::string::npos)
        sum += std::stol(stats.substr(stats.find("usec=", at) + 5));
    return sum;
  };
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) box.append(std::string(80, 'x'), "\"" + std::to_string(i) + "\"");
  run.until("all are stored", [&] { return box.answers.size() == 1000; });
  for (const auto& [token, how] : box.answers) ck_assert(how == Stored::yes);
  const long in_us = redis_us();
  std::size_t n = 0;
  EntryId after;
  for (bool more = true; more;) {
    const Page page = box.taken(box.take(after));
    for (const Letter& letter : page.letters) {
      ck_assert(letter.id == "\"" + std::to_string(n++) + "\"");
      box.store->remove("bob", after = letter.at);
    }
    more = page.more;
  }
  ck_assert_uint_eq(n, 1000);
  box.until_idle();
  ck_assert(!visitor.has(bobs));
  const auto all = std::chrono::steady_clock::now() - start;
  std::printf("1000 chats: Redis worked %ld us to store and %ld us to hand out and remove them; %ld ms in all\n", in_us,
              redis_us() - in_us, static_cast<long>(all / std::chrono::milliseconds(1)));
}
END_TEST

}  // namespace

SUITE(what_goes_in_comes_out_in_order, pages_follow_each_other, pages_are_bounded_in_bytes,
      the_same_chat_is_stored_once, what_was_seen_elsewhere_is_marked, a_full_mailbox_says_so, what_is_too_old_is_gone,
      what_was_taken_is_marked, who_has_no_mailbox_gets_none, nodes_wake_each_other, a_turn_keeps_its_order,
      a_look_does_not_wait_behind_a_crowd, names_and_lines_of_any_kind, foreign_entries_are_removed,
      a_key_that_is_no_mailbox, much_in_a_turn_is_bounded, a_thousand_in_and_out)
