#include "tests/sim/plan.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "peer/chance.h"
#include "peer/self.h"

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr Time faults_begin = 8s;
// What nobody may be given up for: with it a renewal (3 s) still comes within the
// grace of a node that is missing in the set (4 s).
constexpr Micros short_pause_max = 700ms;

class Drawing {
 public:
  Drawing(Plan& plan, peer::Chance& chance) : plan_(plan), chance_(chance) {}

  void draw_faults(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      Fault fault = draw();
      if (fault.at + fault.lasts >= plan_.storm_ends || !fits(fault)) continue;
      plan_.faults.push_back(fault);
      if (fault.kind == FaultKind::restart && chance_.below(2) == 0) die_young(fault);
    }
    std::stable_sort(plan_.faults.begin(), plan_.faults.end(),
                     [](const Fault& x, const Fault& y) { return x.at < y.at; });
  }

 private:
  Micros between(Micros low, Micros high) {
    return low + Micros(chance_.below(static_cast<std::uint64_t>((high - low).count()) + 1));
  }

  // The new process does not live long either.
  void die_young(Fault fault) {
    fault.at += fault.lasts + between(200ms, 3s);
    fault.lasts = between(50ms, 3s);
    if (fault.at + fault.lasts < plan_.storm_ends) plan_.faults.push_back(fault);
  }

  FaultKind draw_kind() {
    static constexpr std::array links{
        FaultKind::refuse,    FaultKind::swallow, FaultKind::accept_close, FaultKind::cut,  FaultKind::cut,
        FaultKind::cut_storm, FaultKind::stall,   FaultKind::half_open,    FaultKind::slow, FaultKind::partition};
    static constexpr std::array nodes{FaultKind::restart, FaultKind::pause, FaultKind::leave};
    static constexpr std::array redis{FaultKind::redis_away,  FaultKind::redis_sleep, FaultKind::redis_crash,
                                      FaultKind::redis_flush, FaultKind::stranger,    FaultKind::redis_cut};
    const std::uint64_t dice = chance_.below(100);
    const bool redis_fails = plan_.weather == Weather::nodes || plan_.seed % 3 == 0;
    if (plan_.discovers && redis_fails && dice < 15)
      return redis[chance_.below(plan_.weather == Weather::nodes ? redis.size() : redis.size() - 1)];
    if (plan_.weather == Weather::nodes && dice < 45) return nodes[chance_.below(nodes.size())];
    if (plan_.weather != Weather::nodes && dice < 20) return FaultKind::pause;
    return links[chance_.below(links.size())];
  }

  Fault draw() {
    Fault fault;
    fault.kind = draw_kind();
    fault.at = between(faults_begin, std::max<Micros>(faults_begin, plan_.storm_ends - 1s));
    fault.a = static_cast<std::uint8_t>(chance_.below(plan_.nodes));
    fault.b = static_cast<std::uint8_t>((fault.a + 1 + chance_.below(plan_.nodes - 1U)) % plan_.nodes);
    switch (fault.kind) {
      case FaultKind::refuse:
      case FaultKind::swallow:
      case FaultKind::accept_close:
      case FaultKind::stall:
      case FaultKind::partition: fault.lasts = between(100ms, outage_max()); break;
      case FaultKind::slow:
        fault.lasts = between(500ms, 10s);
        fault.amount = 1 + chance_.below(200);
        break;
      case FaultKind::cut: break;
      case FaultKind::half_open: fault.amount = chance_.below(2); break;
      case FaultKind::cut_storm:
        fault.amount = 3 + chance_.below(18);
        fault.lasts = between(20ms, 5s);
        break;
      case FaultKind::restart:
        fault.amount = chance_.below(plan_.discovers ? 3 : 2);
        if (plan_.nodes > 2 && chance_.below(4) == 0) fault.kind = FaultKind::vanish;
        fault.lasts = between(50ms, chance_.below(3) == 0 ? Micros(30s) : Micros(3s));
        break;
      case FaultKind::pause:
        fault.lasts = plan_.weather != Weather::nodes ? between(50ms, short_pause_max) : between(500ms, 40s);
        break;
      case FaultKind::leave: fault.lasts = between(1s, 20s); break;
      case FaultKind::redis_away:
        fault.amount = chance_.below(3) == 0 ? 1 : 0;
        fault.lasts = between(200ms, 25s);
        break;
      case FaultKind::redis_cut: fault.lasts = between(200ms, 25s); break;
      case FaultKind::redis_sleep: fault.lasts = between(50ms, chance_.below(3) == 0 ? Micros(8s) : Micros(1500ms)); break;
      case FaultKind::redis_crash:
        fault.amount = chance_.below(1'000'000);
        fault.lasts = between(20ms, 5s);
        break;
      case FaultKind::redis_flush:
      case FaultKind::vanish: break;
      case FaultKind::stranger: fault.amount = chance_.below(2); break;
    }
    return fault;
  }

  // Without Redis a node whose links are down for 15 s is dead, and the back-off
  // alone may take 10 of them: what is to be a mere link fault stays short there.
  bool mild() const { return plan_.weather != Weather::nodes && !plan_.discovers; }
  Micros outage_max() {
    if (mild()) return 2s;
    return chance_.below(4) == 0 ? Micros(30s) : Micros(4s);
  }

  bool fits(const Fault& fault) {
    switch (fault.kind) {
      case FaultKind::refuse:
      case FaultKind::swallow:
      case FaultKind::accept_close:
      case FaultKind::stall:
      case FaultKind::partition:
      case FaultKind::half_open:
      case FaultKind::cut_storm: {
        if (!mild()) return true;
        Time& free_at = pair_free_at_[std::min(fault.a, fault.b)][std::max(fault.a, fault.b)];
        if (fault.at < free_at) return false;
        free_at = fault.at + fault.lasts + 25s;
        return true;
      }
      case FaultKind::restart:
      case FaultKind::pause:
      case FaultKind::leave: return fault.a != vanished_ && claim(node_free_[fault.a], fault, 1s);
      case FaultKind::vanish:
        if (vanished_ != nowhere || !node_free_[fault.a].empty()) return false;
        vanished_ = fault.a;
        return true;
      case FaultKind::redis_away:
      case FaultKind::redis_crash:
      case FaultKind::redis_sleep:
      case FaultKind::redis_flush: return claim(redis_free_, fault, 8s);
      case FaultKind::cut:
      case FaultKind::slow:
      case FaultKind::redis_cut:
      case FaultKind::stranger: return true;
    }
    return true;
  }

  // One thing after the other, with a breath between.
  using Spans = std::vector<std::pair<Time, Time>>;
  bool claim(Spans& spans, const Fault& fault, Micros breath) {
    const Time from = fault.at - breath;
    const Time to = fault.at + fault.lasts + breath;
    for (const auto& [begin, end] : spans)
      if (from < end && begin < to) return false;
    spans.emplace_back(from, to);
    return true;
  }

  Plan& plan_;
  peer::Chance& chance_;
  std::array<std::array<Time, 8>, 8> pair_free_at_{};
  std::array<Spans, 8> node_free_;
  Spans redis_free_;
  std::uint8_t vanished_ = nowhere;
};

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::refuse: return "refuse";
    case FaultKind::swallow: return "swallow";
    case FaultKind::accept_close: return "accept_close";
    case FaultKind::cut: return "cut";
    case FaultKind::cut_storm: return "cut_storm";
    case FaultKind::half_open: return "half_open";
    case FaultKind::stall: return "stall";
    case FaultKind::slow: return "slow";
    case FaultKind::partition: return "partition";
    case FaultKind::restart: return "restart";
    case FaultKind::pause: return "pause";
    case FaultKind::leave: return "leave";
    case FaultKind::vanish: return "vanish";
    case FaultKind::stranger: return "stranger";
    case FaultKind::redis_away: return "redis_away";
    case FaultKind::redis_crash: return "redis_crash";
    case FaultKind::redis_sleep: return "redis_sleep";
    case FaultKind::redis_cut: return "redis_cut";
    case FaultKind::redis_flush: return "redis_flush";
  }
  return "";
}

