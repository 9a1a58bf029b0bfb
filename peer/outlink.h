// One direction to one peer: the connection that I dial, what I have to say on
// it, and the peer's receipts.
//
//             start                      tick             on_opened
//      idle ─────────▶ waiting ──────────────▶ dialling ───────────▶ greeting
//       ▲                ▲  ▲                     │                     │ hello
//       │ stop           │  └──── lose(why) ──────┴─────────┬───────────┤
//       └── any state    │                                  │           ▼
//                        └────────────── lose(why) ──────── up ◀──── proving
//                                                              welcome
//
// Three streams: control (who is here: a snapshot, then changes) and chats go
// out, outcomes come back. They live on while the connection is lost and resume
// where the other side says it stands. A peer with another incarnation has
// forgotten them: the owner then calls forget(). Pings and control never wait
// behind chats: fill() puts them first.
//
// Pure: told what happened, it calls its Owner to act. Owned by the mesh's
// entry for that peer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "peer/backoff.h"
#include "peer/frame.h"
#include "peer/hello.h"
#include "peer/self.h"
#include "peer/stream.h"
#include "peer/time.h"

namespace peer {

class OutLink {
 public:
  class Owner {
   public:
    virtual void dial(PeerId) = 0;
    // Close the connection; nothing more is heard of it.
    virtual void hang_up(PeerId) = 0;
    // fill() has something to give.
    virtual void want_write(PeerId) = 0;
    // The peer has proven that it is `theirs`. May call forget(). An answer
    // stands against the link.
    virtual std::optional<Refused> on_met(PeerId, const Hello& theirs) = 0;
    // The chats first … first + count - 1 ended so; they are still held.
    virtual void on_outcomes(PeerId, Seq first, std::uint32_t count, WireOutcome) = 0;
    // Appends user records (see users_record in mesh.h) from `cursor` on, about
    // `bytes` of them. False when there are no more.
    virtual bool next_users(std::uint64_t& cursor, Buffer& into, std::size_t bytes) = 0;
    virtual void on_datagram(PeerId, std::string_view bytes) = 0;
    // The peer says that it has given up this life of mine.
    virtual void on_given_up(PeerId) = 0;
    virtual void on_link_up(PeerId) = 0;
    // The connection was lost or, where it never was up, the dial failed.
    virtual void on_link_down(PeerId, bool was_up, std::string_view why) = 0;

   protected:
    ~Owner() = default;
  };

  enum class State : std::uint8_t { idle, waiting, dialling, greeting, proving, up };

  OutLink(PeerId id, std::string peer_name, const Self& self, Owner& owner, Chance& chance, Pool& chats, Pool& control);

  // The wish to have this link. start() dials now; a started link is nudged:
  // something says that a dial would succeed.
  void start(Time now);
  void stop(std::string_view why);
  bool wanted() const { return state_ != State::idle; }

  // Events of the connection.
  void on_opened(Time now);
  void on_bytes(Time now, std::string_view bytes);
  void on_lost(Time now, std::string_view why);
  void fill(Buffer& out);

  void tick(Time now);
  Time wake_at() const { return wake_at_; }

  // The incarnation of either side has changed: chats held are the owner's
  // to route anew before; here the streams begin again.
  void forget();

  // A change of who is here, as a records' run; nothing where a snapshot is
  // still to come that will bear it.
  void users_changed(std::string_view records, Time now);

  // The chat stream. The owner settles what on_outcomes names.
  Stream& chats() { return chats_; }
  const Stream& chats() const { return chats_; }

  // Ahead of chats, as it is; false where there is no connection or too much waits.
  bool send_datagram(std::string_view bytes);

  // The last word before leaving in good order.
  void say_bye();

  State state() const { return state_; }
  bool up() const { return state_ == State::up; }
  bool connected() const;
  bool synced() const { return up() && snapshot_ == Snapshot::sent; }
  Time silent_since() const { return heard_at_; }
  Micros rtt() const { return rtt_; }
  std::uint64_t reconnects() const { return ups_ > 0 ? ups_ - 1 : 0; }
  Time up_since() const { return up_since_; }
  const std::string& why_down() const { return why_down_; }
  const std::optional<Refused>& refused() const { return refused_; }

 private:
  enum class Snapshot : std::uint8_t { due, sending, sent };

  void lose(Time now, std::string_view why);
  void refuse(Time now, const Refused& why);
  void on_refuse(Time now, const Frame& frame);
  void enter(State state, Time wake_at);
  void on_frame(Time now, const Frame& frame);
  void on_greeting(Time now, const Frame& frame);
  void on_proving(Time now, const Frame& frame);
  void on_receipt(Time now, const Frame& frame);
  void come_up(Time now, const Welcome& welcome);
  void on_outcomes_frame(Time now, const Frame& frame);
  void begin_snapshot();
  void fill_snapshot();
  void ping(Time now);

  const PeerId id_;
  const std::string peer_name_;
  const Self* self_;
  Owner* owner_;
  Chance* chance_;
  Backoff backoff_;

  State state_ = State::idle;
  Time wake_at_ = never;

  // Of the connection.
  PrefaceReader preface_;
  FrameReader reader_;
  Buffer urgent_;  // unnumbered frames, sent before all else
  std::string my_hello_;
  std::string their_hello_;
  Hello theirs_;
  Time heard_at_{0};
  Time pinged_at_{0};
  Time up_since_{0};

  // Across connections.
  Stream control_;
  Stream chats_;
  std::uint32_t control_epoch_ = 0;
  Snapshot snapshot_ = Snapshot::due;
  std::uint64_t cursor_ = 0;
  Incarnation streams_with_{};  // whose life the streams below belong to
  Seq outcomes_received_ = 0;
  Seq outcomes_told_ = 0;

  // For those who watch.
  Micros rtt_{0};
  std::uint64_t ups_ = 0;
  std::string why_down_;
  std::optional<Refused> refused_;
};

}  // namespace peer
