// Ring, Numbered, Runs and Buffer against std::deque, std::map, std::set and std::string; chance, and Result.
#include "peer/ring.h"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "peer/buffer.h"
#include "peer/chance.h"
#include "peer/numbered.h"
#include "peer/result.h"
#include "peer/runs.h"
#include "tests/unit/suite.h"

namespace {

START_TEST(ring_is_a_queue) {
  peer::SeededChance chance(1);
  peer::Ring<std::string> ring;
  std::deque<std::string> model;
  for (int i = 0; i < 20'000; ++i) {
    // Grows for a while, shrinks for a while, so that the head goes round.
    const bool grows = (i / 500) % 2 == 0;
    if (chance.below(8) < (grows ? 5U : 3U) || model.empty()) {
      ring.push_back("a text too long to lie in place " + std::to_string(i));
      model.push_back(ring.back());
    } else {
      ring.pop_front();
      model.pop_front();
    }
    if (chance.below(5000) == 0) ring.clear(), model.clear();
    ck_assert_uint_eq(ring.size(), model.size());
    ck_assert(ring.empty() == model.empty());
    if (model.empty()) continue;
    const auto at = static_cast<std::size_t>(chance.below(model.size()));
    ck_assert(ring[at] == model[at] && ring.front() == model.front() && ring.back() == model.back());
  }
}
END_TEST

START_TEST(ring_frees_what_is_popped) {
  peer::Ring<std::shared_ptr<int>> ring;
  const auto thing = std::make_shared<int>(1);
  for (int i = 0; i < 20; ++i) ring.push_back(thing);
  ck_assert_int_eq(thing.use_count(), 21);
  for (int i = 0; i < 5; ++i) ring.pop_front();
  ck_assert_int_eq(thing.use_count(), 16);
  ring.truncate(3);
  ck_assert(ring.size() == 3 && thing.use_count() == 4);
  ring.clear();
  ck_assert_int_eq(thing.use_count(), 1);
  ring.push_back(thing);
  ck_assert_uint_eq(ring.size(), 1);
}
END_TEST

START_TEST(numbered_is_a_map) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    peer::SeededChance chance(seed);
    peer::Numbered<std::string> numbered;
    std::map<peer::Seq, std::string> model;
    peer::Seq last = 0;
    for (int i = 0; i < 20'000; ++i) {
      const bool grows = (i / 2000) % 2 == 0;
      const peer::Seq any = last - std::min<peer::Seq>(last, chance.below(chance.below(8) == 0 ? last + 1 : 40));
      if (chance.below(10) < (grows ? 7U : 3U)) {
        last += chance.below(20) == 0 ? chance.below(1000) + 1 : 1;  // a gap at times
        numbered.put(last, std::to_string(last));
        model[last] = std::to_string(last);
      } else if (const auto at = model.lower_bound(any); at != model.end() && (at->first % 97 != 0 || !grows)) {
        numbered.take_out(numbered.place(at->first));
        model.erase(at);
      }
      if (chance.below(9000) == 0) numbered.clear(), model.clear();
      const auto held = model.find(any);
      const auto next = model.lower_bound(any);
      const std::string* const found = numbered.find(any);
      const bool same = numbered.size() == model.size() && numbered.empty() == model.empty() &&
                        (found != nullptr) == (held != model.end()) && (found == nullptr || *found == held->second) &&
                        numbered.next(any, 7) == (next == model.end() ? 7 : next->first) &&
                        numbered.first(7) == (model.empty() ? 7 : model.begin()->first);
      if (!same) ck_abort_msg("seed %d, step %d", static_cast<int>(seed), i);
    }
  }
}
END_TEST

START_TEST(buffer_is_a_string_with_two_ends) {
  peer::SeededChance chance(2);
  peer::Buffer buffer;
  std::string model;
  for (int i = 0; i < 5'000; ++i) {
    const auto n = static_cast<std::size_t>(chance.below(chance.below(16) == 0 ? 100'000 : 300));
    const bool grows = (i / 200) % 2 == 0;
    if (chance.below(8) < (grows ? 5U : 2U)) {
      const std::string more(n, static_cast<char>('a' + i % 26));
      switch (chance.below(3)) {
        case 0: buffer.append(more); break;
        case 1: std::copy(more.begin(), more.end(), buffer.grow(n)); break;
        default:
          for (const char c : more) buffer.push_back(c);
      }
      model += more;
    } else {
      const std::size_t used = std::min(n, model.size());
      buffer.consume(used);
      model.erase(0, used);
    }
    if (model.size() > 2'000'000) buffer.clear(), model.clear();
    if (chance.below(2000) == 0) {
      peer::Buffer other;
      other.append("left");
      other.swap(buffer);
      ck_assert(other.view() == model && buffer.view() == "left");
      buffer.swap(other);
    }
    ck_assert_uint_eq(buffer.size(), model.size());
    if (i % 64 == 0) ck_assert(buffer.view() == model);
  }
  buffer.release();
  ck_assert(buffer.empty() && buffer.view().empty());
}
END_TEST

START_TEST(runs_are_a_set) {
  peer::SeededChance chance(5);
  for (int round = 0; round < 200; ++round) {
    peer::Runs runs(100);
    std::set<peer::Seq> model;
    for (int i = 0; i < 40; ++i) {
      const peer::Seq first = chance.below(200);
      const peer::Seq end = first + chance.below(6);
      runs.add(first, end);
      for (peer::Seq seq = first; seq < end; ++seq) model.insert(seq);
    }
    std::size_t count = 0;
    for (peer::Seq seq = 0; seq < 210; ++seq) {
      ck_assert(runs.contains(seq) == model.contains(seq));
      count += model.contains(seq) && !model.contains(seq + 1);
    }
    ck_assert_uint_eq(runs.runs(), count);
  }
  peer::Runs few(2);
  for (const peer::Seq seq : {1U, 3U, 5U}) few.add(seq, seq + 1);
  ck_assert_msg(!few.contains(1) && few.contains(3) && few.contains(5), "the lowest is forgotten");
}
END_TEST

START_TEST(chance_below) {
  peer::SeededChance chance(3);
  peer::SeededChance same(3);
  int counts[7] = {};
  for (int i = 0; i < 7000; ++i) {
    const std::uint64_t n = chance.below(7);
    ck_assert_uint_lt(n, 7);
    ck_assert_uint_eq(n, same.below(7));
    ++counts[n];
  }
  for (const int count : counts) ck_assert_int_gt(count, 800);
  ck_assert_uint_eq(chance.below(1), 0);
}
END_TEST

START_TEST(a_result_is_a_value_or_a_sentence) {
  const peer::Result<std::string> good(std::string("value"));
  ck_assert(good && *good == "value" && good->size() == 5);
  const peer::Result<std::string> bad(peer::Failure{"there is none"});
  ck_assert(!bad && bad.why() == "there is none");
}
END_TEST

}  // namespace

SUITE(ring_is_a_queue, ring_frees_what_is_popped, numbered_is_a_map, buffer_is_a_string_with_two_ends, runs_are_a_set,
      chance_below, a_result_is_a_value_or_a_sentence)
