// Pairs of users, one writing to the other across nodes, and what becomes of each
// message: it comes once and in order, or is lost, doubled, late or refused.
//
// Decides nothing about when to write; see throughput and latency for that.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/arrivals.h"
#include "tools/bench/crowd.h"
#include "tools/bench/dialect.h"
#include "tools/bench/exit.h"
#include "tools/bench/histogram.h"

namespace bench {

struct Load {
  std::size_t pairs = 1;
  std::size_t payload_bytes = 128;
  bool ids = false;
};

// Of all pairs together, since they were tried out.
struct Tally {
  std::uint64_t sent = 0;
  std::uint64_t arrived = 0;  // each counted once
  std::uint64_t settled = 0;  // with ids: those with an outcome that is no error
  std::uint64_t refused = 0;
  std::uint64_t doubled = 0;
  std::uint64_t reordered = 0;
  std::uint64_t lost() const { return sent - arrived - std::min(refused, sent - arrived); }
  bool clean() const { return lost() == 0 && doubled == 0 && reordered == 0 && refused == 0; }
};

class Pairs final : public Post {
 public:
  // Its users are in the crowd from now on, and come in with the rest of it.
  Pairs(Crowd& crowd, const Dialect& dialect, const Load& load);

  // Lets the crowd in, then tries all pairs out until a message of each has come: the
  // nodes may not have found each other yet. Then all counts begin at 0.
  Ending try_out(Nanos deadline);

  std::size_t size() const { return pairs_.size(); }
  // A message that was due then.
  void write(std::size_t pair, Nanos due);
  // The same of one, but for what was given up.
  std::int64_t in_flight(std::size_t pair) const { return pairs_[pair].in_flight(ids_); }
  // What is on the way for longer than that is no more waited for; it may still come.
  void give_up(std::size_t pair, Nanos longer_than);
  // Of which something became known since this was asked last; each once.
  void take_touched(std::vector<std::uint32_t>& touched);
  Client& sender(std::size_t pair) { return *pairs_[pair].sender; }
  Client& receiver(std::size_t pair) { return *pairs_[pair].receiver; }

  // From now on the latencies of what is due then or later are counted; those of the
  // first `pairs` alone.
  void measure_from(Nanos due, std::size_t pairs);
  const Histogram& spans() const { return spans_; }
  std::uint64_t arrived() const { return arrived_; }
  Tally tally() const { return tally(0, pairs_.size()); }
  Tally tally(std::size_t begin, std::size_t end) const;
  // Written, and not known to have come or to have been refused; of all pairs.
  std::uint64_t on_the_way() const;
  // The code of the first that was refused, and the sentence with it; or empty.
  const std::string& refusal() const { return refusal_; }

 private:
  struct Pair {
    Client* sender;
    Client* receiver;
    Letter letter;
    std::uint32_t first = 0;  // the numbers below were for trying out
    std::uint32_t next = 0;
    Arrivals arrivals{};
    std::uint64_t sent = 0;
    std::uint64_t arrived = 0;
    std::uint64_t settled = 0;
    std::uint64_t refused = 0;
    std::int64_t given_up = 0;
    Nanos progress = 0;
    bool touched = false;

    std::int64_t unknown(bool ids) const;
    std::int64_t in_flight(bool ids) const;
  };

  void arrived(Client& receiver, std::string_view payload) override;
  void settled(Client& sender) override;
  void refused(Client& sender, std::string_view code, std::string_view why) override;
  void touch(Pair& pair, std::uint32_t index);
  bool has_come(const Pair& pair) const;
  void begin_count();

  Crowd& crowd_;
  bool ids_;
  std::vector<Pair> pairs_;
  std::vector<std::uint32_t> touched_;
  Histogram spans_;
  Nanos measured_from_ = 0;
  std::size_t measured_pairs_ = 0;
  std::uint64_t arrived_ = 0;
  std::string refusal_{};
};

}  // namespace bench
