// Chats that have arrived for users of this node, from other nodes, from here
// and from mailboxes: handed to their sessions, each once and in order, held
// back for a while, or refused.
//
// A refusal is a barrier: what that node sent behind it is refused too, until
// the node has read it; else a user who comes back would get the later first.
// What is seen twice under one sender and id is not handed twice: it shares the
// outcome of the first.
//
// Knows nothing of where else a chat may go. Owned by the router.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "peer/mesh.h"
#include "src/chat/end.h"
#include "src/chat/seen.h"
#include "src/chat/users.h"

namespace chat {

// The places besides the peers where a chat can be: a session of this node, a
// mailbox.
inline constexpr peer::PeerId here = 0xfffe;
inline constexpr peer::PeerId mail = 0xfffd;

class Arrivals {
 public:
  class Owner {
   public:
    // The end of a delivery that came from here or from a mailbox.
    virtual void on_here_ended(peer::Seq seq, End end) = 0;
    virtual void on_mail_ended(peer::Seq seq, End end) = 0;
    // Its recipient was handed a chat of which another copy may lie in the mailbox.
    virtual void on_perhaps_stored(const peer::ChatBody& chat) = 0;
    // The last delivery of the sessions of that user that are over has ended.
    virtual void on_older_ended(std::uint64_t user) = 0;

   protected:
    ~Owner() = default;
  };

  Arrivals(Users& users, Owner& owner, peer::HashKey key) : users_(users), owner_(owner), seen_(key) {}
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;
  void attach(peer::Mesh& mesh) { mesh_ = &mesh; }

  // A chat from another node's sender, or from here (era 0). Its end follows:
  // Mesh::settle or on_here_ended, perhaps from inside.
  void arrive(peer::PeerId from, std::uint32_t era, peer::Seq seq, const peer::ChatBody& chat);

  // An entry of the mailbox, for a session that is here. False: it has reached
  // its user before and on_mail_ended does not follow.
  struct Entry {
    peer::Seq seq = 0;
    std::uint64_t user = 0;
    std::string_view line;
    std::string_view sender;  // with id: tokens of the line; both empty where the id is a server's
    std::string_view id;
    bool may_repeat = false;  // its recipient may have it already
    bool taken = false;       // another session had it
  };
  bool offer(ClientId session, const Entry& entry);
  // The same chat is with a session already, from that place: the entry shares
  // its end. False where it is held back still, and is now forgotten there.
  bool follow(const Entry& entry, peer::PeerId from, std::uint32_t era, peer::Seq seq);

  // A delivery has ended.
  void end(const Origin& origin, End end);

  // While closed, what comes for that user is held back.
  void close(std::uint64_t user) { gates_[user].closed = true; }
  void open(std::uint64_t user);
  // What is held back for that user now, and not what comes later, is meant by
  // the next let_through(), which leaves the gate closed.
  void mark(std::uint64_t user);
  void let_through(std::uint64_t user);
  // The session leaves; deliveries that it still has are waited for.
  void on_logout(std::uint64_t user, std::uint32_t unsettled);
  // Deliveries of sessions of that user that are over have not all ended.
  bool older(std::uint64_t user) const;

  void on_lane_reset(peer::PeerId from, peer::Seq seq, std::string_view recipient);
  // The same for chats from here.
  void on_lane_reset_here(std::uint64_t user) { barriers_.erase({here, user}); }
  void on_era(peer::PeerId from);
  void tick(peer::Time now);

  std::size_t barriers() const { return barriers_.size(); }
  std::uint64_t repeated() const { return repeated_; }

 private:
  struct Held {
    peer::PeerId from = peer::no_peer;
    std::uint32_t era = 0;
    peer::Seq seq = 0;
    bool may_repeat = false;
    std::string recipient;
    std::string sender;
    std::string id;
    std::string line;
  };
  // Before a user's session.
  struct Gate {
    bool closed = false;
    std::uint32_t older = 0;  // deliveries of sessions that are over
    std::size_t held_bytes = 0;
    std::size_t marked = 0;  // of held, from its front
    std::deque<Held> held;
  };
  using Place = std::tuple<peer::PeerId, std::uint32_t, peer::Seq>;
  struct Plain {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };

  static bool hold(Gate& gate, Held chat);
  peer::ChatBody released(const Held& chat) const;
  // False: it is a repetition, whose end is known or will be the first one's.
  bool first(Origin& origin, const peer::ChatBody& chat);
  void deliver(peer::PeerId from, std::uint32_t era, peer::Seq seq, std::uint64_t user, ClientId session,
               const peer::ChatBody& chat);
  void hand(ClientId session, const Delivery& delivery, Origin origin);
  void settle(const Origin& origin, End end);
  void end_followers(const Origin& first, End end);
  void refuse(peer::PeerId from, std::uint32_t era, peer::Seq seq, std::uint64_t user);
  void pass(std::uint64_t user);
  void lower_barriers(peer::PeerId from);
  bool taken_back(const Origin& origin) const;

  Users& users_;
  Owner& owner_;
  peer::Mesh* mesh_ = nullptr;
  Seen seen_;
  peer::Time now_{0};
  std::uint64_t repeated_ = 0;  // handed to nobody, since they had been
  std::unordered_map<std::uint64_t, Gate, Plain> gates_;
  std::multimap<Place, Origin> followers_;  // by the place of the one whose end they share
  // (sender's node, recipient): refused once, so all are until the lane is
  // reset. As many as there are refusals on their way, which the senders'
  // windows bound.
  std::set<std::pair<peer::PeerId, std::uint64_t>> barriers_;
  // How far each lane was reset, and under user 0 all of a node's: who has taken
  // back what is still with a session here reads no refusal of it. Kept while
  // there is something of that node's from before.
  std::map<std::pair<peer::PeerId, std::uint64_t>, peer::Seq> resets_;
};

}  // namespace chat
