// Where a chat goes: to a session here, to the node that serves its recipient,
// or back to its sender as an error.
//
// This node answers for every chat of its senders until it is settled: the
// bytes stay in the link's stream (or, for a recipient here, in a stream of its
// own that has no link) until the outcome is known. Chats of other nodes'
// senders are delivered or refused, never forwarded.
//
// Order. A recipient with unsettled chats has a lane: where they went and how
// many. A chat whose way would be another waits behind them; so do all later
// ones while some that were refused find a new way. See DESIGN.md §6.
// A session that has ended may still have deliveries with its socket: what comes
// from elsewhere for a newer session of that user here waits until their end is
// known.
//
// Pure but for the mesh it is given. Owned by the node.
#pragma once

#include <tsl/robin_map.h>

#include <deque>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "peer/mesh.h"
#include "src/chat/desk.h"
#include "src/chat/users.h"

namespace chat {

// The place of this node among those where a recipient can be.
inline constexpr peer::PeerId here = 0xfffe;

// Where the chats of a lane go.
struct Way {
  peer::PeerId owner = peer::no_peer;
  ClientId session = 0;   // where the owner is this node
  peer::Stamp stamp = 0;  // of the login, where it is another
  // To another node the way is the same whoever is logged in there: it keeps the order itself.
  bool operator==(const Way& other) const { return owner == other.owner && session == other.session; }
};

class Router final : public Desk, public peer::Guest {
 public:
  struct Counters {
    std::uint64_t logins = 0;
    std::uint64_t taken = 0;      // chats of this node's senders
    std::uint64_t forwarded = 0;  // of them, over a link
    std::uint64_t arrived = 0;    // from other nodes' senders
    std::uint64_t written = 0;    // settled so
    std::uint64_t failed = 0;     // settled by an error
  };

  Router();
  // The mesh is made after its guest. `wall_ms` is asked at logins only.
  void attach(peer::Mesh& mesh, std::function<std::int64_t()> wall_ms);

  // Desk
  std::uint64_t hash(std::string_view name) const override { return mesh_->hash(name); }
  ClientId login(Client& client, std::string_view name) override;
  void logout(ClientId id) override;
  void chat(ClientId from, const Draft& draft) override;
  void on_written(const Origin& origin) override;
  void on_unwritten(const Origin& origin) override;
  bool online(std::string_view name) const override;

  // peer::Guest
  void on_chat(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat) override;
  void on_lane_reset(peer::PeerId from, std::string_view recipient) override;
  void on_era(peer::PeerId from) override;
  void on_settled(peer::PeerId to, peer::Seq seq, const peer::Ticket& ticket, std::string_view body, peer::Settled how,
                  bool sent) override;
  void on_user(peer::PeerId at, std::string_view name, std::uint64_t hash, peer::Stamp stamp) override;
  bool next_users(std::uint64_t& cursor, peer::Buffer& into, std::size_t bytes) override;

  const Users& users() const { return users_; }
  const Counters& counters() const { return counters_; }
  // Nothing of this node's senders is on its way any more.
  bool idle() const { return lanes_.empty(); }
  // For how many (other node, user) chats are refused until that node has read why.
  std::size_t barriers() const { return barriers_.size(); }

 private:
  // Other nodes that have said that a recipient is not there, each once, with the
  // newest login that it can have meant: else a chat would be sent there again for
  // as long as this node has not heard of the logout.
  using Refusals = std::vector<peer::Mesh::Login>;
  // A chat that waits in its lane, with its bytes.
  struct Parked {
    peer::Ticket ticket;
    std::string recipient;
    std::string line;
    Refusals refused;
    peer::Seq seq = 0;  // its place among those that were refused
  };
  struct Waiting {
    std::deque<Parked> refused;  // in the order in which they were sent
    std::deque<Parked> behind;   // came later
  };
  struct Lane {
    Way way;
    Refusals refused;    // before, of those that began it
    bool waits = false;  // has an entry in waiting_
    std::uint32_t unsettled = 0;
  };
  // From elsewhere, for a session that has to wait for an older one's end.
  struct Held {
    peer::PeerId from = peer::no_peer;
    std::uint32_t era = 0;
    peer::Seq seq = 0;
    std::string recipient;
    std::string line;
  };
  // Of the sessions of a user that have ended.
  struct Ended {
    std::uint32_t unsettled = 0;  // deliveries, never 0
    std::size_t held_bytes = 0;
    std::deque<Held> held;
  };
  struct SameHash {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };

  Way place(std::uint64_t hash, std::string_view name, const Refusals& refused) const;
  // One way for all: a new chat and one that waited.
  void route(const peer::Ticket& ticket, std::string_view recipient, std::span<const std::string_view> line,
             std::size_t line_bytes, const Refusals& refused);
  bool deliver_here(ClientId session, const peer::Ticket& ticket, std::string_view recipient,
                    std::span<const std::string_view> line, std::size_t line_bytes);
  void park(Lane& lane, const peer::Ticket& ticket, std::string_view recipient, std::span<const std::string_view> line,
            std::size_t line_bytes);
  void lane_settled(std::uint64_t hash);
  void resume(std::uint64_t hash, peer::PeerId owner);
  void hand(ClientId session, std::string_view line, Origin origin);
  void deliver_or_refuse(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat);
  static bool hold(Ended& older, Held chat);
  void end_known(const Origin& origin);
  void tell(const peer::Ticket& ticket, std::string_view line, Outcome outcome, bool maybe);
  void fail(const peer::Ticket& ticket, std::span<const std::string_view> line, std::size_t line_bytes, Outcome why);

  peer::Mesh* mesh_ = nullptr;
  std::function<std::int64_t()> wall_ms_;
  Users users_;
  Counters counters_;

  // Chats on their way from a session here to a session here.
  peer::Pool here_pool_;
  peer::Stream here_;

  tsl::robin_map<std::uint64_t, Lane, SameHash> lanes_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::unordered_map<std::uint64_t, Ended> ended_;
  // (sender's node, recipient): refused once, so all are until the lane is
  // reset. As many as there are refusals on their way, which the senders'
  // windows bound.
  std::set<std::pair<peer::PeerId, std::uint64_t>> barriers_;
};

}  // namespace chat
