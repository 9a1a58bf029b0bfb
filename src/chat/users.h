// The users of this node: who is logged in here, by name and by id.
//
// Knows sessions but does not own them; a session leaves before it dies. One
// session a user (sessions.per_user = 1).
#pragma once

#include <tsl/robin_set.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "peer/hlc.h"
#include "src/chat/client.h"

namespace chat {

class Users {
 public:
  struct User {
    Client* client = nullptr;  // null: a free slot
    std::string name;
    std::uint64_t hash = 0;
    peer::Stamp stamp = 0;
    std::uint32_t generation = 0;
    std::uint32_t unsettled = 0;  // deliveries that its socket has
  };

  Users();
  Users(const Users&) = delete;
  Users& operator=(const Users&) = delete;

  // Nobody of that name is here.
  ClientId add(Client& client, std::string_view name, std::uint64_t hash, peer::Stamp stamp);
  // Unknown ids are ignored.
  void remove(ClientId id);

  // A delivery goes to its socket, and its end is known. The latter is false where the
  // session has left.
  Client& on_delivery(ClientId id);
  bool on_settled(ClientId id);

  // 0 where nobody of that name is here.
  ClientId find(std::uint64_t hash, std::string_view name) const;
  // Null where the id is not good any more. Borrowed until the next add or remove.
  const User* get(ClientId id) const;

  std::size_t size() const { return by_name_.size(); }
  // Grows whenever somebody comes or goes.
  std::uint64_t changes() const { return changes_; }

  // For a walk over all: the slots from 0; users that come and go meanwhile may
  // be missed or seen, nobody else is missed.
  std::size_t slots() const { return users_.size(); }
  const User& slot(std::size_t i) const { return users_[i]; }

 private:
  // The index holds slots alone; hash and name are looked up in them.
  struct Name {
    std::uint64_t hash;
    std::string_view text;
  };
  struct Hash {
    const std::vector<User>* users;
    std::size_t operator()(std::uint32_t slot) const { return (*users)[slot].hash; }
    std::size_t operator()(const Name& name) const { return name.hash; }
  };
  struct Equal {
    using is_transparent = void;
    const std::vector<User>* users;
    bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
    bool operator()(const Name& name, std::uint32_t slot) const {
      return (*users)[slot].hash == name.hash && (*users)[slot].name == name.text;
    }
    bool operator()(std::uint32_t slot, const Name& name) const { return (*this)(name, slot); }
  };

  std::vector<User> users_;
  std::vector<std::uint32_t> free_;
  std::uint64_t changes_ = 0;
  tsl::robin_set<std::uint32_t, Hash, Equal> by_name_;
};

}  // namespace chat
