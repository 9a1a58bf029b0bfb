#include "tools/crosstalk/talk.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "tools/common/printable.h"
#include "tools/crosstalk/render.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

using namespace std::chrono_literals;

// What may be on its way without an outcome.
constexpr std::size_t pending_max = 256;
// Chats remembered as shown: those that a server hands out without confirmation, four times.
constexpr std::size_t seen_max = 1024;
constexpr Millis backoff_min = 250ms;
constexpr Millis backoff_max = 15s;
// In for so long, a loss is the first again.
constexpr Millis stable = 10s;
// A silent server is asked, and then given up.
constexpr Millis silence_asked = 15s;
constexpr Millis silence_max = 30s;
// The server tells outcomes for 5 s after a logout.
constexpr Millis goodbye = 6s;
constexpr unsigned hops_max = 3;
constexpr std::size_t who_page = 100;
constexpr std::string_view own_ping = "are-you-there";

std::string seconds(Millis time) {
  const auto tenths = (time.count() + 50) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

Talk::Talk(Settings settings, Now now)
    : settings_(std::move(settings)),
      chance_(static_cast<std::minstd_rand::result_type>(settings_.seed)),
      began_(now.at),
      dial_at_(now.at) {}

// What happened.

void Talk::opened(Now now) {
  state_ = State::greeting;
  heard_at_ = now.at;
  pinged_ = false;
  heard_seq_ = taken_seq_ = confirmed_seq_ = 0;
  output_.clear();
}

void Talk::heard(std::string_view line, Now now) {
  if (state_ == State::away || over()) return;
  heard_at_ = now.at;
  pinged_ = false;
  const std::optional<Message> message = read_message(line);
  if (!message) return lost(shown(to_string(server())) + " does not speak this protocol", now);
  if (message->seq > heard_seq_) heard_seq_ = message->seq;
  switch (message->what) {
    case Message::What::hello:
      if (state_ != State::greeting) return;
      state_ = State::entering;
      output_ += login_line(settings_.name, settings_.token);
      return;
    case Message::What::login:
      if (state_ != State::entering) return;
      in_since_ = now.at;
      on_login(*message);
      return log_out_when_settled(now);
    case Message::What::chat:
      if (!again(*message)) tell(Told::Kind::arrived, {}, line), on_chat(*message, now);
      return;
    case Message::What::ack: on_ack(*message, line); return log_out_when_settled(now);
    case Message::What::error: on_error(*message, line, now); return log_out_when_settled(now);
    case Message::What::kicked: return on_kicked(*message, now);
    case Message::What::who: tell(Told::Kind::outcome, users_for_people(*message), line); return;
    case Message::What::pong:
    case Message::What::other: return;
  }
}

void Talk::lost(const std::string& why, Now now) {
  if (over()) return;
  if (logged_out_) return end(parting());
  // A server that has kicked us or refused us is not lost: the time is set.
  if (state_ == State::away && dial_at_ > now.at) return;
  if (state_ == State::in && now.at - in_since_ >= stable) attempts_ = 0;
  const std::string place = to_string(server());
  elsewhere_.reset();
  ++turn_;
  if (!ever_in_ && turn_ >= settings_.servers.size())
    return end({Exit::unreachable, "unreachable", shown(place) + ": " + why});
  const Millis delay = ever_in_ ? backoff() : 0ms;
  go_away(now.at + delay);
  // What repeats is told at doublings; the prompt says that it goes on.
  if (ever_in_ && std::has_single_bit(attempts_))
    tell(Told::Kind::note, shown(place) + ": " + why + "; trying again in " + seconds(delay));
}

void Talk::timeout(Now now) {
  if (over()) return;
  if (!ever_in_ && now.at >= began_ + settings_.patience)
    return end({Exit::timeout, "timeout", "not logged in in time", false});
  if (leave_by_ && now.at >= *leave_by_) return end(parting());
  if (state_ == State::away) return;
  if (now.at - heard_at_ >= silence_max) return lost("nothing was heard for " + seconds(silence_max), now);
  if (now.at - heard_at_ < silence_asked || pinged_) return;
  pinged_ = true;
  output_ += ping_line(own_ping);
}

void Talk::was_shown() {
  if (state_ != State::in || logged_out_ || taken_seq_ <= confirmed_seq_) return;
  confirmed_seq_ = taken_seq_;
  output_ += ack_line(confirmed_seq_);
}

// What is wanted.

bool Talk::full() const { return pending_.size() >= pending_max; }

void Talk::say(std::string_view recipient, std::string_view content) {
  const std::string id = settings_.id_prefix + "-" + std::to_string(++ids_);
  pending_.push_back({id, std::string(recipient), std::string(content)});
  last_status_.clear();
  if (state_ == State::in) {
    send(pending_.back());
  } else if (ever_in_) {
    tell(Told::Kind::note, "not connected; it is sent as soon as that is mended");
  }
}

void Talk::ask_who(std::string_view after) {
  if (state_ == State::in)
    output_ += who_line(who_page, after);
  else
    tell(Told::Kind::note, "not connected; ask again later");
}

void Talk::leave(Now now) {
  if (over()) return;
  // Whether the login would have been granted is still to be known.
  if (leave_by_ || (state_ != State::in && ever_in_ && pending_.empty())) return end(parting());
  leave_by_ = now.at + settings_.patience;
  log_out_when_settled(now);
}

void Talk::log_out_when_settled(Now now) {
  if (!leave_by_ || !pending_.empty() || state_ != State::in || logged_out_) return;
  was_shown();
  logged_out_ = true;
  leave_by_ = std::min(*leave_by_, now.at + goodbye);
  output_ += logout_line();
}

// What is to be done.

std::string Talk::take_output() { return std::exchange(output_, {}); }

std::vector<Told> Talk::take_told() {
  taken_seq_ = heard_seq_;
  return std::exchange(told_, {});
}

bool Talk::wants_dial(Now now) const { return state_ == State::away && dial_at_ <= now.at; }

const tool::Address& Talk::server() const {
  return elsewhere_ ? *elsewhere_ : settings_.servers[turn_ % settings_.servers.size()];
}

Millis Talk::wake_at() const {
  Millis at = state_ == State::away ? dial_at_ : heard_at_ + (pinged_ ? silence_max : silence_asked);
  if (!ever_in_) at = std::min(at, began_ + settings_.patience);
  if (leave_by_) at = std::min(at, *leave_by_);
  return at;
}

// What the server says.

void Talk::on_login(const Message& message) {
  const bool first = !std::exchange(ever_in_, true);
  state_ = State::in;
  hops_ = 0;
  std::string note =
      (first ? "logged in as " + shown(settings_.name) : std::string("back")) + " on " + shown(message.node);
  if (message.waiting > 0)
    note +=
        "; " + std::to_string(message.waiting) + (message.waiting == 1 ? " message" : " messages") + " waited for you";
  tell(Told::Kind::note, note);
  for (Pending& pending : pending_) send(pending);
}

void Talk::on_chat(const Message& chat, Now now) {
  if (settings_.form == Form::people) tell(Told::Kind::arrived, chat_for_people(chat, settings_.name, now.wall_ms));
  if (settings_.form == Form::log) tell(Told::Kind::arrived, chat_for_log(chat, settings_.name));
}

void Talk::on_ack(const Message& ack, std::string_view line) {
  const auto at = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& it) { return it.id == ack.id; });
  if (at == pending_.end()) return;
  if (at + 1 == pending_.end()) last_status_ = ack.status;
  const bool arrived = ack.status == "delivered" || ack.status == "written";
  tell(arrived ? Told::Kind::settled : Told::Kind::outcome, outcome_for_people(ack.status, at->recipient), line);
  pending_.erase(at);
}

