// What people do: by the dice, or as a scene has it.
#include <algorithm>

#include "tests/sim/people.h"

namespace sim {

namespace {

using namespace std::chrono_literals;

constexpr std::uint8_t a = 0;
constexpr std::uint8_t b = 1;

}  // namespace

// --- By the dice.

Session* People::any_live() {
  if (live_.empty()) return nullptr;
  Session* const session = live_[chance_.below(live_.size())];
  return session->ready() && !session->over() ? session : nullptr;
}

void People::move_in(const std::vector<Place>& places) {
  for (std::uint8_t user = 0; user < plan_->users; ++user) {
    const auto node = static_cast<std::uint8_t>(chance_.below(places.size()));
    if (session_of(user) != nullptr) continue;
    plan_login(Micros(chance_.below(100'000)), user, node, places);
  }
}

void People::stir(const std::vector<Place>& places) {
  bring_back(places);
  if (plan_->move_every > 0us && events_->now() >= next_move_) {
    next_move_ = events_->now() + Micros(chance_.below(2 * static_cast<std::uint64_t>(plan_->move_every.count())));
    plan_->scene == Scene::any ? stir_places(places) : play(places);
  }
  if (plan_->scene != Scene::any && chance_.below(8) != 0) return write_to_b();
  stir_chat();
}

void People::stir_places(const std::vector<Place>& places) {
  const auto user = static_cast<std::uint8_t>(chance_.below(plan_->users));
  const Session* const session = session_of(user);
  const std::uint64_t dice = chance_.below(10);
  if (session != nullptr && dice < 2)
    return plan(0us, session->node, session->life, {Verb::logout, 0, session->number, 0, 0, false, 0});
  if (session != nullptr && dice < 4) return drop(*of_number_[session->number]);
  if (dice == 9) return hop(user, places);
  // A login, on the same node as before now and then.
  auto node = static_cast<std::uint8_t>(chance_.below(places.size()));
  if (session != nullptr && chance_.below(4) == 0) node = session->node;
  plan_login(0us, user, node, places);
}

void People::plan_login(Micros delay, std::uint8_t user, std::uint8_t node, const std::vector<Place>& places) {
  if (places[node].router == nullptr) return;
  plan(delay, node, places[node].life, {Verb::login, user, 0, 0, 0, false, 0});
}

// Away and back and elsewhere, faster than the others can hear of it, while they write.
void People::hop(std::uint8_t user, const std::vector<Place>& places) {
  const auto span = static_cast<std::uint64_t>((4 * plan_->latency_min + 5ms).count());
  const auto soon = [this, span] { return Micros(chance_.below(span)); };
  const Session* const session = session_of(user);
  if (session != nullptr && chance_.below(2) == 0) {
    of_number_[session->number]->hang_up();
    events_->push_in(soon(), What::reset, session->node, session->number, session->life);
  }
  for (std::uint64_t logins = 1 + chance_.below(4); logins > 0; --logins) {
    const bool back = session != nullptr && chance_.below(2) == 0;
    plan_login(soon(), user, back ? session->node : static_cast<std::uint8_t>(chance_.below(places.size())), places);
  }
  for (std::uint64_t bursts = chance_.below(8); bursts > 0; --bursts) {
    const Session* const from = any_live();
    if (from == nullptr) return;
    const auto count = static_cast<std::uint8_t>(1 + chance_.below(3));
    plan(soon(), from->node, from->life, {Verb::chat, 0, from->number, user, count, true, 0});
  }
}

void People::stir_chat() {
  const Session* const from = any_live();
  if (from == nullptr) return;
  const auto recipient = static_cast<std::uint8_t>(chance_.below(plan_->users));
  const auto count = static_cast<std::uint8_t>(chance_.below(6) == 0 ? 1 + chance_.below(30) : 1 + chance_.below(3));
  plan(0us, from->node, from->life,
       {Verb::chat, 0, from->number, recipient, count, chance_.below(100) >= plan_->nameless, 0});
}

void People::call_everybody() {
  all_known_ = true;
  for (const Session* from : live_)
    for (std::uint8_t user = 0; user < plan_->users; ++user)
      plan(Micros(chance_.below(1'000'000)), from->node, from->life, {Verb::chat, 0, from->number, user, 2, true, 0});
}

// --- Scenes.

void People::write_to_b() {
  const Session* const from = session_of(a);
  if (from == nullptr || !from->ready() || from->over()) return;
  const auto count = static_cast<std::uint8_t>(chance_.below(12) == 0 ? 1 + chance_.below(20) : 1);
  plan(0us, from->node, from->life, {Verb::chat, 0, from->number, b, count, chance_.below(100) >= plan_->nameless, 0});
}

// One move of a scene.
void People::play(const std::vector<Place>& places) {
  const auto anywhere = static_cast<std::uint8_t>(chance_.below(places.size()));
  const Session* const its = session_of(b);
  switch (plan_->scene) {
    case Scene::any: return;
    case Scene::owners_link:
    case Scene::paused: return stir_places(places);
    case Scene::storing:
      if (its != nullptr && chance_.below(3) != 0) return drop(*of_number_[its->number]);
      return plan_login(0us, b, anywhere, places);
    case Scene::same_id:
    case Scene::split: return plan_login(0us, chance_.below(2) == 0 ? a : b, anywhere, places);
    case Scene::back_again: return chance_.below(4) == 0 ? stir_places(places) : hop(b, places);
    case Scene::roaming: return plan_login(0us, b, anywhere, places);
  }
}

}  // namespace sim
