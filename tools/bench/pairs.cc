#include "tools/bench/pairs.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "tools/bench/stamp.h"
#include "tools/common/printable.h"

namespace bench {

namespace {

constexpr Nanos try_again_after = 200 * millisecond;
// What the trials have left on the way has come by then.
constexpr Nanos quiet = 200 * millisecond;

}  // namespace

std::int64_t Pairs::Pair::unknown(bool ids) const {
  const std::uint64_t known = (ids ? std::min(arrived, settled) : arrived) + refused;
  return static_cast<std::int64_t>(sent - std::min(sent, known));
}

std::int64_t Pairs::Pair::in_flight(bool ids) const { return std::max<std::int64_t>(unknown(ids) - given_up, 0); }

Pairs::Pairs(Crowd& crowd, const Dialect& dialect, const Load& load) : crowd_(crowd), ids_(load.ids) {
  const std::string payload = blank_payload(load.payload_bytes);
  const std::size_t others = std::max<std::size_t>(crowd.node_count() - 1, 1);
  pairs_.reserve(load.pairs);
  for (std::uint32_t i = 0; i < load.pairs; ++i) {
    Client& receiver = crowd.add(Role::receiver, i, 1 + i % others);
    Client& sender = crowd.add(Role::sender, i, 0);
    pairs_.push_back({&sender, &receiver, dialect.letter(sender, receiver, payload)});
  }
  crowd.set_post(this);
}

bool Pairs::has_come(const Pair& pair) const {
  return pair.arrived > 0 && (!ids_ || pair.settled + pair.refused >= pair.sent);
}

Ending Pairs::try_out(Nanos deadline) {
  if (Ending failed = crowd_.admit_all({}, deadline)) return failed;
  Nanos again = 0;
  while (true) {
    const Nanos at = now();
    if (crowd_.trouble()) return crowd_.trouble();
    if (crowd_.loop().interrupted()) return Error{Exit::failed, "interrupted before there was anything to measure"};
    const auto silent = static_cast<std::size_t>(
        std::count_if(pairs_.begin(), pairs_.end(), [this](const Pair& pair) { return !has_come(pair); }));
    if (silent == 0) break;
    if (at > deadline)
      return Error{Exit::timeout, "from " + std::to_string(silent) + " of " + std::to_string(pairs_.size()) +
                                      " senders nothing has come by --timeout" +
                                      (refusal_.empty() ? "" : " (" + refusal_ + ")") +
                                      ": are the --nodes of one cluster, and linked?"};
    if (at >= again) {
      again = at + try_again_after;
      for (std::size_t i = 0; i < pairs_.size(); ++i)
        if (pairs_[i].arrived == 0) write(i, at);
    }
    crowd_.loop().turn(at + 10 * millisecond);
  }
  for (const Nanos end = now() + quiet; now() < end;) crowd_.loop().turn(end);
  begin_count();
  return crowd_.trouble();
}

void Pairs::begin_count() {
  for (Pair& pair : pairs_) {
    pair.first = pair.next;
    pair.arrivals = Arrivals(pair.next);
    pair.sent = pair.arrived = pair.settled = pair.refused = 0;
    pair.given_up = 0;
    pair.touched = false;
  }
  touched_.clear();
  arrived_ = 0;
  refusal_.clear();
}

void Pairs::write(std::size_t index, Nanos due) {
  Pair& pair = pairs_[index];
  write_stamp(pair.letter.bytes.data() + pair.letter.payload_at, {due, pair.next});
  if (pair.letter.id_at != 0) write_digits(pair.letter.bytes.data() + pair.letter.id_at, pair.next, number_digits);
  if (pair.sent == 0) pair.progress = due;
  ++pair.next;
  ++pair.sent;
  pair.sender->out += pair.letter.bytes;
  crowd_.loop().mark(*pair.sender);
}

void Pairs::give_up(std::size_t index, Nanos longer_than) {
  Pair& pair = pairs_[index];
  const std::int64_t waiting = pair.in_flight(ids_);
  const Nanos at = now();
  if (waiting == 0 || at < pair.progress + longer_than) return;
  pair.given_up += waiting;
  pair.progress = at;
  touch(pair, static_cast<std::uint32_t>(index));
}

void Pairs::take_touched(std::vector<std::uint32_t>& touched) {
  touched.clear();
  std::swap(touched, touched_);
  for (const std::uint32_t index : touched) pairs_[index].touched = false;
}

void Pairs::measure_from(Nanos due, std::size_t pairs) {
  spans_ = Histogram();
  measured_from_ = due;
  measured_pairs_ = pairs;
}

Tally Pairs::tally(std::size_t begin, std::size_t end) const {
  Tally sum;
  for (std::size_t i = begin; i < end; ++i) {
    const Pair& pair = pairs_[i];
    sum.sent += pair.sent;
    sum.arrived += pair.arrived;
    sum.settled += pair.settled;
    sum.refused += pair.refused;
    sum.doubled += pair.arrivals.doubled();
    sum.reordered += pair.arrivals.reordered();
  }
  return sum;
}

std::uint64_t Pairs::on_the_way() const {
  std::uint64_t sum = 0;
  for (const Pair& pair : pairs_) sum += static_cast<std::uint64_t>(pair.unknown(ids_));
  return sum;
}

void Pairs::touch(Pair& pair, std::uint32_t index) {
  // What was given up and came all the same is not given up twice.
  if (pair.given_up > 0) pair.given_up = std::min<std::int64_t>(pair.given_up, pair.unknown(ids_));
  if (pair.touched) return;
  pair.touched = true;
  touched_.push_back(index);
}

// What bears no stamp of ours is no message of ours.
void Pairs::arrived(Client& receiver, std::string_view payload) {
  const auto stamp = read_stamp(payload);
  if (!stamp || receiver.role != Role::receiver || receiver.index >= pairs_.size()) return;
  Pair& pair = pairs_[receiver.index];
  if (stamp->number < pair.first) return;
  const Nanos at = crowd_.loop().read_at();
  if (pair.arrivals.note(stamp->number)) {
    ++pair.arrived;
    ++arrived_;
  }
  pair.progress = at;
  if (stamp->due >= measured_from_ && receiver.index < measured_pairs_) spans_.add(at - std::min(at, stamp->due));
  touch(pair, receiver.index);
}

void Pairs::settled(Client& sender) {
  Pair& pair = pairs_[sender.index];
  ++pair.settled;
  pair.progress = crowd_.loop().read_at();
  touch(pair, sender.index);
}

void Pairs::refused(Client& sender, std::string_view code, std::string_view why) {
  if (refusal_.empty()) refusal_ = tool::printable(code) + ": " + tool::printable(why.substr(0, 300));
  if (sender.role != Role::sender || sender.index >= pairs_.size()) return;
  Pair& pair = pairs_[sender.index];
  ++pair.refused;
  pair.progress = crowd_.loop().read_at();
  touch(pair, sender.index);
}

}  // namespace bench