void Talk::on_error(const Message& error, std::string_view line, Now now) {
  if (state_ == State::greeting || state_ == State::entering) return on_refused(error, now);
  const auto at = std::find_if(pending_.begin(), pending_.end(),
                               [&](const Pending& it) { return !error.id.empty() && it.id == error.id; });
  if (at != pending_.end()) {
    if (at + 1 == pending_.end()) last_status_ = error.code;
    tell(Told::Kind::outcome, error_for_people(error), line);
    pending_.erase(at);
  } else if (error.code == "unknown_cmd") {
    tell(Told::Kind::outcome, "unknown_cmd: this server does not know " + shown(error.in), line);
  } else {
    tell(Told::Kind::outcome, error_for_people(error), line);
  }
}

// A login that was refused.
void Talk::on_refused(const Message& error, Now now) {
  const bool passing = is_passing(error.code);
  const tool::Result<tool::Address> elsewhere = tool::parse_address(error.elsewhere);
  if (passing && elsewhere && hops_ < hops_max) {
    ++hops_;
    elsewhere_ = *elsewhere;
    return go_away(now.at);
  }
  elsewhere_.reset();
  hops_ = 0;
  ++turn_;
  if (!passing || (!ever_in_ && turn_ >= settings_.servers.size()))
    return end({exit_of(error.code), shown(error.code), shown(error.sentence), false});
  if (!ever_in_) return go_away(now.at);
  const Millis delay = backoff();
  go_away(now.at + delay);
  tell(Told::Kind::note, error_for_people(error) + "; trying again in " + seconds(delay));
}

