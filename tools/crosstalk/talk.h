// A conversation that outlives its connections.
//
//   away --opened--> greeting --hello--> entering --login--> in
//    ^                                                        |
//    +--------------- lost, or kicked with retry -------------+
//                              otherwise --> over
//
// Logs in, keeps what has no outcome yet and sends it again under its id after a
// loss, confirms what was shown, and passes over what it has shown before. Pure: told
// what happened and what is wanted, it says what is to be sent, shown and dialled.
// Time is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tools/common/address.h"
#include "tools/crosstalk/exit.h"
#include "tools/crosstalk/message.h"

namespace crosstalk {

using Millis = std::chrono::milliseconds;

struct Now {
  Millis at{};               // on a clock that never goes back
  std::int64_t wall_ms = 0;  // since the epoch
};

struct Told {
  enum class Kind : std::uint8_t {
    arrived,  // from others
    settled,  // what was said is with its recipient
    outcome,  // … or is not; or the answer to something else that was asked
    note,     // of the connection
  };
  Kind kind = Kind::note;
  std::string text{};  // a line without its end, fit for a terminal

  bool operator==(const Told&) const = default;
};

class Talk {
 public:
  enum class Form : std::uint8_t { people, log, json };

  struct Settings {
    std::string name;
    std::string token;
    std::vector<tool::Address> servers;  // taken in turn; one at least
    Form form = Form::people;
    Millis patience{};      // to be logged in the first time, and for outcomes at the end
    std::string id_prefix;  // nobody else's
    std::uint64_t seed = 0;
  };

  Talk(Settings settings, Now now);

  // What happened.
  void opened(Now now);
  void heard(std::string_view line, Now now);
  void lost(const std::string& why, Now now);  // or could not be opened
  void timeout(Now now);                       // to be called at wake_at, may be called at any time
  void was_shown();                            // what was taken to be told

  // What is wanted. `content` is JSON. While it is full, nothing is to be said.
  void say(std::string_view recipient, std::string_view content);
  bool full() const;  // too much has no outcome yet
  void ask_who(std::string_view after);
  // When all has an outcome, or patience ends. Asked a second time: at once.
  void leave(Now now);
  bool leaving() const { return leave_by_.has_value() || over(); }

  // What is to be done.
  std::string take_output();
  std::vector<Told> take_told();
  bool wants_dial(Now now) const;
  bool wants_connection() const { return state_ != State::away && !over(); }  // that it has
  const tool::Address& server() const;                                        // to dial next, or dialled
  Millis wake_at() const;

  bool over() const { return state_ == State::over; }
  const Error& ending() const { return ending_; }  // once it is over

  std::size_t without_outcome() const { return pending_.size(); }
  const std::string& last_status() const { return last_status_; }  // of what was said last; empty: none yet
  bool connected() const { return state_ == State::in; }

 private:
  enum class State : std::uint8_t { away, greeting, entering, in, over };

  struct Pending {
    std::string id;
    std::string recipient;
    std::string content;
    bool sent = false;
  };

  void on_login(const Message& message);
  void on_chat(const Message& chat, Now now);
  void on_ack(const Message& ack, std::string_view line);
  void on_error(const Message& error, std::string_view line, Now now);
  void on_kicked(const Message& kicked, Now now);
  void on_refused(const Message& error, Now now);
  bool again(const Message& chat);
  void send(Pending& pending);
  void go_away(Millis until);
  Millis backoff();
  Error parting() const;
  void end(Error error);
  void tell(Told::Kind kind, std::string text, std::string_view line = {});
  void log_out_when_settled(Now now);

  Settings settings_;
  std::minstd_rand chance_;
  State state_ = State::away;
  Error ending_{};
  Millis began_;
  Millis dial_at_;
  Millis in_since_{};
  Millis heard_at_{};
  std::optional<Millis> leave_by_{};
  bool logged_out_ = false;
  bool pinged_ = false;
  bool ever_in_ = false;
  unsigned attempts_ = 0;                     // since it was in for a while
  std::size_t turn_ = 0;                      // which server
  std::optional<tool::Address> elsewhere_{};  // where the last one pointed us
  unsigned hops_ = 0;

  std::deque<Pending> pending_{};
  std::uint64_t ids_ = 0;
  std::string last_status_{};
  std::deque<std::string> seen_{};
  std::uint64_t heard_seq_ = 0;
  std::uint64_t taken_seq_ = 0;
  std::uint64_t confirmed_seq_ = 0;
  std::string output_{};
  std::vector<Told> told_{};
};

}  // namespace crosstalk
