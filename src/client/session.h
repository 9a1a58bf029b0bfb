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
//   guest --login--> user --logout, end, drain--> departing
//     |                |                              | its chats have ended, or its time
//     |                '--kicked, far too long-.      v
//     '---logout, end, bad_json, too_large-----'-> leaving --> gone
//   any --the connection is lost--> gone
//
// Who departs is not listened to any more but still hears how its chats ended.
//
// Whether it is read from, so that a fast sender is slowed down instead of
// running into `busy`:
//
//   open --512 KiB of its chats unsettled--> paused --half settled--> open
//                     paused --nothing settled for 1 s--> lifted --half settled--> open
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "peer/buffer.h"
#include "peer/chance.h"
#include "peer/time.h"
#include "src/chat/client.h"
#include "src/chat/desk.h"
#include "src/client/code.h"
#include "src/client/id_maker.h"
#include "src/client/lines.h"
#include "src/client/outbox.h"
#include "src/client/request.h"
#include "src/client/telnet.h"

namespace client {

struct SessionSettings {
  std::string node;
  std::string version;
  std::size_t line_bytes = 65536;                               // limits.line_bytes
  std::size_t queue_bytes = std::size_t{1} << 20U;              // sessions.queue_bytes
  std::string text_template = "{send}给您发了消息：{content}";  // sessions.text_template
  std::uint32_t chats_per_s = 0;                                // 0: no limit
  peer::Millis drain_patience{10'000};                          // drain.timeout_ms
  std::uint32_t chats_burst = 0;                                // 0: twice the rate
};

// The time, set by the owner before it calls a session, and while one is paused
// at least at every tick.
struct Clock {
  peer::Time now{0};
  std::int64_t wall_ms = 0;  // since the epoch
};

// What all sessions of a process use, one after the other. Outlives them.
struct Commons {
  Commons(SessionSettings session_settings, peer::Incarnation incarnation, chat::Desk& its_desk,
          peer::Chance& its_chance)
      : settings(std::move(session_settings)), desk(its_desk), chance(its_chance), ids(settings.node, incarnation) {}

  const SessionSettings settings;
  chat::Desk& desk;
  peer::Chance& chance;
  Clock clock;
  IdMaker ids;
  Outboxes outboxes;
  RequestParser requests;    // of what a client said
  RequestParser deliveries;  // of what a client is to read; used while a request is still in hand
  // Scratch, each used by one function and free again when it returns.
  std::string decoded, answers, reply, error, typed, sender, content, shown;
};

// A session's hold on its connection.
class Port {
 public:
  // fill() has something to give.
  virtual void want_write() = 0;
  // Call review() after this turn's flush.
  virtual void want_review() = 0;
  // Call tick() now and then from now on, and until resume_reading().
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
  Session(Commons& commons, Port& port) : commons_(commons), port_(port) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The connection is open: says hello.
  void greet();
  // 64 bytes beyond are readable.
  void on_bytes(std::string_view bytes);
  // The client will say no more: what is queued is written, as at a logout.
  void on_end();
  // Appends what is to be written now, or nothing.
  void fill(peer::Buffer& out);
  // The kernel has n more bytes of what fill() gave.
  void on_written(std::size_t n);
  // After a flush that review was wanted of: what still waits is judged, and
  // who reads too slowly is sent away.
  void review();
  // While reading is paused, every 100 ms or so.
  void tick();
  // The node stops: everybody is asked to leave.
  void drain();
  // The connection is gone. What was not written is given back.
  void lose();

  bool logged_in() const { return who_ == Who::user; }

  // chat::Client
  void deliver(std::string_view line, const chat::Origin& origin) override;
  void on_outcome(std::string_view id, std::size_t size, chat::Outcome outcome, bool maybe) override;
  void kick(chat::KickReason why) override;

 private:
  // For the other side to read what is queued, and to close.
  static constexpr peer::Millis patience{5000};

  enum class Speech : std::uint8_t { fresh, fresh_after_cr, json, human };
  enum class Who : std::uint8_t { guest, user, departing, leaving, gone };
  enum class Flow : std::uint8_t { open, paused, lifted };
  // How an answer is worded: a request pasted by a person is answered in JSON.
  enum class Tongue : std::uint8_t { json, plain };

  // What an error refers to; JSON as written, empty where not known.
  struct About {
    std::string_view cmd;
    std::string_view id;
    bool maybe = false;
  };
  // The chat that the desk has in hand, for a failure told at once.
  struct InHand {
    std::string_view recipient;
    std::string_view id;
    Tongue tongue;
  };

  bool over() const { return who_ == Who::leaving || who_ == Who::gone; }
  bool deaf() const { return over() || who_ == Who::departing; }
  Tongue tongue() const { return speech_ == Speech::human ? Tongue::plain : Tongue::json; }

  void take(std::string_view bytes);
  void take_telnet(std::string_view bytes);
  void skip_blanks(std::string_view& bytes);
  void on_line(std::string_view line);
  void on_long_line();

  // Requests in JSON.
  void on_json(std::string_view line);
  void answer(const Request& request);
  void answer_login(const Request& request);
  void answer_presence(const Request& request);
  void answer_ping(const Request& request);

  // What people type.
  void on_typed(std::string_view line);
  void typed_login(std::string_view name);
  void typed_message(std::string_view name, std::string_view text);

  // What both come to; no value: done.
  std::optional<Refusal> log_in(std::string_view name, bool text);
  std::optional<Refusal> send(const Request& chat, Tongue tongue);
  bool within_rate();
  void hand_in(const Request& chat);

  void say_outcome(std::string_view id, chat::Outcome outcome, bool maybe);
  void settle(std::size_t size);
  void pause_if_owing();
  void depart(bool drained);
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
  std::string addressee_;  // of what a person types without a command
  Lines lines_;
  std::unique_ptr<Outbox> outbox_;  // while something waits
  std::unique_ptr<Telnet> telnet_;  // once there was a command of its
  const InHand* in_hand_ = nullptr;
  std::size_t unsettled_bytes_ = 0;  // of its own chats
  peer::Time quiet_since_{0};        // while paused: the last time something was settled
  peer::Time chats_until_{0};        // what it has sent is paid for up to then (GCRA)
  peer::Time departs_by_{0};
  Speech speech_ = Speech::fresh;
  Who who_ = Who::guest;
  Flow flow_ = Flow::open;
  bool text_ = false;          // deliveries as text
  bool drained_ = false;       // departs because the node does
  std::uint8_t bad_json_ = 0;  // in a row
};

}  // namespace client
