// The mesh: the table of peers, their links both ways, the directory of their
// users. The one face of peer/ that the rest of the program sees.
//
// It does no I/O and reads no clock. The World (sockets, log) is told to dial,
// close and write; the Guest (the chat layer) is told of chats, outcomes and
// logins. Both are called from inside the events below; a Guest may call send(),
// settle(), user_on() and user_off() from there. `now` never goes back.
//
// Owned by the node; a thing, not a value.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "peer/canary.h"
#include "peer/chance.h"
#include "peer/directory.h"
#include "peer/hash.h"
#include "peer/inlink.h"
#include "peer/lobby.h"
#include "peer/membership.h"
#include "peer/outage.h"
#include "peer/outlink.h"
#include "peer/self.h"

namespace peer {

// Something worth a line in the log.
struct Report {
  enum class Kind : std::uint8_t {
    link_up,         // my dial to the peer was welcomed
    link_down,       // … was lost
    dial_failed,     // … never came up
    accepted,        // the peer's dial was welcomed by me
    accept_lost,     // … was lost
    accept_refused,  // somebody's dial was refused by me
    node_joined,     // a node was met for the first time in this life
    node_left,       // it said so
    node_dead,       // it was declared dead
    reincarnated,    // the others had given me up
    canary_lost,     // the links with the peer are up and do not deliver; `why` names the direction
    canary_back,     // they do again
  };
  Kind kind{};
  std::string peer;     // the node's name; empty: a stranger that told none
  std::string address;  // of the peer port; of an accepted connection, where it came from
  std::string why;
  PeerId id = no_peer;  // of the node, where it has been met
};

class World {
 public:
  // The answers are Mesh::opened or Mesh::lost, later.
  virtual void dial(ConnId, const Address&) = 0;
  // At once; nothing more is heard of it.
  virtual void close(ConnId) = 0;
  // Send these bytes, then close; nothing more is heard of it.
  virtual void farewell(ConnId, std::string_view last_words) = 0;
  // Mesh::fill has something; ask for it at the end of the turn.
  virtual void want_write(ConnId) = 0;
  virtual void report(const Report&) = 0;

 protected:
  ~World() = default;
};

// How a chat that this node sent over a link ended. Of the last three, `sent` says
// whether the owner may have had it.
enum class Settled : std::uint8_t {
  delivered,  // its recipient's client has confirmed it
  written,    // with the kernel at its owner, for a live connection
  not_here,   // the owner has no such user; nothing of it was written
  unread,     // the recipient's session ended before it confirmed it; it may have seen it
  lost,       // the owner's node died or forgot
  withdrawn,  // taken back by withdraw()
  expired,    // it has waited for the link for Timing::wait_max
};

class Guest {
 public:
  // A chat for a user of this node. Sooner or later exactly one
  // Mesh::settle(from, era, seq, …) follows, unless the era is over before.
  virtual void on_chat(PeerId from, std::uint32_t era, Seq seq, const ChatBody& chat) = 0;
  // The peer has read all refusals of its chats to that user before `seq`, or has
  // taken them back; empty: of all its chats, to whomever.
  virtual void on_lane_reset(PeerId from, Seq seq, std::string_view recipient) = 0;
  // It says that something lies in the mailbox of a user of this node.
  virtual void on_wake(PeerId from, std::string_view user) = 0;
  // My link to it has been down for Timing::hold: chats to it would wait.
  virtual void on_unreachable(PeerId peer) = 0;
  // A new era of `from` begins: its chats before are settled elsewhere.
  virtual void on_era(PeerId from) = 0;
  // One of mine is settled; `seq` says in which order they were sent to that
  // peer, `body` is the chat frame's (decode_chat), borrowed.
  virtual void on_settled(PeerId to, Seq seq, const Ticket& ticket, std::string_view body, Settled how, bool sent) = 0;
  // Is anybody waiting for the outcome of a chat of this ticket?
  virtual bool waits(const Ticket& ticket) const = 0;
  // A user logged in elsewhere.
  virtual void on_user(PeerId at, std::string_view name, std::uint64_t hash, Stamp stamp) = 0;
  // The users of this node from `cursor` (0 at first) on, with write_user, about
  // `bytes` of them; false when there are no more. Users that come and go between
  // two calls are told by user_on and user_off besides, so they may be missed or
  // told twice here, but nobody else may be missed.
  virtual bool next_users(std::uint64_t& cursor, Buffer& into, std::size_t bytes) = 0;