void Talk::on_kicked(const Message& kicked, Now now) {
  if (logged_out_) return end(parting());
  if (!kicked.retry)
    return end({exit_of(kicked.code), shown(kicked.code), std::string(kick_sentence(kicked.code)), false});
  const Millis delay(std::clamp<std::int64_t>(kicked.retry_after_ms, 0, 60'000));
  // The one that drains is not the one to come back to, where there are others.
  elsewhere_.reset();
  ++turn_;
  go_away(now.at + delay);
  tell(Told::Kind::note,
       shown(kicked.code) + ": " + std::string(kick_sentence(kicked.code)) + "; coming back in " + seconds(delay));
}

// Parts.

// Whether a chat that may have been seen was shown here; all are remembered.
bool Talk::again(const Message& chat) {
  const std::string mark = chat.send + '\0' + chat.recv + '\0' + chat.room + '\0' + chat.id;
  if (chat.redelivered && std::find(seen_.begin(), seen_.end(), mark) != seen_.end()) return true;
  seen_.push_back(mark);
  if (seen_.size() > seen_max) seen_.pop_front();
  return false;
}

void Talk::send(Pending& pending) {
  output_ += chat_line(pending.recipient, pending.content, pending.id, pending.sent);
  pending.sent = true;
}

void Talk::go_away(Millis until) {
  state_ = State::away;
  dial_at_ = until;
  output_.clear();
}

// Half of it is chance, so that not all who were lost come at once.
Millis Talk::backoff() {
  const Millis whole = std::min(backoff_max, backoff_min * (1U << std::min(attempts_++, 10U)));
  return whole / 2 + Millis(std::uniform_int_distribution<Millis::rep>(0, (whole / 2).count())(chance_));
}

// By our own will.
Error Talk::parting() const {
  if (pending_.empty()) return {Exit::done};
  return {Exit::timeout, "timeout", "not everything has an outcome", true};
}

void Talk::end(Error error) {
  state_ = State::over;
  ending_ = std::move(error);
}

// People are told `text`, programs the server's line where there is one.
void Talk::tell(Told::Kind kind, std::string text, std::string_view line) {
  if (settings_.form == Form::json && !line.empty())
    told_.push_back({Told::Kind::arrived, tool::ascii_json(line)});
  else if (!text.empty())
    told_.push_back({kind, std::move(text)});
}

}  // namespace crosstalk
