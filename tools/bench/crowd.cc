#include "tools/bench/crowd.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "tools/common/printable.h"

namespace bench {

namespace {

// What this program has open besides.
constexpr rlim_t other_descriptors = 64;

// A connection to this host is made at once, in our time; what is due meanwhile waits.
constexpr int dialled_at_once_max = 16;

Exit exit_of(std::string_view code) {
  return code == "auth_failed" || code == "forbidden" ? Exit::unauthorised : Exit::failed;
}

// Short: names are part of what is measured. 36^6 of them last for 25 days.
std::string unique_prefix() {
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string prefix = "b-";
  Nanos at = read_clock(CLOCK_REALTIME) / millisecond + static_cast<Nanos>(getpid()) * 7919;
  for (int i = 0; i < 6; ++i, at /= digits.size()) prefix += digits[at % digits.size()];
  return prefix + '-';
}

}  // namespace

Crowd::Crowd(const Dialect& dialect, std::vector<Place> nodes)
    : nodes_(std::move(nodes)), loop_(dialect, *this), prefix_(unique_prefix()) {}

Ending Crowd::make_room(std::size_t connections) {
  const rlim_t wanted = connections + other_descriptors;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return std::nullopt;
  const rlim_t most = limit.rlim_max;
  limit.rlim_cur = wanted;
  limit.rlim_max = std::max(limit.rlim_max, wanted);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return std::nullopt;
  return Error{Exit::failed, std::to_string(connections) + " connections take " + std::to_string(wanted) +
                                 " file descriptors, and this process may have " + std::to_string(most) +
                                 ": ask for fewer, or raise the limit (ulimit -Hn, as root)"};
}

Client& Crowd::add(Role role, std::uint32_t index, std::size_t node) {
  Client& client = clients_.emplace_back();
  client.serial = static_cast<std::uint32_t>(clients_.size() - 1);
  client.name = prefix_ + std::to_string(client.serial);
  client.role = role;
  client.index = index;
  client.node = node % nodes_.size();
  due_at_.push_back(0);
  return client;
}

void Crowd::admit(const Pace& pace) {
  pace_ = pace;
  if (pace_.at_once == 0) pace_.at_once = std::numeric_limits<std::size_t>::max();
  began_ = now();
  first_ = next_;
  admitted_at_.clear();
  login_spans_ = Histogram();
}

Nanos Crowd::next_step() const {
  if (next_ == clients_.size() || on_the_way_ >= pace_.at_once) return std::numeric_limits<Nanos>::max();
  if (pace_.per_second <= 0) return 0;
  return began_ + from_seconds(static_cast<double>(next_ - first_) / pace_.per_second);
}

void Crowd::step(Nanos now) {
  Nanos due = next_step();
  for (int dialled = 0; due <= now && dialled < dialled_at_once_max; ++dialled, due = next_step()) {
    Client& client = clients_[next_++];
    due_at_[client.serial] = due != 0 ? due : now;
    ++on_the_way_;
    dial(client);
  }
}

void Crowd::dial(Client& client) {
  if (const std::string why = loop_.dial(client, nodes_[client.node]); !why.empty()) {
    --on_the_way_;
    turn_away(client, Exit::unreachable, why);
  }
}

Ending Crowd::admit_all(const Pace& pace, Nanos deadline) {
  admit(pace);
  while (!all_in()) {
    const Nanos at = now();
    if (trouble_) return trouble_;
    if (loop_.interrupted()) return Error{Exit::failed, "interrupted before there was anything to measure"};
    if (at > deadline)
      return Error{Exit::timeout, std::to_string(admitted_at_.size()) + " of " + std::to_string(clients_.size()) +
                                      " users were in by --timeout"};
    step(at);
    loop_.turn(std::min(next_step(), at + 20 * millisecond));
  }
  return trouble_;
}

void Crowd::come_again(Client& client) {
  if (client.state == Client::State::ready) --present_;
  const bool was_on_the_way = client.state == Client::State::dialling || client.state == Client::State::greeting;
  loop_.close(client);
  if (!was_on_the_way) ++on_the_way_;
  dial(client);
}

Nanos Crowd::time_to(double share) const {
  const auto wanted = static_cast<std::size_t>(share * static_cast<double>(clients_.size() - first_));
  if (wanted == 0 || wanted > admitted_at_.size()) return 0;
  return admitted_at_[wanted - 1] - began_;
}

void Crowd::logged_in(Client& client) {
  client.state = Client::State::ready;
  --on_the_way_;
  ++present_;
  admitted_at_.push_back(loop_.read_at());
  login_spans_.add(loop_.read_at() - due_at_[client.serial]);
}

void Crowd::arrived(Client& client, std::string_view payload) {
  if (post_ != nullptr) post_->arrived(client, payload);
}

void Crowd::settled(Client& sender) {
  if (post_ != nullptr) post_->settled(sender);
}

void Crowd::refused(Client& client, std::string_view code, std::string_view why) {
  if (client.state == Client::State::ready) {
    if (post_ != nullptr) post_->refused(client, code, why);
    return;
  }
  loop_.close(client);
  --on_the_way_;
  turn_away(client, exit_of(code), tool::printable(code) + ": " + tool::printable(why.substr(0, 300)));
}

void Crowd::turn_away(const Client& client, Exit exit, const std::string& why) {
  ++turned_away_;
  if (!trouble_) trouble_ = Error{exit, nodes_[client.node].text + " does not let us in: " + why};
}

void Crowd::lost(Client& client, Client::State before, const std::string& why) {
  if (before == Client::State::ready) {
    --present_;
    ++gone_;
    if (!trouble_) trouble_ = Error{Exit::unreachable, nodes_[client.node].text + " was lost: " + tool::printable(why)};
    return;
  }
  --on_the_way_;
  turn_away(client, Exit::unreachable, why);
}

}  // namespace bench