 protected:
  ~Guest() = default;
};

// What nodes tell each other besides chats: what is of the moment, and questions.
// Best effort: in order while a connection lasts, lost with it.
class DatagramSink {
 public:
  // `bytes` as the peer's send_datagram() was given them; borrowed.
  virtual void on_datagram(PeerId from, std::string_view bytes) = 0;

 protected:
  ~DatagramSink() = default;
};

// One record of a `users` frame: u8 on, u64 stamp, text8 name.
void write_user(Buffer& into, bool on, Stamp stamp, std::string_view name);

class Mesh final : private OutLink::Owner, private InLink::Owner {
 public:
  struct Settings {
    Self self;
    std::vector<Member> peers;  // static ones; the own entry is passed over
    bool discovers = false;     // members also come through listed()
    std::size_t window_total_bytes = std::size_t{256} << 20U;
  };
  Mesh(Settings settings, World& world, Guest& guest, Chance& chance);
  ~Mesh();
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  // Who is told of the peers' datagrams; without one they are dropped.
  void attach(DatagramSink& sink) { datagram_sink_ = &sink; }

  // Dials the static peers.
  void start(Time now);

  // --- Connections.
  // `remote` is for the log. 0: not now, close it.
  ConnId accepted(Time now, std::string_view remote);
  void opened(ConnId, Time now);
  void bytes(ConnId, Time now, std::string_view bytes);
  void lost(ConnId, Time now, std::string_view why);
  void fill(ConnId, Buffer& out);
  Time wake_at() const { return wake_at_; }
  void tick(Time now);

  // --- Who should be there.
  // A look at Redis: all members and leases. Answers with the entries that are to
  // be taken out of the set if they still stand there unsupported by a lease.
  std::vector<Member> listed(const std::vector<Listed>& view, Time now);
  void redis_lost() { membership_.session_lost(); }

  // --- My own life.
  // The process was paused: everything unread is old. All links are closed and
  // none is dialled or accepted until resume().
  void suspend(Time now);
  void resume(Time now);
  // The others have given me up: a new incarnation. Everything unsettled is
  // lost to its senders, every peer gets my users anew. resume() is included.
  void reincarnate(Time now);
  Incarnation incarnation() const { return self_.incarnation; }
  const Self& self() const { return self_; }
  // Leaving in good order: says bye to all; dials and accepts no more.
  void leave(Time now);
  // Chats sent and not settled, over all links.
  std::size_t unsettled_bytes() const;

  // --- Users of this node.
  std::uint64_t hash(std::string_view name) const { return name_hash(hash_key_, name); }
  Stamp next_stamp(std::int64_t wall_ms) { return clock_.next(wall_ms); }
  void user_on(std::string_view name, Stamp stamp);
  void user_off(std::string_view name, Stamp stamp);

