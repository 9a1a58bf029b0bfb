#include "tools/bench/arrivals.h"

#include <string>
#include <vector>

#include "tests/unit/suite.h"
#include "tools/bench/stamp.h"

START_TEST(judges_what_comes) {
  const struct {
    const char* sentence;
    std::vector<std::uint32_t> numbers;
    std::uint64_t once;
    std::uint64_t doubled;
    std::uint64_t reordered;
  } rows[] = {
      {"in order", {0, 1, 2, 3}, 4, 0, 0},
      {"one is missing", {0, 2, 3}, 3, 0, 0},
      {"one is late", {0, 2, 1, 3}, 4, 0, 1},
      {"one comes twice", {0, 1, 1, 2}, 3, 1, 0},
      {"one comes twice, much later", {0, 1, 2, 3, 0}, 4, 1, 0},
      {"the late one comes twice", {0, 2, 1, 1}, 3, 1, 1},
      {"a gap is filled from behind", {3, 2, 1, 0}, 4, 0, 3},
      {"a gap is filled in the middle", {0, 4, 2, 3, 1}, 5, 0, 3},
      {"two gaps", {0, 2, 4, 3, 1, 3}, 5, 1, 2},
  };
  for (const auto& row : rows) {
    bench::Arrivals arrivals;
    std::uint64_t once = 0;
    for (const std::uint32_t number : row.numbers) once += arrivals.note(number) ? 1 : 0;
    ck_assert_msg(once == row.once, "%s: %d came", row.sentence, static_cast<int>(once));
    ck_assert_msg(arrivals.doubled() == row.doubled, "%s: doubled", row.sentence);
    ck_assert_msg(arrivals.reordered() == row.reordered, "%s: reordered", row.sentence);
  }
}
END_TEST

START_TEST(begins_where_it_is_told) {
  bench::Arrivals arrivals(7);
  ck_assert(arrivals.note(7));
  ck_assert(!arrivals.note(6));
  ck_assert_uint_eq(arrivals.doubled(), 1);
}
END_TEST

START_TEST(forgets_the_oldest_gap_when_there_are_too_many) {
  bench::Arrivals arrivals;
  for (std::uint32_t i = 0; i <= 1024; ++i) ck_assert(arrivals.note(2 * i + 1));
  ck_assert_msg(!arrivals.note(0), "the oldest is given up");
  ck_assert_msg(arrivals.note(2), "the next is not");
}
END_TEST

START_TEST(a_stamp_comes_back) {
  std::string payload = bench::blank_payload(128);
  ck_assert_uint_eq(payload.size(), 128);
  bench::write_stamp(payload.data(), {0x0123456789abcdef, 0xfedcba98});
  const auto stamp = bench::read_stamp(payload);
  ck_assert(stamp && stamp->due == 0x0123456789abcdef && stamp->number == 0xfedcba98);
}
END_TEST

START_TEST(what_is_no_stamp_is_none) {
  for (const std::string text : {"", "0123", "hello, how are you, and what is new?", "0123456789abcdef0123456x"})
    ck_assert_msg(!bench::read_stamp(text), "%s", text.c_str());
  ck_assert_uint_eq(bench::blank_payload(1).size(), bench::stamp_bytes);
}
END_TEST

SUITE(judges_what_comes, begins_where_it_is_told, forgets_the_oldest_gap_when_there_are_too_many, a_stamp_comes_back,
      what_is_no_stamp_is_none)
