// Who is let in.
#include "src/client/admission.h"

#include <string>

#include "tests/unit/suite.h"

namespace {

using client::Admission;
using client::Code;

}  // namespace

START_TEST(no_limits) {
  Admission admission({});
  ck_assert(!admission.asks_for_ip());
  for (int i = 0; i < 1000; ++i) ck_assert(!admission.enter(""));
  ck_assert_uint_eq(admission.inside(), 1000);
  admission.leave("");
  ck_assert_uint_eq(admission.inside(), 999);
}
END_TEST

START_TEST(so_many_in_all) {
  Admission admission({2, 0});
  ck_assert(!admission.asks_for_ip());
  ck_assert(!admission.enter("") && !admission.enter(""));
  ck_assert(admission.enter("") == Code::server_full);
  ck_assert_msg(admission.enter("") == Code::server_full, "who is turned away is not counted");
  admission.leave("");
  ck_assert(!admission.enter(""));
  ck_assert(admission.enter("") == Code::server_full);
}
END_TEST

START_TEST(so_many_from_one_address) {
  Admission admission({3, 2});
  ck_assert(admission.asks_for_ip());
  ck_assert(!admission.enter("10.0.0.1") && !admission.enter("10.0.0.1"));
  ck_assert(admission.enter("10.0.0.1") == Code::server_full);
  ck_assert(!admission.enter("10.0.0.2"));
  ck_assert_msg(admission.enter("10.0.0.3") == Code::server_full, "in all");
  admission.leave("10.0.0.1");
  ck_assert(!admission.enter("10.0.0.1"));
  admission.leave("10.0.0.2");
  ck_assert(admission.enter("10.0.0.1") == Code::server_full);
  ck_assert(!admission.enter("10.0.0.2"));
}
END_TEST

START_TEST(closed_for_a_while) {
  Admission admission({2, 0});
  ck_assert(!admission.enter(""));
  admission.close(true);
  ck_assert(admission.enter("") == Code::shutting_down);
  admission.leave("");
  ck_assert(admission.enter("") == Code::shutting_down);
  admission.close(false);
  ck_assert(!admission.enter("") && admission.inside() == 1);
}
END_TEST

SUITE(no_limits, so_many_in_all, so_many_from_one_address, closed_for_a_while)