  // --- Chats.
  struct Login {
    PeerId at = no_peer;
    Stamp stamp = 0;
  };
  // A user's newest login among the peers. Those at a node of `refused` up to its
  // stamp are passed over: that node has said that they are not there. What is no
  // peer in it is ignored.
  Login newest(std::uint64_t user_hash, std::span<const Login> refused) const;
  PeerId owner(std::uint64_t user_hash) const { return newest(user_hash, {}).at; }
  enum class Sent : std::uint8_t { yes, full, gone };
  // `line` in pieces, `line_bytes` in all.
  Sent send(PeerId to, std::string_view recipient, std::span<const std::string_view> line, std::size_t line_bytes,
            const Ticket& ticket);
  // See DESIGN.md §6, "Not here, and back again".
  void reset_lane(PeerId to, std::string_view recipient);
  // "Something lies in the mailbox of a user of yours", in order with the chats.
  void wake(PeerId to, std::string_view user);
  // Takes back the chats that are held for a peer, for all of them to go another
  // way: Guest::on_settled with `withdrawn` for each, in order.
  void withdraw(PeerId from);
  // A chat that was on the stream from that life of a peer to that life of this
  // node has come by another way (InLink::supersede).
  struct Superseded {
    InLink::Fate fate = InLink::Fate::never_came;
    PeerId peer = no_peer;  // no_peer: not of this life, so nothing is known of it
    std::uint32_t era = 0;
  };
  Superseded supersede(Incarnation from, Incarnation to, Seq seq);
  // A chat of that peer's that has come and is not settled may have gone another
  // way since.
  bool may_be_taken_back(PeerId from, Seq seq) const { return peers_[from]->in.may_be_taken_back(now_, seq); }
  // False where nobody waits for it any more: another era has begun.
  bool settle(PeerId from, std::uint32_t era, Seq seq, WireOutcome outcome);
  // Of a peer's chats all before this one have ended, and it was told so.
  Seq oldest_from(PeerId from) const { return peers_[from]->in.oldest(); }
  // False once on_unreachable() was said, until the link is up again.
  bool reachable(PeerId to) const { return !peers_[to]->outage.held(); }
  Incarnation incarnation_of(PeerId peer) const { return peers_[peer]->incarnation; }
  std::size_t peers() const { return peers_.size(); }  // their ids are 0 … peers() - 1
  // It should be there: it is in the set, or static, and has not said bye.
  bool expected(PeerId peer) const { return peers_[peer]->listed && !peers_[peer]->left; }

  // Never waits behind chats. Goes by my link or, while that is down, back by the
  // peer's: who is cut off one way can say so. At most 256 KiB wait for a connection;
  // false where there is no room, or neither link.
  bool send_datagram(PeerId to, std::string_view bytes) {
    Peer& peer = *peers_[to];
    return peer.out.up() ? peer.out.send_datagram(bytes) : peer.in.send_datagram(bytes);
  }

  // --- For those who watch.
  enum class Health : std::uint8_t { alive, suspect, dead };
  struct PeerView {
    std::string name;
    Address address;
    Incarnation incarnation{};
    Health health{};
    OutLink::State state{};
    bool listed = false;   // it should be there
    bool refused = false;  // my last dial was answered with why not
    bool synced = false;
    bool accepts = false;  // its own dial to me is alive
    Micros rtt{};
    std::size_t waiting_bytes = 0;
    std::uint64_t reconnects = 0;
    std::size_t users = 0;
    std::string why;                 // why the link is not up
    std::optional<Millis> next_try;  // while it waits for that
    Canary::Verdict canary{};        // through the link and back
    RoundTrips round_trips{};        // of canaries, in this process's life
  };
  std::vector<PeerView> view(Time now) const;
  const std::string& name_of(PeerId peer) const { return peers_[peer]->name; }
  const Directory& directory() const { return directory_; }
  bool whole() const;  // every peer that should be there is linked both ways

 private:
  struct Peer {
    Peer(PeerId its_id, std::string its_name, Mesh& mesh);
    const PeerId id;
    const std::string name;
    Address address;
    bool listed = false;        // static, or in the set: dialled
    bool fixed = false;         // static
    bool left = false;          // it said bye; its connections are not all at their end yet
    Incarnation incarnation{};  // none: never met, or given up
    Incarnation leased{};       // what its lease says, if anything
    std::vector<Incarnation> buried;
    Time down_since = never;                    // both links are down; never: one is up, or not met
    Outage outage;                              // of my link to it, while it is known
    Canary canary;                              // through both
    Seq canary_owed = 0;                        // one of its, to be sent back
    Seq canary_paid = 0;                        // the last that was, in my stream
    Directory::Slot slot = Directory::none;     // what it told
    Directory::Slot loading = Directory::none;  // what it is telling anew
    ConnId out_conn = 0;
    ConnId in_conn = 0;
    OutLink out;
    InLink in;
  };
  enum class Duty : std::uint8_t { out, in };
  struct Conn {
    Duty duty{};
    PeerId peer = no_peer;
  };
  enum class Life : std::uint8_t { running, suspended, leaving };

