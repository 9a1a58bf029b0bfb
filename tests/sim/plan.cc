#include "tests/sim/plan.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "peer/chance.h"
#include "peer/self.h"

namespace sim {

namespace {

using namespace std::chrono_literals;

const char* name_of(Scene scene) {
  switch (scene) {
    case Scene::any: return "";
    case Scene::owners_link: return "the owner's link is down: ";
    case Scene::storing: return "storing while b logs in: ";
    case Scene::same_id: return "the same id twice: ";
    case Scene::paused: return "a paused node: ";
    case Scene::split: return "both sides of a split have b: ";
    case Scene::back_again: return "not here, and back again: ";
    case Scene::roaming: return "b roams: ";
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
                "%s%d nodes, %s, %d users (%u%% confirm), %s, latency %.2f to %.2f ms, %zu faults in %.0f s",
                name_of(plan.scene), plan.nodes,
                !plan.discovers  ? "static peers"
                : plan.mailboxes ? "Redis with mailboxes"
                                 : "Redis without mailboxes",
                plan.users, plan.confirming, name_of(plan.weather), static_cast<double>(plan.latency_min.count()) / 1e3,
                static_cast<double>((plan.latency_min + plan.latency_spread).count()) / 1e3, plan.faults.size(),
                static_cast<double>(plan.storm_ends.count()) / 1e6);
  return line;
}

namespace {

void draw_people(Plan& plan, peer::Chance& chance) {
  static constexpr std::array<unsigned, 4> confirming{0, 30, 60, 100};
  static constexpr std::array<std::size_t, 4> windows{2, 8, 64, 256};
  static constexpr std::array<std::size_t, 4> pages{8, 16, 64, 64};
  plan.confirming = confirming[chance.below(confirming.size())];
  plan.window_chats = windows[chance.below(windows.size())];
  const bool stays = plan.weather == Weather::links;
  const bool small = chance.below(3) == 0 && !plan.big_chats;
  plan.queue_bytes_max = stays ? ~std::size_t{0} : small ? 40'000 : std::size_t{1} << 20U;
  plan.mail_page_bytes = small ? 10'000 : std::size_t{256} << 10U;
  plan.ack_timeout = Micros(stays ? 30'000'000 : 1'000'000 + chance.below(9'000'000));
  plan.nameless = chance.below(3) == 0 ? 50 : 12;
  plan.resends = chance.below(4) != 0;
  plan.repeats = plan.resends && chance.below(3) == 0;
  plan.mailboxes = plan.discovers && chance.below(6) != 0;
  plan.mail_page = pages[chance.below(pages.size())];
  plan.mail_max = chance.below(5) == 0 ? 1 + chance.below(30) : 100'000;
  plan.mail_ttl = Micros(chance.below(8) == 0 ? 5'000'000 + chance.below(30'000'000) : 7UL * 86'400'000'000UL);
}

}  // namespace

namespace {

// A small stage, on which user 0 writes to user 1.
void set_scene(Plan& plan, peer::Chance& chance) {
  plan.scene = Scene{static_cast<std::uint8_t>(1 + chance.below(scenes - 1))};
  plan.nodes = static_cast<std::uint8_t>(2 + chance.below(3));
  plan.discovers = chance.below(4) != 0;
  plan.users = static_cast<std::uint8_t>(2 + chance.below(3));
  plan.crowd = 0;
  switch (plan.scene) {
    case Scene::any: break;
    case Scene::owners_link: plan.weather = chance.below(2) == 0 ? Weather::links : Weather::moves; break;
    case Scene::storing:
    case Scene::roaming: plan.weather = Weather::moves; break;
    case Scene::same_id:
    case Scene::back_again: plan.weather = chance.below(2) == 0 ? Weather::moves : Weather::nodes; break;
    case Scene::paused:
    case Scene::split: plan.weather = Weather::nodes; break;
  }
}

void pace_scene(Plan& plan, peer::Chance& chance) {
  plan.window_bytes = 0;
  plan.resends = true;
  plan.repeats = plan.scene == Scene::same_id || chance.below(4) == 0;
  plan.chat_every = Micros(5'000 + chance.below(100'000));
  switch (plan.scene) {
    case Scene::any: break;
    case Scene::owners_link:
      plan.move_every = plan.weather == Weather::links ? 0us : Micros(500ms + Micros(chance.below(5'000'000)));
      break;
    case Scene::storing: plan.move_every = Micros(20'000 + chance.below(300'000)); break;
    case Scene::same_id:
    case Scene::back_again: plan.move_every = Micros(50'000 + chance.below(500'000)); break;
    case Scene::roaming: plan.move_every = 100ms; break;
    case Scene::paused:
    case Scene::split: plan.move_every = Micros(300'000 + chance.below(3'000'000)); break;
  }
  plan.storm_ends = Micros(20'000'000 + chance.below(40'000'000));
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
  if (chance.below(5) < 2) set_scene(plan, chance);
  static constexpr std::array<Micros, 4> latencies{50us, 300us, 5ms, 60ms};
  plan.latency_min = latencies[chance.below(latencies.size())];
  plan.latency_spread = plan.latency_min * static_cast<std::int64_t>(chance.below(4)) / 2;
  plan.turn_max = Micros(chance.below(3) == 0 ? chance.below(2000) : 0);
  plan.timers_late = Micros(chance.below(4) == 0 ? 1 + chance.below(200'000) : 2000);
  plan.slow_readers = chance.below(2) == 0;
  plan.clocks_differ = chance.below(2) == 0;
  if (chance.below(12) == 0 && plan.scene == Scene::any) plan.crowd = 500 + chance.below(3000);
  plan.big_chats = chance.below(4) == 0;
  draw_people(plan, chance);
  plan.chat_every = Micros(20'000 + chance.below(800'000));
  if (plan.weather != Weather::links) plan.move_every = Micros(100'000 + chance.below(3'000'000));
  if (plan.weather == Weather::nodes && chance.below(5) == 0) plan.window_bytes = 4096 + chance.below(100'000);
  const auto drawn = Micros(static_cast<std::int64_t>(30'000'000 + chance.below(120'000'000)));
  plan.storm_ends = drawn;
  if (plan.scene != Scene::any) pace_scene(plan, chance);
  plan.storm_ends = minutes > 0 ? Micros(static_cast<std::int64_t>(minutes * 60e6)) : plan.storm_ends;
  if (plan.scene != Scene::any) {
    draw_scene(plan, chance);
  } else {
    const std::uint64_t per_minute = 2 + chance.below(40);
    draw_faults(plan, chance, 1 + per_minute * static_cast<std::uint64_t>(plan.storm_ends.count()) / 60'000'000U);
  }
  return plan;
}

}  // namespace sim
