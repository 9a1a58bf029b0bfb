// The other direction: what one peer says to me, on the connection it dialled,
// and my receipts.
//
// Keeps, across connections, how far the peer's streams were received and how
// each of its chats ended, until the peer has heard it. `era` counts the lives
// of that state: an outcome for a chat of an older era finds nobody any more.
// The handshake before it is Reception's.
//
// Pure: told what happened, it calls its Owner to act. Owned by the mesh's
// entry for that peer.
#pragma once

#include <cstdint>
#include <string_view>

#include "peer/frame.h"
#include "peer/hello.h"
#include "peer/numbered.h"
#include "peer/runs.h"
#include "peer/self.h"
#include "peer/stream.h"
#include "peer/time.h"

namespace peer {

class InLink {
 public:
  class Owner {
   public:
    virtual void hang_up_in(PeerId) = 0;
    virtual void want_write_in(PeerId) = 0;
    virtual void on_snapshot_begin(PeerId) = 0;
    virtual void on_snapshot_end(PeerId) = 0;
    // False: they are malformed.
    virtual bool on_users(PeerId, std::string_view records) = 0;
    virtual void on_chat(PeerId, std::uint32_t era, Seq seq, const ChatBody& chat) = 0;
    virtual void on_lane_reset(PeerId, Seq seq, std::string_view recipient) = 0;
    virtual void on_wake(PeerId, std::string_view user) = 0;
    virtual void on_canary(PeerId, Seq seq) = 0;
    // Mine of that number in my stream.
    virtual void on_canary_back(PeerId, Seq mine) = 0;
    virtual void on_datagram(PeerId, std::string_view bytes) = 0;
    virtual void on_bye(PeerId) = 0;
    virtual void on_in_down(PeerId, std::string_view why) = 0;

   protected:
    ~Owner() = default;
  };

  InLink(PeerId id, const Self& self, Owner& owner, Pool& pool);

  // How far its streams were received; the owner adds the proof.
  Welcome welcome() const;
  // The peer has proven itself on a new connection and is welcomed. An older
  // connection of it has been hung up by the owner.
  void on_connected(Time now, const ProofBody& proof, const Welcome& welcome);
  void on_bytes(Time now, std::string_view bytes);
  void on_lost(std::string_view why);
  void fill(Buffer& out);
  void tick(Time now);
  Time wake_at() const { return wake_at_; }

  // Ends the connection, keeps the streams.
  void lose(std::string_view why);

  // A new life of the peer or of mine: all of its state begins again.
  void forget();

  // On the peer's connection, where I have none of my own; false where too much waits.
  bool send_datagram(std::string_view bytes);

  // How a chat of this era ended; ignored, and false, for another era's.
  bool settle(std::uint32_t era, Seq seq, WireOutcome outcome);

  bool connected() const { return connected_; }
  std::uint32_t era() const { return era_; }
  Time heard_at() const { return heard_at_; }
  // A copy of that chat has come by another way, since its sender's node has taken
  // it back. What became of the one on the stream? One that has not come by now
  // will not be let in any more, nor any before it.
  enum class Fate : std::uint8_t { never_came, pending, taken, refused };
  Fate supersede(Seq seq);
  // Of one that has come: the peer may have been without a connection since, and
  // have sent it another way.
  bool may_be_taken_back(Time now, Seq seq) const {
    return !connected_ || seq < resumed_at_ || now - heard_at_ >= self_->timing.hold;
  }

  // All before this one have ended, and the peer was told so.
  Seq oldest() const { return arrivals_.first(chats_received_ + 1); }

 private:
  void on_frame(Time now, const Frame& frame);
  void on_control(const Frame& frame);
  void on_chat_stream(const Frame& frame);
  void on_bird(const Frame& frame);
  void on_ping(const Frame& frame);
  void tell_received();
  void tell_outcomes_by(Time when);
  void gather_outcomes();
  // first, count, how they ended: what is on its way.
  template <class Each>
  void each_outcome(Each&& each) const;

  const PeerId id_;
  const Self* self_;
  Owner* owner_;

  bool connected_ = false;
  Time heard_at_{0};
  Time wake_at_ = never;
  FrameReader reader_;
  Buffer urgent_;

  std::uint32_t era_ = 1;
  std::uint32_t control_epoch_ = 0;
  Seq control_received_ = 0;
  std::size_t control_untold_bytes_ = 0;
  Seq chats_received_ = 0;

  // The chats whose end has not come or was not told. What changed since is told as
  // runs at the next fill, which is asked for at once, or for what nobody waits for a
  // little later.
  enum class End : std::uint8_t { pending, written, not_here, done, delivered, unread };
  struct Arrival {
    End end = End::pending;
    bool awaited = true;
  };
  static Fate fate(End end);
  Numbered<Arrival> arrivals_;
  Seq changed_first_ = 0;  // 0: nothing has changed
  Seq changed_last_ = 0;
  Time tell_at_ = never;          // what has changed is told by then
  std::size_t untold_bytes_ = 0;  // have come since something was told
  Stream outcomes_;
  // Chats that had come before this connection. The peer may have taken them back
  // while there was none and does not hear how they end: those that reached their
  // recipient are kept for supersede().
  Seq resumed_at_ = 1;
  Runs reached_;
};

}  // namespace peer