const char* name_of(Weather weather) {
  switch (weather) {
    case Weather::links: return "link faults only";
    case Weather::moves: return "link faults, people move";
    case Weather::nodes: return "node faults";
  }
  return "";
}

}  // namespace

std::string to_string(const Fault& fault) {
  char line[120];
  std::snprintf(line, sizeof line, "%s n%d n%d at %.3f s for %.3f s (%llu)", name_of(fault.kind), fault.a, fault.b,
                static_cast<double>(fault.at.count()) / 1e6, static_cast<double>(fault.lasts.count()) / 1e6,
                static_cast<unsigned long long>(fault.amount));
  return line;
}

bool Plan::redis_faults() const {
  return std::any_of(faults.begin(), faults.end(), [](const Fault& fault) {
    return fault.kind == FaultKind::redis_away || fault.kind == FaultKind::redis_crash ||
           fault.kind == FaultKind::redis_sleep || fault.kind == FaultKind::redis_cut ||
           fault.kind == FaultKind::redis_flush;
  });
}

std::string describe(const Plan& plan) {
  char line[300];
  std::snprintf(line, sizeof line,
                "%d nodes, %s, %d users (%u%% confirm), %s, latency %.2f to %.2f ms, %zu faults in %.0f s", plan.nodes,
                !plan.discovers  ? "static peers"
                : plan.mailboxes ? "Redis with mailboxes"
                                 : "Redis without mailboxes",
                plan.users, plan.confirming, name_of(plan.weather),
                static_cast<double>(plan.latency_min.count()) / 1e3,
                static_cast<double>((plan.latency_min + plan.latency_spread).count()) / 1e3, plan.faults.size(),
                static_cast<double>(plan.storm_ends.count()) / 1e6);
  return line;
}

