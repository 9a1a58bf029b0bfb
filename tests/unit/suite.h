// One test program: libcheck without ceremony.
//
//   START_TEST(adds) { ck_assert_int_eq(1 + 1, 2); } END_TEST
//   SUITE(adds, subtracts)
//
// A table is a static array of rows, each with a sentence; row_fails(sentence)
// names the row in what libcheck prints.
#pragma once

#include <check.h>

#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>

namespace suite {

// Both texts are printed where they differ. (libcheck's own comparison keeps a pointer into
// a temporary.)
inline void same(const char* sentence, std::string_view found, std::string_view wanted) {
  ck_assert_msg(found == wanted, "%s\nfound:\n%s\nwanted:\n%s", sentence, std::string(found).c_str(),
                std::string(wanted).c_str());
}
inline void same(std::string_view found, std::string_view wanted) { same("a text differs", found, wanted); }

// A test may wait for real events (a loop, a Redis); none needs half a minute.
inline constexpr double seconds_max = 30;

inline int run(const char* file, std::initializer_list<const TTest*> tests) {
  const std::string path = file;
  const std::string name = path.substr(path.rfind('/') + 1);
  Suite* suite = suite_create(name.c_str());
  TCase* tcase = tcase_create(name.c_str());
  tcase_set_timeout(tcase, seconds_max);
  for (const TTest* test : tests) tcase_add_test(tcase, test);
  suite_add_tcase(suite, tcase);
  SRunner* runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  const int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace suite

#define SUITE(...) \
  int main() { return suite::run(__FILE__, {__VA_ARGS__}); }
