#include "src/chat/seen.h"

#include <string>

#include "src/chat/wakes.h"
#include "tests/unit/suite.h"

namespace {

using namespace std::chrono_literals;
using chat::End;
using chat::Seen;

chat::Origin origin(const Seen& seen, std::uint64_t user, const std::string& id) {
  chat::Origin origin;
  origin.peer = 3;
  origin.seq = 17;
  origin.user = user;
  origin.key = seen.key(user, "\"alice\"", id);
  return origin;
}

START_TEST(a_key_names_one_chat) {
  const Seen seen({1, 2});
  const std::uint64_t key = seen.key(7, "\"a\"", "\"1\"");
  ck_assert(key != 0 && key == seen.key(7, "\"a\"", "\"1\""));
  ck_assert_msg(key != seen.key(8, "\"a\"", "\"1\""), "another recipient");
  ck_assert_msg(key != seen.key(7, "\"b\"", "\"1\""), "another sender");
  ck_assert_msg(key != seen.key(7, "\"a\"", "\"2\""), "another id");
  ck_assert_msg(key != seen.key(7, "\"a\"1", "\"\""), "cut elsewhere");
  ck_assert_msg(key != Seen({1, 3}).key(7, "\"a\"", "\"1\""), "another process");
}
END_TEST

START_TEST(from_pending_to_its_end) {
  const struct {
    const char* sentence;
    End end;
    bool known;
    Seen::Mark::State state;
  } rows[] = {
      {"delivered", End::delivered, true, Seen::Mark::State::delivered},
      {"written", End::written, true, Seen::Mark::State::written},
      {"not written: it may come again", End::unwritten, false, Seen::Mark::State::pending},
      {"not confirmed: it may come again", End::unread, false, Seen::Mark::State::pending},
  };
  for (const auto& row : rows) {
    Seen seen({1, 2});
    const chat::Origin chat = origin(seen, 7, "\"1\"");
    ck_assert(seen.find(chat.key, 5, false) == nullptr);
    seen.note(chat, 5, 1s);
    ck_assert(seen.find(chat.key, 5, false)->state == Seen::Mark::State::pending);
    ck_assert(seen.find(chat.key, 5, false)->peer == 3 && seen.find(chat.key, 5, false)->seq == 17);
    seen.settle(chat, row.end);
    ck_assert_msg((seen.find(chat.key, 5, false) != nullptr) == row.known, "%s", row.sentence);
    if (row.known) ck_assert_msg(seen.find(chat.key, 5, false)->state == row.state, "%s", row.sentence);
    seen.settle(origin(seen, 7, "unknown"), row.end);
  }
}
END_TEST

START_TEST(ten_minutes) {
  Seen seen({1, 2});
  const chat::Origin first = origin(seen, 7, "\"1\"");
  seen.note(first, 5, 100s);
  seen.sweep(699s);
  ck_assert(seen.find(first.key, 5, false) != nullptr);
  seen.sweep(760s);
  ck_assert(seen.find(first.key, 5, false) == nullptr && seen.size() == 0);
}
END_TEST

START_TEST(so_many_ids_a_recipient) {
  Seen seen({1, 2});
  const chat::Origin other = origin(seen, 8, "\"0\"");
  seen.note(other, 5, 1s);
  for (std::size_t n = 0; n < Seen::each_max + 10; ++n) seen.note(origin(seen, 7, std::to_string(n)), 5, 1s);
  ck_assert_uint_eq(seen.size(), Seen::each_max + 1);
  ck_assert(seen.find(origin(seen, 7, "9").key, 5, false) == nullptr &&
            seen.find(origin(seen, 7, "10").key, 5, false) != nullptr);
  ck_assert_msg(seen.find(other.key, 5, false) != nullptr, "another recipient's are not touched");
}
END_TEST

START_TEST(so_many_in_all) {
  Seen seen({1, 2});
  for (std::uint64_t user = 0; seen.size() < Seen::all_max; ++user)
    for (std::size_t n = 0; n < Seen::each_max; ++n) seen.note(origin(seen, user, std::to_string(n)), 5, 1s);
  const std::size_t full = seen.size();
  seen.note(origin(seen, 1, "new"), 5, 1s);
  ck_assert_msg(seen.find(origin(seen, 1, "new").key, 5, false) != nullptr,
                "in the place of the recipient's own oldest");
  ck_assert(seen.find(origin(seen, 1, "0").key, 5, false) == nullptr);
  seen.note(origin(seen, 999'999, "new"), 5, 1s);
  ck_assert_msg(seen.find(origin(seen, 999'999, "new").key, 5, false) == nullptr, "who has none is not remembered");
  ck_assert_uint_eq(seen.size(), full);
}
END_TEST

START_TEST(an_id_that_is_used_for_something_else) {
  Seen seen({1, 2});
  chat::Origin chat = origin(seen, 7, "\"1\"");
  seen.note(chat, 5, 1s);
  ck_assert_msg(seen.find(chat.key, 6, false) == nullptr, "is another chat");
  ck_assert_msg(seen.find(chat.key, 6, true) != nullptr, "unless it is said to be the same");
  chat::Origin other = chat;
  other.seq = 18;
  seen.note(other, 6, 1s);
  seen.settle(chat, End::written);
  ck_assert_msg(seen.find(other.key, 6, false)->state == Seen::Mark::State::pending, "its end is its own");
}
END_TEST

START_TEST(what_a_line_says) {
  const auto said = [](const std::string& content, const std::string& id, const std::string& ts) {
    const std::string line =
        R"({"cmd":"chat","send":"a","recv":"b","content":)" + content + R"(,"id":)" + id + R"(,"ts":)" + ts + "}\n";
    return Seen::said(line, "\"a\"", id);
  };
  ck_assert_msg(said("\"hi\"", "\"1\"", "7") == said("\"hi\"", "\"1\"", "8"), "not the time");
  ck_assert(said("\"hi\"", "\"1\"", "7") != said("\"ho\"", "\"1\"", "7"));
  ck_assert(said("\"1\"", "\"1\"", "7") != said("\"2\"", "\"1\"", "7"));
  Seen::said("short\n", "\"a\"", "\"1\"");  // what nobody has checked
}
END_TEST

// What was forgotten for its end and came again is not forgotten with the first.
START_TEST(noted_again) {
  Seen seen({1, 2});
  const chat::Origin chat = origin(seen, 7, "\"1\"");
  seen.note(chat, 5, 100s);
  seen.settle(chat, End::unread);
  seen.note(chat, 5, 600s);
  seen.sweep(760s);
  ck_assert(seen.find(chat.key, 5, false) != nullptr);
}
END_TEST

START_TEST(for_whom_was_stored) {
  chat::Wakes wakes;
  ck_assert(wakes.empty() && !wakes.due(7, 1));
  wakes.note(7, "bob", 1s);
  ck_assert(wakes.known(7) && !wakes.known(8) && !wakes.due(8, 1));
  ck_assert(wakes.due(7, 1) && !wakes.due(7, 1));
  ck_assert_msg(wakes.due(7, 2), "another node");
  wakes.note(7, "bob", 2s);
  ck_assert_msg(wakes.due(7, 2), "something new");
  const auto none = [](std::uint64_t) { return false; };
  wakes.sweep(31'999ms, none);
  ck_assert(wakes.known(7));
  wakes.sweep(40s, [](std::uint64_t user) { return user == 7; });
  ck_assert(wakes.known(7));
  wakes.sweep(40s, none);
  ck_assert(wakes.empty());
}
END_TEST

}  // namespace

SUITE(a_key_names_one_chat, from_pending_to_its_end, ten_minutes, so_many_ids_a_recipient, so_many_in_all,
      an_id_that_is_used_for_something_else, what_a_line_says, noted_again, for_whom_was_stored)
