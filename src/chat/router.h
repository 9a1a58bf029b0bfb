// Where a chat goes: to a session here, to the node that serves its recipient,
// to the recipient's mailbox, or back to its sender as an error.
//
// This node answers for every chat of its senders until it is settled: the
// bytes stay in the link's stream (or, for a recipient here or a mailbox, in a
// stream of its own that has no link) until the outcome is known, and are routed
// anew where the first way was none. Chats of other nodes' senders are delivered
// or refused (Arrivals), never forwarded.
//
// Order. A recipient with unsettled chats has a lane: where they went and how
// many. A chat whose way would be another waits behind them; so do all later
// ones while some that came back find a new way. See DESIGN.md §6.
//
// Pure but for the mesh and the store it is given. Owned by the node.
#pragma once

#include <tsl/robin_map.h>

#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "peer/mesh.h"
#include "src/chat/arrivals.h"
#include "src/chat/desk.h"
#include "src/chat/drains.h"
#include "src/chat/refusals.h"
#include "src/chat/store.h"
#include "src/chat/trail.h"
#include "src/chat/users.h"
#include "src/chat/wakes.h"

namespace chat {

// The time of day, in milliseconds since the epoch.
class WallClock {
 public:
  virtual std::int64_t wall_ms() const = 0;

 protected:
  ~WallClock() = default;
};

// Where the chats of a lane go.
struct Way {
  peer::PeerId owner = peer::no_peer;
  ClientId session = 0;   // where the owner is this node
  peer::Stamp stamp = 0;  // of the login, where it is another
  // To another node the way is the same whoever is logged in there: it keeps the order itself.
  bool operator==(const Way& other) const { return owner == other.owner && session == other.session; }
};

class Router final : public Desk,
                     public peer::Guest,
                     public Store::Keeper,
                     private Arrivals::Owner,
                     private Drains::Owner {
 public:
  struct Counters {
    std::uint64_t logins = 0;
    std::uint64_t taken = 0;      // chats of this node's senders
    std::uint64_t forwarded = 0;  // of them, over a link
    std::uint64_t arrived = 0;    // from other nodes' senders
    std::uint64_t rerouted = 0;   // sent, and had to go another way
    std::uint64_t delivered = 0;  // settled so
    std::uint64_t written = 0;    // …
    std::uint64_t stored = 0;     // …
    std::uint64_t failed = 0;     // settled by an error
  };

  // `chance` draws the key of what was seen.
  explicit Router(peer::Chance& chance);
  // The mesh is made after its guest. Both outlive the router.
  void attach(peer::Mesh& mesh, const WallClock& clock);
  // Without one, who is offline is no such user.
  void attach_store(Store& store);
  // Without it nobody can be told who is online.
  void attach_roll_call(RollCall& roll_call) { roll_call_ = &roll_call; }

  // At the end of every turn and, while it wants to, every 100 ms or so.
  void tick(peer::Time now);
  // This process was paused, and what its sessions' connections hold may be old:
  // their clients may have sent it again by now, elsewhere.
  void on_pause(peer::Time now);
  // This node leaves: what other nodes' sessions have not read or confirmed yet
  // goes to the mailboxes as well, so that it is not lost with those sessions once
  // nobody answers for it any more.
  void leave_to_mailboxes();
  // All sessions of that user here: how many there were.
  std::size_t kick(std::string_view name, KickReason why);
  bool wants_tick() const { return drains_.wants_tick() || !wakes_.empty(); }

  // Desk
  std::uint64_t hash(std::string_view name) const override { return mesh_->hash(name); }
  ClientId login(Client& client, std::string_view name) override;
  void logout(ClientId id) override;
  void chat(ClientId from, const Draft& draft) override;
  void on_written(const Origin& origin) override { arrivals_.end(origin, End::written); }
  void on_delivered(const Origin& origin) override { arrivals_.end(origin, End::delivered); }
  void on_unwritten(const Origin& origin) override { arrivals_.end(origin, End::unwritten); }
  void on_unread(const Origin& origin) override { arrivals_.end(origin, End::unread); }
  bool online(std::string_view name) const override;
  bool who(ClientId asker, const RollPage& page) override {
    return roll_call_ != nullptr && roll_call_->ask(asker, page);
  }

  // peer::Guest
  void on_chat(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat) override;
  void on_lane_reset(peer::PeerId from, peer::Seq seq, std::string_view recipient) override;
  void on_wake(peer::PeerId from, std::string_view user) override;
  void on_unreachable(peer::PeerId peer) override;
  void on_era(peer::PeerId from) override;
  void on_settled(peer::PeerId to, peer::Seq seq, const peer::Ticket& ticket, std::string_view body, peer::Settled how,
                  bool sent) override;
  bool waits(const peer::Ticket& ticket) const override { return users_.get(ticket.sender) != nullptr; }
  void on_user(peer::PeerId at, std::string_view name, std::uint64_t hash, peer::Stamp stamp) override;
  bool next_users(std::uint64_t& cursor, peer::Buffer& into, std::size_t bytes) override;

  // Store::Keeper
  void on_stored(std::uint64_t token, Store::Stored how) override;
  void on_taken(std::uint64_t token, const Store::Taken& taken) override;
  void on_wake(std::string_view user) override { drains_.on_wake(user); }
  void on_store_up() override;

  const Users& users() const { return users_; }
  const Counters& counters() const { return counters_; }
  const Trail& trail() const { return trail_; }
  // Nothing of this node's senders is on its way any more.
  bool idle() const { return lanes_.empty(); }
  // For how many (other node, user) chats are refused until that node has read why.
  std::size_t barriers() const { return arrivals_.barriers(); }
  // Chats that came again under their id and were handed to nobody.
  std::uint64_t repeated() const { return arrivals_.repeated(); }

 private:
  // A chat that waits in its lane, with its bytes.
  struct Parked {
    peer::Ticket ticket;
    std::string recipient;
    std::string line;
    Refusals refused;
    Via via;
    peer::Seq seq = 0;  // its place among those that came back
  };
  struct Waiting {
    std::deque<Parked> back;    // came back; they go on in the order in which they were sent
    std::deque<Parked> behind;  // came later
  };
  struct Lane {
    Way way;
    Refusals refused;        // before, of those that began it
    std::uint64_t seen = 0;  // changes() when a chat that nobody had refused was sent this way
    bool waits = false;      // has an entry in waiting_
    bool reset_due = false;  // the owner refuses until it hears that this was read
    std::uint32_t unsettled = 0;
  };
  // A chat on its way, borrowed.
  struct Letter {
    peer::Ticket& ticket;
    std::string_view recipient;
    std::span<const std::string_view> line;
    std::size_t line_bytes;
    std::string_view id;
  };
  struct SameHash {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };

  void end(ClientId id, KickReason why);
  bool store_up() const { return store_ != nullptr && store_->up(); }
  // Of users here and elsewhere.
  std::uint64_t changes() const { return 1 + users_.changes() + mesh_->directory().changes(); }
  bool leads_on(const Lane& lane) const;
  Way place(std::uint64_t hash, std::string_view name, const Refusals& refused) const;
  // One way for all: a new chat and one that waited.
  void route(const Letter& letter, const Refusals& refused, const Via& via);
  peer::Mesh::Sent send(const Way& way, const Letter& letter, const Via& via);
  peer::Seq keep(peer::Stream& stream, const Letter& letter);
  void park(Lane& lane, const Letter& letter);
  void settle_kept(peer::Stream& stream, peer::PeerId place, peer::Seq seq, peer::Settled how);
  void come_back(peer::PeerId from, peer::Seq seq, const peer::Ticket& ticket, const peer::ChatBody& chat, bool refused,
                 const Via& via);
  void lane_settled(std::uint64_t hash, std::string_view recipient);
  void reset_lane(peer::PeerId owner, std::uint64_t hash, std::string_view recipient);
  void resume(std::uint64_t hash);
  void wake_owner(std::uint64_t hash, std::string_view name);
  void wake_at(peer::PeerId owner, std::uint64_t hash, std::string_view name);
  void trace(const Letter& letter, Trail::What what, peer::PeerId place = peer::no_peer);
  void tell(const peer::Ticket& ticket, std::string_view line, Outcome outcome, bool maybe);
  void fail(const Letter& letter, Outcome why, bool maybe);
  void fail_nowhere(const Letter& letter, const Refusals& refused);

  // Arrivals::Owner, Drains::Owner
  void on_here_ended(peer::Seq seq, End end) override;
  void on_mail_ended(peer::Seq seq, End end) override { drains_.on_ended(seq, end); }
  void on_perhaps_stored(const peer::ChatBody& chat) override;
  void on_older_ended(std::uint64_t user) override { drains_.on_older_ended(user); }
  void on_left_over(std::uint64_t user, std::string_view name) override { wake_owner(user, name); }

  peer::Mesh* mesh_ = nullptr;
  Store* store_ = nullptr;
  RollCall* roll_call_ = nullptr;
  const WallClock* clock_ = nullptr;
  peer::Time now_{0};
  peer::Time doubts_until_{0};
  bool leaving_ = false;
  peer::Time wakes_swept_at_{0};
  Users users_;
  Counters counters_;
  Arrivals arrivals_;
  Drains drains_;
  Wakes wakes_;
  Trail trail_;
  std::set<std::string, std::less<>> perhaps_stored_;  // whose mailboxes are to be looked into when the turn is over

  // Chats on their way from a session here to a session here, and to mailboxes.
  peer::Pool kept_pool_;
  peer::Stream here_;
  peer::Stream mail_;

  tsl::robin_map<std::uint64_t, Lane, SameHash> lanes_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
};

}  // namespace chat
