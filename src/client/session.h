// One client's session: what it says, what it is told, what waits for it.
//
// Pure: it is given bytes and the time and says through its Port what it wants of
// its connection; it knows neither sockets nor the loop. Owned by the Door.
//
// How it speaks, decided by the first byte that is no blank:
//
//   fresh ⇄ fresh_after_cr --{--> json
//                          --other--> human
//
// Who it is:
//
//   guest --login--> entering --ready--> user --logout, end, drain--> departing
//   guest --logout, end, drain, bad_json, too_large--> leaving
//   entering --drain--> leaving
//   user --far too long a line--> leaving
//   departing --its chats have ended, or its time--> leaving
//   any --kicked--> leaving --> gone
//   any --the connection is lost--> gone
//
// Who departs is not listened to any more but still hears how its chats ended, and
// who is online if it has asked.
//
// Whether it is read from, so that a fast sender is slowed down instead of
// running into `busy`, and a login is over before what follows it:
//
//   open --256 KiB of its chats, or half a queue, unsettled--> paused
//   paused --half settled--> open
//   paused --nothing settled for 1 s--> lifted --half settled--> open
//   open --entering takes a while--> shut --user, and the turn is over--> open
//
// A turn is not a session's alone: where it has handled so many lines of a read, or
// the login takes a while, or many others want to log in in this turn, what came
// behind is kept, and nothing is read before all of it is handled, a share each
// turn. It is at most one read. Who has said more than its pace allows waits for its
// next turn, also where nothing is kept.
//
// A delivery's way in a session that does not acknowledge: the outbox, with a
// mark, until the kernel has it (on_written). In one that does: the window, until
// the client has confirmed it (on_delivered). What comes while departing is kept
// in the window. What has no end when the session is over goes back in order:
// what the connection was given may have been read (on_unread), the rest has not
// (on_unwritten).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "peer/buffer.h"
#include "peer/time.h"
#include "src/chat/client.h"
#include "src/client/code.h"
#include "src/client/commons.h"
#include "src/client/lines.h"
#include "src/client/outbox.h"
#include "src/client/pace.h"
#include "src/client/request.h"
#include "src/client/telnet.h"
#include "src/client/window.h"

namespace client {

// A session's hold on its connection.
class Port {
 public:
  // fill() has something to give.
  virtual void want_write() = 0;
  // Call review() after this turn's flush.
  virtual void want_review() = 0;
  // Call go_on() at `when`, but not before the next turn.
  virtual void want_turn(peer::Time when) = 0;
  // Call tick(), every 100 ms or so, or watch(), a few times in an ack_timeout,
  // from now on and until it is false.
  virtual void want_ticks() = 0;
  virtual void want_watch() = 0;
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  // Take no more bytes, fill until nothing is left, then close; `patience` at
  // most in all.
  virtual void finish(peer::Millis patience) = 0;

 protected:
  ~Port() = default;
};

class Session final : public chat::Client {
 public:
  // Lines that are handled in one turn: some 50 us. Who pipelines sixteen chats never
  // comes near, and at this many the turn itself costs next to nothing.
  static constexpr unsigned lines_per_turn = 64;

  Session(Commons& commons, Port& port) : commons_(commons), port_(port) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The connection is open: says hello.
  void greet();
  // 64 bytes beyond are readable.
  void on_bytes(std::string_view bytes);
  // The client will say no more: what is queued is written, as at a logout, and
  // Port::finish called, now or in a while.
  void on_end();
  // Appends what is to be written now, or nothing.
  void fill(peer::Buffer& out);
  // The kernel has n more bytes of what fill() gave.
  void on_written(std::size_t n);
  // After a flush that review was wanted of: what still waits is judged, and
  // who reads too slowly is sent away; what came with a login is heard.
  void review();
  // See Port.
  void go_on();
  bool tick();
  bool watch();
  // Everybody is asked to leave; what it has sent has `at_most` to be settled.
  void drain(peer::Millis at_most);
  // It is not let in, just after the greeting or before it has logged in: server_full
  // or shutting_down.
  void turn_away(Code why);
  // The connection is gone. What was not written is given back.
  void lose();

  bool logged_in() const { return who_ == Who::user; }
  bool is_guest() const { return who_ == Who::guest; }

  // chat::Client
  void on_ready(std::size_t waiting) override;
  void deliver(const chat::Delivery& delivery, const chat::Origin& origin) override;
  std::size_t waiting_bytes() const override;
  void on_outcome(std::string_view id, std::size_t size, chat::Outcome outcome, bool maybe) override;
  void on_roll(const chat::Roll& roll) override;
  void kick(chat::KickReason why) override;

 private:
  // For the other side to read what is queued, and to close.
  static constexpr peer::Millis patience{5000};

  enum class Speech : std::uint8_t { fresh, fresh_after_cr, json, human };
  enum class Who : std::uint8_t { guest, entering, user, departing, leaving, gone };
  enum class Flow : std::uint8_t { open, paused, lifted, shut };
  // How an answer is worded: a request pasted by a person is answered in JSON.
  enum class Tongue : std::uint8_t { json, plain };

