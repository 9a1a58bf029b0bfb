#include <algorithm>
#include <array>
#include <cstdio>

#include "tests/sim/plan.h"

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
      const Fault fault = draw();
      if (!add(fault)) continue;
      if (fault.kind == FaultKind::restart && one_in(2)) die_young(fault);
      // Who has no Redis can't put back what it has lost.
      if (fault.kind == FaultKind::redis_cut && one_in(2))
        add({FaultKind::redis_flush, fault.a, fault.b, fault.at + between(0us, fault.lasts), 0us, 0});
    }
    sort();
  }

  // What makes its scene: again and again, with a breath between.
  void draw_scene() {
    for (Time at = faults_begin; at < plan_.storm_ends; at += between(500ms, 6s)) draw_scene_at(at);
    sort();
  }

 private:
  Micros between(Micros low, Micros high) {
    return low + Micros(chance_.below(static_cast<std::uint64_t>((high - low).count()) + 1));
  }
  bool one_in(std::uint64_t n) { return chance_.below(n) == 0; }

  bool add(const Fault& fault) {
    if (fault.at + fault.lasts >= plan_.storm_ends || !fits(fault)) return false;
    plan_.faults.push_back(fault);
    return true;
  }

  void sort() {
    std::stable_sort(plan_.faults.begin(), plan_.faults.end(),
                     [](const Fault& x, const Fault& y) { return x.at < y.at; });
  }

  std::uint8_t any_node() { return static_cast<std::uint8_t>(chance_.below(plan_.nodes)); }
  std::uint8_t other_than(std::uint8_t node) {
    return static_cast<std::uint8_t>((node + 1 + chance_.below(plan_.nodes - 1U)) % plan_.nodes);
  }

  void draw_scene_at(Time at) {
    const std::uint8_t a = any_node();
    const std::uint8_t b = other_than(a);
    const bool of_redis = plan_.discovers && plan_.seed % 3 == 0 && one_in(6);
    if (of_redis) draw_redis_at(at, a);
    switch (plan_.scene) {
      case Scene::any: return;
      case Scene::owners_link: return draw_link_at(at, a, b, 8s);
      case Scene::storing:
      case Scene::roaming:
        if (one_in(4)) draw_link_at(at, a, b, 1500ms);
        return;
      case Scene::same_id:
      case Scene::back_again:
        if (one_in(2)) draw_link_at(at, a, b, 4s);
        if (plan_.weather == Weather::nodes && one_in(4))
          add({FaultKind::restart, a, b, at, between(50ms, 3s), chance_.below(2)});
        return;
      case Scene::paused:
        add({FaultKind::pause, a, b, at, one_in(3) ? between(50ms, 2s) : between(2s, 20s), 0});
        return;
      case Scene::split: return draw_split_at(at);
    }
  }

  // One end is lost, its dials get no answer, and what it had sent is still on its way.
  void draw_orphan_at(Time at, std::uint8_t a, std::uint8_t b) {
    add({FaultKind::stall, a, b, at, between(2s, 5s), 0});
    add({FaultKind::half_open, a, b, at + between(10ms, 300ms), 0us, 0});
    add({FaultKind::swallow, a, b, at, between(3s, 6s), 0});
  }

  void draw_link_at(Time at, std::uint8_t a, std::uint8_t b, Micros longest) {
    if (longest > 4s && !mild() && one_in(5)) return draw_orphan_at(at, a, b);
    static constexpr std::array kinds{FaultKind::partition, FaultKind::stall,     FaultKind::stall,
                                      FaultKind::refuse,    FaultKind::swallow,   FaultKind::cut,
                                      FaultKind::half_open, FaultKind::cut_storm, FaultKind::slow};
    const FaultKind kind = kinds[chance_.below(kinds.size())];
    const Micros lasts = between(100ms, std::min(longest, outage_max()));
    switch (kind) {
      case FaultKind::cut: add({kind, a, b, at, 0us, 0}); return;
      case FaultKind::half_open: add({kind, a, b, at, 0us, chance_.below(2)}); return;
      case FaultKind::cut_storm: add({kind, a, b, at, lasts, 3 + chance_.below(18)}); return;
      case FaultKind::slow: add({kind, a, b, at, lasts, 1 + chance_.below(200)}); return;
      default: break;
    }
    add({kind, a, b, at, lasts, 0});
    // Its dials do not get through either, for a while.
    if (kind == FaultKind::stall && one_in(2)) add({FaultKind::swallow, a, b, at + 100ms, lasts + between(0us, 3s), 0});
  }

  void draw_redis_at(Time at, std::uint8_t a) {
    static constexpr std::array kinds{FaultKind::redis_sleep, FaultKind::redis_sleep, FaultKind::redis_away,
                                      FaultKind::redis_crash, FaultKind::redis_cut};
    const FaultKind kind = kinds[chance_.below(kinds.size())];
    if (kind == FaultKind::redis_cut && plan_.weather != Weather::nodes) return;
    add({kind, a, a, at + between(0us, 2s), between(100ms, 4s),
         kind == FaultKind::redis_crash ? chance_.below(1'000'000) : 0});
  }

  // Two sides that see nothing of each other; one of them may be without Redis.
  void draw_split_at(Time at) {
    const std::uint8_t side = static_cast<std::uint8_t>(1 + chance_.below(plan_.nodes - 1U));
    const Micros lasts = between(500ms, 25s);
    if (at < split_until_) return;
    split_until_ = at + lasts + between(3s, 15s);
    const bool cut_off = plan_.discovers && plan_.weather == Weather::nodes && one_in(3);
    for (std::uint8_t a = 0; a < side; ++a) {
      for (std::uint8_t b = side; b < plan_.nodes; ++b) add({FaultKind::partition, a, b, at, lasts, 0});
      if (cut_off) add({FaultKind::redis_cut, a, a, at, lasts, 0});
    }
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
    if (plan_.discovers && redis_fails && dice < 20)
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
      case FaultKind::redis_sleep:
        fault.lasts = between(50ms, chance_.below(3) == 0 ? Micros(8s) : Micros(1500ms));
        break;
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
    return one_in(20) ? Micros(60s) : one_in(4) ? Micros(30s) : Micros(4s);
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
  Time split_until_{0};
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

}  // namespace

std::string to_string(const Fault& fault) {
  char line[120];
  std::snprintf(line, sizeof line, "%s n%d n%d at %.3f s for %.3f s (%llu)", name_of(fault.kind), fault.a, fault.b,
                static_cast<double>(fault.at.count()) / 1e6, static_cast<double>(fault.lasts.count()) / 1e6,
                static_cast<unsigned long long>(fault.amount));
  return line;
}

void draw_faults(Plan& plan, peer::Chance& chance, std::uint64_t count) { Drawing(plan, chance).draw_faults(count); }

void draw_scene(Plan& plan, peer::Chance& chance) { Drawing(plan, chance).draw_scene(); }

}  // namespace sim