namespace {

void draw_people(Plan& plan, peer::Chance& chance) {
  static constexpr std::array<unsigned, 4> confirming{0, 30, 60, 100};
  static constexpr std::array<std::size_t, 4> windows{2, 8, 64, 256};
  static constexpr std::array<std::size_t, 4> pages{3, 8, 16, 64};
  plan.confirming = confirming[chance.below(confirming.size())];
  plan.window_chats = windows[chance.below(windows.size())];
  const bool stays = plan.weather == Weather::links;
  plan.queue_max = chance.below(4) == 0 && !stays ? 110 + chance.below(200) : 10'000;
  plan.queue_bytes_max = stays ? ~std::size_t{0} : std::size_t{1} << 20U;
  plan.ack_timeout = Micros(stays ? 30'000'000 : 1'000'000 + chance.below(9'000'000));
  plan.resends = chance.below(4) != 0;
  plan.repeats = plan.resends && chance.below(3) == 0;
  plan.mailboxes = plan.discovers && chance.below(6) != 0;
  plan.mail_page = pages[chance.below(pages.size())];
  plan.mail_max = chance.below(5) == 0 ? 1 + chance.below(30) : 1000;
  plan.mail_ttl = Micros(chance.below(8) == 0 ? 5'000'000 + chance.below(30'000'000) : 7UL * 86'400'000'000UL);
}

}  // namespace

Plan draw_plan(std::uint64_t seed, double minutes) {
  peer::SeededChance chance(seed * 0x9e3779b97f4a7c15U + 1);
  Plan plan;
  plan.seed = seed;
  static constexpr std::array weathers{Weather::links, Weather::links, Weather::moves, Weather::moves,
                                       Weather::nodes, Weather::nodes, Weather::nodes};
  plan.weather = weathers[chance.below(weathers.size())];
  plan.nodes = static_cast<std::uint8_t>(2 + chance.below(5));
  plan.discovers = chance.below(2) == 0;
  plan.users = static_cast<std::uint8_t>(3 + chance.below(8));
  static constexpr std::array<Micros, 4> latencies{50us, 300us, 5ms, 60ms};
  plan.latency_min = latencies[chance.below(latencies.size())];
  plan.latency_spread = plan.latency_min * static_cast<std::int64_t>(chance.below(4)) / 2;
  plan.turn_max = Micros(chance.below(3) == 0 ? chance.below(2000) : 0);
  plan.timers_late = Micros(chance.below(4) == 0 ? 1 + chance.below(200'000) : 2000);
  plan.slow_readers = chance.below(2) == 0;
  plan.clocks_differ = chance.below(2) == 0;
  if (chance.below(12) == 0) plan.crowd = 500 + chance.below(3000);
  plan.big_chats = chance.below(4) == 0;
  draw_people(plan, chance);
  plan.chat_every = Micros(20'000 + chance.below(800'000));
  if (plan.weather != Weather::links) plan.move_every = Micros(100'000 + chance.below(3'000'000));
  if (plan.weather == Weather::nodes && chance.below(5) == 0) plan.window_bytes = 4096 + chance.below(100'000);
  const auto drawn = Micros(static_cast<std::int64_t>(30'000'000 + chance.below(120'000'000)));
  plan.storm_ends = minutes > 0 ? Micros(static_cast<std::int64_t>(minutes * 60e6)) : drawn;
  const std::uint64_t per_minute = 2 + chance.below(40);
  Drawing(plan, chance).draw_faults(1 + per_minute * static_cast<std::uint64_t>(plan.storm_ends.count()) / 60'000'000U);
  return plan;
}

}  // namespace sim