  // What an error refers to; JSON as written, empty where not known.
  struct About {
    std::string_view cmd;
    std::string_view id;
    bool maybe = false;
    std::string_view elsewhere = {};  // the address of a node that is better asked
  };
  // How somebody is logged in.
  struct Manner {
    bool text = false;  // deliveries as text
    bool acks = false;
    Tongue tongue = Tongue::json;
  };
  // Whom a person types to, for lines without a command.
  struct Partner {
    std::string name;
    bool only = true;  // all unsettled chats that have no id are to that one
  };
  // Bytes of the client's that are to be handled later; perhaps none so far.
  struct Late {
    std::string bytes;  // and room for 64 more
    std::size_t done = 0;
  };
  // The chat that the desk has in hand, for a failure told at once.
  struct InHand {
    std::string_view recipient;
    std::string_view id;
    Tongue tongue;
  };

  bool over() const { return who_ == Who::leaving || who_ == Who::gone; }
  // Nothing of what it has asked for is still to come.
  bool settled() const { return unsettled_bytes_ == 0 && !asks_who_; }
  bool deaf() const { return over() || who_ == Who::departing; }
  // Read from, but for what is kept.
  bool flows() const { return flow_ == Flow::open || flow_ == Flow::lifted; }
  Tongue tongue() const { return speech_ == Speech::human ? Tongue::plain : Tongue::json; }

  void take(std::string_view bytes);
  void handle(std::string_view& bytes);
  void keep_late(std::string_view bytes);
  void take_late();
  void put_off();
  bool is_ahead() const { return pace_.due() > commons_.clock.now; }
  void take_telnet(std::string_view bytes);
  void skip_blanks(std::string_view& bytes);
  void on_line(std::string_view line);
  void on_long_line();

  // Requests in JSON.
  void on_json(std::string_view line);
  void answer(const Request& request);
  void answer_login(const Request& request);
  void answer_ack(const Request& request);
  void answer_who(const Request& request);
  void answer_presence(const Request& request);
  void answer_ping(const Request& request);

  // What people type.
  void on_typed(std::string_view line);
  void typed_login(std::string_view name);
  void typed_message(std::string_view name, std::string_view text);
  void typed_who();

  // What both come to; no value: done.
  std::optional<Refusal> log_in(std::string_view name, Manner manner);
  void say_logged_in(std::size_t waiting);
  std::optional<Refusal> send(const Request& chat, Tongue tongue);
  bool within_rate();
  void hand_in(const Request& chat);
  std::optional<Refusal> ask_who(const chat::RollPage& page, Tongue wording);

  void say_outcome(std::string_view id, chat::Outcome outcome, bool maybe);
  void say_success(std::string_view id, chat::Outcome outcome);
  void note_partner(std::string_view name, bool typed);
  std::string_view recipient_of(std::string_view id) const;

  // Deliveries.
  void deliver_by_window(const chat::Delivery& delivery, const chat::Origin& origin);
  void hand_out(const chat::Delivery& delivery, const chat::Origin& origin);
  void append_text(std::string_view line);
  bool confirm(peer::Seq seq);
  void let_follow();
  void note_given();
  void want_watch();
  bool overdue() const;
  void give_back(std::size_t may_be_read);
  void give_back_early();

  void settle(std::size_t size);
  void pause_if_owing();
  void want_ticks();
  void cut_slow();
  void depart(bool drained, peer::Millis at_most = patience);
  void part();
  void leave(peer::Millis at_most = patience);

  Outbox& outbox();
  void queued();
  void say(std::string_view line);
  void say_error(Tongue tongue, const Refusal& refusal, const About& about);
  std::string_view line_end() const { return speech_ == Speech::human ? "\r\n" : "\n"; }

  Commons& commons_;
  Port& port_;
  chat::ClientId id_ = 0;
  std::string name_;
  Lines lines_;
  std::unique_ptr<Outbox> outbox_;    // while something waits
  std::unique_ptr<Window> window_;    // while something is in it
  std::unique_ptr<Telnet> telnet_;    // once there was a command of its
  std::unique_ptr<Partner> partner_;  // once a person has typed to somebody
  std::unique_ptr<Late> late_;        // while there is some
  const InHand* in_hand_ = nullptr;
  peer::Seq seq_ = 0;                // of the last delivery handed out
  std::size_t unsettled_bytes_ = 0;  // of its own chats
  peer::Time chats_until_{0};        // what it has sent is paid for up to then (GCRA)
  Pace pace_;
  peer::Time until_{0};  // paused: lifted then; departing: leaves then
  Speech speech_ = Speech::fresh;
  Who who_ = Who::guest;
  Flow flow_ = Flow::open;
  Manner manner_;
  std::optional<Tongue> asks_who_;  // and has no answer yet, to be worded so
  bool ended_ = false;              // the client's side has, while something is kept or shut
  bool ticked_ = false;             // ticks were wanted and go on
  bool watched_ = false;            // so was the watch
  bool drained_ = false;            // departs because the node does
  bool plain_name_ = true;          // is the same in a JSON string
  std::uint8_t bad_json_ = 0;       // in a row
};

}  // namespace client