  // OutLink::Owner
  void dial(PeerId) override;
  void hang_up(PeerId) override;
  void want_write(PeerId) override;
  std::optional<Refused> on_met(PeerId, const Hello& theirs) override;
  void on_outcomes(PeerId, Seq first, std::uint32_t count, WireOutcome) override;
  bool next_users(std::uint64_t& cursor, Buffer& into, std::size_t bytes) override;
  void on_link_up(PeerId) override;
  void on_link_down(PeerId, bool was_up, std::string_view why) override;
  void on_given_up(PeerId) override;
  // InLink::Owner
  void hang_up_in(PeerId) override;
  void want_write_in(PeerId) override;
  void on_snapshot_begin(PeerId) override;
  void on_snapshot_end(PeerId) override;
  bool on_users(PeerId, std::string_view records) override;
  void on_chat(PeerId, std::uint32_t era, Seq seq, const ChatBody& chat) override;
  void on_lane_reset(PeerId, Seq seq, std::string_view recipient) override;
  void on_wake(PeerId, std::string_view user) override;
  void on_canary(PeerId, Seq seq) override;
  void on_canary_back(PeerId, Seq mine) override;
  void on_datagram(PeerId, std::string_view bytes) override;
  void on_bye(PeerId) override;
  void on_in_down(PeerId, std::string_view why) override;

  void on_reception(ConnId, Reception&, Reception::State);
  void admit(ConnId, const Reception&, Peer& peer);
  Peer* find(std::string_view name);
  Peer* find_or_add(std::string_view name);
  std::optional<Refused> meet(Peer& peer, const Hello& theirs);
  void expect(Peer& peer, const Address& address, Incarnation leased);
  void give_up(Peer& peer, Report::Kind kind, std::string_view why);
  void forget_life(Peer& peer);
  void forget_streams(Peer& peer);
  void forget_users(Peer& peer);
  void lose_chats(Peer& peer);
  void take_back(Peer& peer, Seq end, Settled how);
  void tend_outage(Peer& peer);
  void tend_canary(Peer& peer);
  void stop_canaries(Peer& peer);
  void send_back(Peer& peer);
  void note_canary(Peer& peer, Canary::Verdict before);
  void mark_unawaited(Peer& peer);
  void draw_incarnation();
  void hang_up_all(std::string_view why);
  void run();
  void start_all();
  void note_links(Peer& peer);
  void tell_users();
  void close(ConnId& conn);
  void clear_lobby(Time due);
  void give_up_the_silent();
  void plan_wake();
  void wake_sooner(const Peer& peer);
  bool linked(const Peer& peer) const { return peer.out.up() || peer.in.connected(); }
  void report(Report::Kind kind, const Peer& peer, std::string_view why);

  Self self_;
  World* world_;
  Guest* guest_;
  DatagramSink* datagram_sink_ = nullptr;
  Chance* chance_;
  const bool discovers_;
  HashKey hash_key_;
  HybridClock clock_;
  Time now_{0};
  Time wake_at_ = never;
  Life life_ = Life::running;
  bool reborn_due_ = false;  // a peer says that I was given up
  ConnId last_conn_ = 0;
  Pool chats_pool_;
  Pool control_pool_;
  Lobby lobby_;
  Membership membership_;
  Directory directory_;
  std::vector<PeerId> slot_peer_;  // by directory slot
  std::vector<std::unique_ptr<Peer>> peers_;
  std::unordered_map<ConnId, Conn> conns_;
  Buffer changed_users_;  // records not yet told to the links
};

}  // namespace peer
