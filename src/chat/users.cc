#include "src/chat/users.h"

#include <cassert>

namespace chat {

namespace {

std::size_t slot_of(ClientId id) { return static_cast<std::size_t>(id & 0xffffffffU) - 1; }
std::uint32_t generation_of(ClientId id) { return static_cast<std::uint32_t>(id >> 32U); }
ClientId id_of(std::size_t slot, std::uint32_t generation) {
  return (static_cast<ClientId>(generation) << 32U) | (slot + 1);
}

}  // namespace

Users::Users() : by_name_(0, Hash{&users_}, Equal{&users_}) {}

ClientId Users::add(Client& client, std::string_view name, std::uint64_t hash, peer::Stamp stamp) {
  assert(find(hash, name) == 0);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(users_.size()));
    users_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  User& user = users_[slot];
  user.client = &client;
  user.name = name;
  user.hash = hash;
  user.stamp = stamp;
  user.unsettled = 0;
  by_name_.insert(slot);
  ++changes_;
  return id_of(slot, user.generation);
}

void Users::remove(ClientId id) {
  if (get(id) == nullptr) return;
  const std::size_t slot = slot_of(id);
  User& user = users_[slot];
  by_name_.erase(static_cast<std::uint32_t>(slot));
  ++changes_;
  user.client = nullptr;
  std::string().swap(user.name);
  ++user.generation;
  free_.push_back(static_cast<std::uint32_t>(slot));
}

Client& Users::on_delivery(ClientId id) {
  assert(get(id) != nullptr);
  User& user = users_[slot_of(id)];
  ++user.unsettled;
  return *user.client;
}

bool Users::on_settled(ClientId id) {
  if (get(id) == nullptr) return false;
  assert(users_[slot_of(id)].unsettled > 0);
  --users_[slot_of(id)].unsettled;
  return true;
}

ClientId Users::find(std::uint64_t hash, std::string_view name) const {
  const auto at = by_name_.find(Name{hash, name});
  return at == by_name_.end() ? 0 : id_of(*at, users_[*at].generation);
}

const Users::User* Users::get(ClientId id) const {
  const std::size_t slot = slot_of(id);
  if (id == 0 || slot >= users_.size()) return nullptr;
  const User& user = users_[slot];
  return user.client != nullptr && user.generation == generation_of(id) ? &user : nullptr;
}

}  // namespace chat
