// Mailboxes of users who are here, being emptied into their sessions.
//
// A pass reads a mailbox from its oldest entry on, page by page, as fast as the
// session's deliveries end; until it has read the last, chats that come directly
// are held back (Arrivals). An entry leaves the mailbox when it was delivered or
// written; what a session did not take stays for the next.
//
//            begin, on_wake          on_taken, more           room again
//   nothing ───────────────▶ asked ────────────────▶ full ──────────────▶ asked
//      ▲                      │ ▲
//      │ on_taken, the last   │ │ older sessions' deliveries have ended
//      └──────────────────────┤ │
//                             ▼ │
//                           stalled
//
// With Redis down a node's word that something is stored makes it `awaited`: what
// that node sends directly waits for Redis, for a while.
//
// A pass that is asked to begin again does so at its end; what came directly
// before that was asked goes on then (Arrivals::mark).
//
// Owned by the router.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "peer/mesh.h"
#include "src/chat/arrivals.h"
#include "src/chat/store.h"
#include "src/chat/users.h"

namespace chat {

class Drains {
 public:
  class Owner {
   public:
    // Entries that a session of this node has not taken lie in that mailbox.
    virtual void on_left_over(std::uint64_t user, std::string_view name) = 0;

   protected:
    ~Owner() = default;
  };

  Drains(Users& users, Arrivals& arrivals, Owner& owner) : users_(users), arrivals_(arrivals), owner_(owner) {}
  Drains(const Drains&) = delete;
  Drains& operator=(const Drains&) = delete;
  // Without a store no session has anything to wait for.
  void attach(peer::Mesh& mesh) { mesh_ = &mesh; }
  void attach_store(Store& store) { store_ = &store; }

  // That session has logged in: says Client::on_ready to it, perhaps from inside.
  void begin(ClientId session);
  // It is not among the users any more.
  void on_logout(std::uint64_t user, ClientId session);
  // Something was stored for a user; ignored where nobody of that name is here.
  void on_wake(std::string_view name);
  // The same from a node that will send to that user directly from now on: in
  // order even where Redis is down here and about to be back.
  void on_direct_wake(std::string_view name, peer::Time now);
  // All who are here are to be looked after, by and by.
  void look_after_all() { sweep_at_ = 0; }
  // Redis is back; it may have lost what was last removed.
  void on_store_up();
  void tick(peer::Time now);
  bool wants_tick() const { return sweep_at_ != swept || !full_.empty() || !awaited_.empty(); }

  void on_taken(std::uint64_t token, const Store::Taken& taken);
  void on_older_ended(std::uint64_t user);
  void on_ended(peer::Seq seq, End end);

 private:
  static constexpr std::size_t swept = ~std::size_t{0};

  enum class Pass : std::uint8_t { nothing, awaited, asked, full, stalled };
  struct Mailbox {
    std::string name;
    ClientId session = 0;
    Pass pass = Pass::nothing;
    bool greets = false;     // on_ready is still to be said
    bool again = false;      // something came since the pass began
    bool left_over = false;  // a session has given entries back; the next pass begins at the oldest
    std::uint64_t token = 0;
    EntryId after;
    std::set<EntryId> in_hand;  // taken, and their end is not known
  };
  struct Hand {
    std::uint64_t user = 0;
    EntryId at;
  };
  struct Plain {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };

  void start(std::uint64_t user, Mailbox& mailbox);
  void ask(std::uint64_t user, Mailbox& mailbox);
  void finish(std::uint64_t user);
  bool greet(std::uint64_t user, std::size_t waiting);
  void take(std::uint64_t user, Mailbox& mailbox, const Store::Entry& entry);
  bool hand(Mailbox& mailbox, const Store::Entry& entry, const Arrivals::Entry& offered);
  void clear(std::uint64_t user);
  bool has_room(const Mailbox& mailbox) const;

  Users& users_;
  Arrivals& arrivals_;
  Owner& owner_;
  peer::Mesh* mesh_ = nullptr;
  Store* store_ = nullptr;
  std::unordered_map<std::uint64_t, Mailbox, Plain> mailboxes_;    // with a pass or entries in hand
  std::unordered_map<std::uint64_t, std::uint64_t, Plain> asked_;  // the user of each take under way
  std::unordered_map<peer::Seq, Hand> hands_;
  std::uint64_t last_token_ = 0;
  peer::Seq last_seq_ = 0;
  std::map<std::uint64_t, peer::Time> awaited_;  // users whose pass waits for Redis, and until when
  std::set<std::uint64_t> full_;                 // users whose pass waits for room
  std::size_t sweep_at_ = swept;                 // the next slot of Users to be looked after
};

}  // namespace chat
