// Listening sockets: who is let in, and who waits for want of file descriptors.
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "src/io/descriptors.h"
#include "src/io/listener.h"
#include "tests/unit/running.h"
#include "tests/unit/suite.h"
#include "tests/unit/taker.h"

namespace {

using peer::Millis;

START_TEST(a_listener_says_what_is_wrong) {
  Running running;
  const auto taken = listen_on(running.loop, [](io::Listener::Ticket&) {});
  const peer::Address address = taken->address();
  ck_assert_str_eq(address.host.c_str(), "127.0.0.1");
  ck_assert_uint_ne(address.port, 0);
  const struct {
    peer::Address address;
    std::string why;
  } rows[] = {
      {address, to_string(address) + ": address already in use"},
      {{"192.0.2.1", 7}, "192.0.2.1:7: no such address here"},
      {{"two..dots", 7}, "two..dots:7: host not found: two..dots"},
  };
  for (const auto& row : rows) {
    const auto listener = io::Listener::open(running.loop, {row.address}, [](io::Listener::Ticket&) {});
    ck_assert_msg(!listener, "%s was opened", row.why.c_str());
    ck_assert_str_eq(listener.why().c_str(), row.why.c_str());
  }
}
END_TEST

START_TEST(a_port_can_be_had_again_right_away) {
  Running running;
  Taker taker;
  auto listener = listen_on(running.loop, [&](io::Listener::Ticket& ticket) { taker.stream = ticket.take(taker); });
  const peer::Address address = listener->address();
  const int fd = connect_to(address.port);
  running.until("a connection", [&] { return taker.stream != nullptr; });
  listener.reset();
  taker.stream.reset();  // this end closes first: the port lingers in TIME_WAIT
  auto again = io::Listener::open(running.loop, {address}, [](io::Listener::Ticket&) {});
  ck_assert_msg(static_cast<bool>(again), "%s", again ? "" : again.why().c_str());
  close(fd);
}
END_TEST

START_TEST(who_is_not_taken_is_closed) {
  Running running;
  int seen = 0;
  std::unique_ptr<io::Listener> listener;
  listener = listen_on(running.loop, [&](io::Listener::Ticket&) {
    if (++seen == 2) listener.reset();  // from inside
  });
  const std::uint16_t port = listener->address().port;
  const int first = connect_to(port);
  const int second = connect_to(port);
  running.until("both were seen", [&] { return seen == 2; });
  char byte = 0;
  ck_assert_int_eq(read(first, &byte, 1), 0);
  ck_assert_int_eq(read(second, &byte, 1), 0);
  close(first), close(second);
}
END_TEST

// File descriptors.

START_TEST(the_reserve_is_a_share_of_the_limit) {
  const struct {
    std::size_t limit, own, kept_back;
  } rows[] = {
      {1'048'576, 20, 1024},  // no mesh needs more
      {20'000, 20, 1000},     // a twentieth
      {4096, 20, 204},        //
      {2048, 20, 128},        // the least that strangers and peers need
      {1024, 20, 128},        //
      {256, 20, 59},          // a quarter of what there is
      {64, 20, 11},           //
      {24, 20, 1},            //
      {23, 20, 0},            // who has next to nothing keeps nothing back
      {10, 20, 0},           {0, 20, 0},
  };
  for (const auto& row : rows) ck_assert_uint_eq(row.limit - io::descriptor_mark(row.limit, row.own), row.kept_back);
}
END_TEST

START_TEST(the_limit_is_raised_to_what_is_allowed) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit before = limit;
  limit.rlim_cur = 100;
  setrlimit(RLIMIT_NOFILE, &limit);
  ck_assert_uint_eq(io::descriptor_limit(), 100);
  ck_assert_uint_eq(io::raise_descriptor_limit(), before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}
END_TEST

// A crowd at a listener, and a limit on descriptors.
struct Crowd {
  Crowd(Running& running, io::Listener::Reserve reserve) : run(running), own(io::next_descriptor(0) + 1) {
    const auto accept = [this](io::Listener::Ticket& ticket) {
      takers.push_back(std::make_unique<Taker>());
      takers.back()->stream = ticket.take(*takers.back());
    };
    listener = listen_on(run.loop, accept, reserve);
    run.loop.on_shortage([this](bool begins) { shortages.push_back(begins); });
    // The first comes before things get tight: UBSan, at the first sight of a
    // type, opens descriptors itself.
    come(1);
    until_in(1);
    getrlimit(RLIMIT_NOFILE, &before);
  }
  ~Crowd() {
    setrlimit(RLIMIT_NOFILE, &before);
    for (const int fd : fds) close(fd);
    run.loop.on_shortage({});
  }

  void come(int n) {
    for (int i = 0; i < n; ++i) fds.push_back(connect_to(listener->address().port));
  }
  void until_in(std::size_t n) {
    run.until("so many are in", [&] { return takers.size() == n; });
  }
  // Room for so many from now on; the answer is how many of them clients may have.
  std::size_t leave(std::size_t room) {
    const std::size_t next = io::next_descriptor(0);
    rlimit limit = before;
    limit.rlim_cur = next + room;
    setrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t mark = io::descriptor_mark(limit.rlim_cur, own);
    return mark > next ? mark - next : 0;
  }
  // Nobody else is let in for a while, without spinning.
  void stays(std::size_t n) {
    int turns = 0;
    run.each_turn = [&] { ++turns; };
    run.until_later(Millis(500));
    run.each_turn = nullptr;
    ck_assert_uint_eq(takers.size(), n);
    ck_assert_int_le(turns, 25);
  }

  Running& run;
  std::unique_ptr<io::Listener> listener;
  std::vector<std::unique_ptr<Taker>> takers;
  std::vector<int> fds;
  std::vector<bool> shortages;
  std::size_t own;  // descriptors before anybody came
  rlimit before{};
};

START_TEST(the_last_descriptors_are_kept_back) {
  Running running;
  Crowd crowd(running, io::Listener::Reserve::kept);
  crowd.come(30);
  const std::size_t room = crowd.leave(24), in = 1 + room;
  ck_assert_uint_ge(24 - room, 10);
  crowd.until_in(in);
  crowd.stays(in);
  ck_assert_uint_eq(crowd.shortages.size(), 1);
  // What is kept back is there.
  std::vector<int> others;
  for (std::size_t i = room; i < 24; ++i) others.push_back(dup(0));
  ck_assert_int_ge(others.back(), 0);
  ck_assert_int_lt(dup(0), 0);
  for (const int fd : others) close(fd);

  // One goes, one comes; all the time somebody waits.
  crowd.takers.erase(crowd.takers.begin());
  crowd.until_in(in);
  crowd.stays(in);
  ck_assert_uint_eq(crowd.shortages.size(), 1);

  setrlimit(RLIMIT_NOFILE, &crowd.before);
  crowd.until_in(31 - 1);
  running.until("it is over", [&] { return crowd.shortages.size() == 2; });
  ck_assert(crowd.shortages[0] && !crowd.shortages[1]);
}
END_TEST

START_TEST(out_of_descriptors_it_waits_without_spinning) {
  Running running;
  Crowd crowd(running, io::Listener::Reserve::used);
  crowd.come(10);
  crowd.leave(3);
  crowd.until_in(4);
  crowd.stays(4);
  ck_assert_uint_eq(crowd.shortages.size(), 1);
  setrlimit(RLIMIT_NOFILE, &crowd.before);
  crowd.until_in(11);
  running.until("it is over", [&] { return crowd.shortages.size() == 2; });
}
END_TEST

START_TEST(with_nobody_waiting_it_is_no_shortage) {
  for (const auto reserve : {io::Listener::Reserve::kept, io::Listener::Reserve::used}) {
    Running running;
    Crowd crowd(running, reserve);
    crowd.come(10);
    std::size_t room = 10;
    while (reserve == io::Listener::Reserve::kept && crowd.leave(room) < 10) ++room;
    crowd.leave(room);
    crowd.until_in(11);
    crowd.stays(11);
    ck_assert_uint_eq(crowd.shortages.size(), 0);
  }
}
END_TEST

START_TEST(a_listener_that_is_closed_while_short_is_short_no_more) {
  Running running;
  Crowd crowd(running, io::Listener::Reserve::used);
  crowd.come(10);
  crowd.leave(3);
  running.until("they run short", [&] { return crowd.shortages.size() == 1; });
  crowd.listener.reset();
  ck_assert_uint_eq(crowd.shortages.size(), 2);
}
END_TEST

}  // namespace

SUITE(a_listener_says_what_is_wrong, a_port_can_be_had_again_right_away, who_is_not_taken_is_closed,
      the_reserve_is_a_share_of_the_limit, the_limit_is_raised_to_what_is_allowed, the_last_descriptors_are_kept_back,
      out_of_descriptors_it_waits_without_spinning, with_nobody_waiting_it_is_no_shortage,
      a_listener_that_is_closed_while_short_is_short_no_more)
