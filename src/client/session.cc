// The session's connection: bytes in and out, the end. What is said in them is in
// commands.cc, what it is given to deliver in deliveries.cc.
#include "src/client/session.h"

#include <algorithm>
#include <utility>

#include "src/client/human.h"

namespace client {

namespace {

// Handed to the connection at once: its share of a turn.
constexpr std::size_t fill_bytes_max = std::size_t{256} * 1024;
// Who does not read the refusals of telnet options is sent no more of them.
constexpr std::size_t telnet_waiting_max = 4096;
// One stalled recipient does not hold a sender for longer.
constexpr peer::Micros quiet_max = std::chrono::seconds(1);

// It has shown that it does not read.
constexpr peer::Millis patience_with_slow{1000};
// Who is not let in takes up no room for long.
constexpr peer::Millis patience_with_strangers{2000};
// Those who are asked to come back come back spread over this time.
constexpr std::uint64_t retry_spread_ms = 2000;

std::string_view to_string(chat::KickReason why) {
  switch (why) {
    case chat::KickReason::replaced: return "replaced";
    case chat::KickReason::admin: return "admin";
    case chat::KickReason::slow_consumer: return "slow_consumer";
    case chat::KickReason::drain: return "drain";
  }
  return {};
}

}  // namespace

Session::~Session() { lose(); }

void Session::greet() {
  std::string& hello = commons_.reply;
  hello = R"({"cmd":"hello","server":"crosstalkd/)" + commons_.settings.version + R"(","node":")" +
          commons_.settings.node + R"(","proto":1})";
  say(hello);
}

// Bytes in.

void Session::on_bytes(std::string_view bytes) {
  if (deaf()) return;
  if (telnet_) return take_telnet(bytes);
  const std::size_t command = bytes.find(telnet_iac);
  take(bytes.substr(0, command));
  if (command == std::string_view::npos || deaf()) return;
  telnet_ = std::make_unique<Telnet>();
  take_telnet(bytes.substr(command));
}

void Session::on_end() {
  if (flow_ == Flow::shut || late_) {
    ended_ = true;
  } else if (!deaf()) {
    depart(false);
  }
}

void Session::take_telnet(std::string_view bytes) {
  std::string& decoded = commons_.decoded;
  std::string& answers = commons_.answers;
  decoded.clear();
  answers.clear();
  const bool reads = !outbox_ || outbox_->waiting() <= telnet_waiting_max;
  const bool understood = telnet_->take(bytes, decoded, answers, reads ? telnet_waiting_max : 0);
  if (!answers.empty()) {
    outbox().append(answers);
    queued();
  }
  decoded.reserve(decoded.size() + line_padding);
  take(decoded);
  if (!understood && !deaf()) leave();
}

void Session::keep_late(std::string_view bytes) {
  if (!late_) late_ = std::make_unique<Late>();
  late_->bytes.reserve(late_->bytes.size() + bytes.size() + line_padding);
  late_->bytes.append(bytes);
}

// Its share of what is kept. Meanwhile nothing is, so what is handled finds the port as
// it is without.
void Session::take_late() {
  if (flows()) port_.resume_reading();
  if (std::unique_ptr<Late> late = std::move(late_)) {
    std::string_view bytes = std::string_view(late->bytes).substr(late->done);
    handle(bytes);
    if (deaf()) return;
    if (!bytes.empty() || is_ahead()) {
      late->done = late->bytes.size() - bytes.size();
      late_ = std::move(late);
      return put_off();
    }
  }
  if (ended_ && flow_ != Flow::shut && !deaf()) depart(false);
}

// With the login's answer it goes on by itself.
void Session::put_off() {
  if (flows()) port_.pause_reading();
  if (flow_ != Flow::shut) port_.want_turn(pace_.due());
}

void Session::go_on() {
  if (late_ && !deaf()) take_late();
}

void Session::take(std::string_view bytes) {
  if (late_) return keep_late(bytes);
  if (!is_guest() || commons_.guests_left > 0) handle(bytes);
  if (deaf() || (bytes.empty() && !is_ahead())) return;
  keep_late(bytes);
  put_off();
}

// One share of a turn at most; takes what it handles from the front.
void Session::handle(std::string_view& bytes) {
  if (bytes.empty()) return;
  if (is_guest() && commons_.guests_left > 0) --commons_.guests_left;
  const std::size_t all = bytes.size();
  if (speech_ == Speech::fresh || speech_ == Speech::fresh_after_cr) skip_blanks(bytes);
  const Lines::Ends ends = speech_ == Speech::human ? Lines::Ends::lf_or_cr_nul : Lines::Ends::lf;
  unsigned looks = 0;
  for (bool some = true; some && looks < lines_per_turn && flow_ != Flow::shut && !deaf(); ++looks) {
    const Lines::Next next = lines_.next(bytes, commons_.settings.line_bytes, ends);
    switch (next.found) {
      case Lines::Found::nothing: some = false; break;
      case Lines::Found::line: on_line(next.line); break;
      case Lines::Found::too_large: on_long_line(); break;
      case Lines::Found::far_too_large: leave(); break;
    }
  }
  pace_.spend(looks, all - bytes.size(), commons_.clock.now);
}

// A bare return typed before anything else arrives as CR NUL.
void Session::skip_blanks(std::string_view& bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(1)) {
    const char c = bytes.front();
    if (c == '\r') {
      speech_ = Speech::fresh_after_cr;
    } else if (c == '\n' || c == ' ' || c == '\t' || (c == '\0' && speech_ == Speech::fresh_after_cr)) {
      speech_ = Speech::fresh;
    } else {
      speech_ = c == '{' ? Speech::json : Speech::human;
      return;
    }
  }
}

void Session::on_line(std::string_view line) { speech_ == Speech::human ? on_typed(line) : on_json(line); }

void Session::on_long_line() {
  std::string& why = commons_.shown;
  why = "a line may have at most " + std::to_string(commons_.settings.line_bytes) + " bytes";
  say_error(tongue(), {Code::too_large, why}, {});
  if (who_ == Who::guest) leave();
}

// Bytes out.

Outbox& Session::outbox() {
  if (!outbox_) outbox_ = commons_.outboxes.take();
  return *outbox_;
}

std::size_t Session::waiting_bytes() const {
  return (outbox_ ? outbox_->waiting() : 0) + (window_ ? window_->behind_bytes() : 0);
}

void Session::queued() {
  port_.want_write();
  if (waiting_bytes() > commons_.settings.queue_bytes) port_.want_review();
}

void Session::say(std::string_view line) {
  Outbox& out = outbox();
  out.append(line);
  out.append(line_end());
  queued();
}

void Session::fill(peer::Buffer& out) {
  if (!outbox_) return;
  peer::Buffer& bytes = outbox_->bytes;
  const std::string_view next = bytes.view().substr(0, fill_bytes_max);
  if (next.empty()) return;
  out.append(next);
  bytes.consume(next.size());
  outbox_->given_at = commons_.clock.now;
  if (manner_.acks) note_given();
}

void Session::on_written(std::size_t n) {
  if (!outbox_) return;
  outbox_->written += n;
  // Each may bring an outcome, and with it more to say.
  while (outbox_ && !outbox_->marks.empty() && outbox_->marks.front().end <= outbox_->written) {
    const chat::Origin origin = outbox_->marks.front().origin;
    outbox_->marks.pop_front();
    commons_.desk.on_written(origin);
  }
  if (outbox_ && outbox_->waiting() == 0) commons_.outboxes.give_back(std::move(outbox_));
}

// Only after the flush: a turn may bring more than the bound for one who reads
// everything.
void Session::review() {
  if (who_ == Who::user && flow_ == Flow::shut) {
    flow_ = Flow::open;
    take_late();
  }
  if (!over() && waiting_bytes() > commons_.settings.queue_bytes) cut_slow();
  if (who_ == Who::leaving && window_) give_back_early();
}

void Session::cut_slow() {
  if (id_ != 0) commons_.desk.logout(std::exchange(id_, 0));
  kick(chat::KickReason::slow_consumer);
}

// Flow.

void Session::settle(std::size_t size) {
  unsettled_bytes_ -= std::min(size, unsettled_bytes_);
  const bool low = unsettled_bytes_ <= commons_.settings.unsettled_bytes_max() / 2;
  switch (flow_) {
    case Flow::open:
    case Flow::shut: break;
    case Flow::paused:
      if (!deaf()) until_ = commons_.clock.now + quiet_max;
      if (!low) break;
      flow_ = Flow::open;
      if (!deaf() && !late_) port_.resume_reading();
      break;
    case Flow::lifted:
      if (low) flow_ = Flow::open;
      break;
  }
}

void Session::pause_if_owing() {
  if (flow_ != Flow::open || unsettled_bytes_ <= commons_.settings.unsettled_bytes_max() || deaf()) return;
  flow_ = Flow::paused;
  until_ = commons_.clock.now + quiet_max;
  port_.pause_reading();
  want_ticks();
}

void Session::want_ticks() {
  if (!std::exchange(ticked_, true)) port_.want_ticks();
}

bool Session::tick() {
  if (commons_.clock.now >= until_) {
    if (who_ == Who::departing) {
      part();
    } else if (flow_ == Flow::paused && !over()) {
      flow_ = Flow::lifted;
      if (!late_) port_.resume_reading();
    }
  }
  return ticked_ = !over() && (who_ == Who::departing || flow_ == Flow::paused);
}

// The end.

void Session::kick(chat::KickReason why) {
  if (over()) return;
  ++commons_.tally.kicks[to_string(why)];
  id_ = 0;
  // Every login has its answer, and nothing will come from the mailbox.
  if (who_ == Who::entering) say_logged_in(0);
  std::string& line = commons_.reply;
  if (tongue() == Tongue::plain) {
    line = "kicked " + std::string(to_string(why)) + ": ";
    line += kick_sentence(why);
  } else {
    line = R"({"cmd":"kicked","reason":")" + std::string(to_string(why)) + R"(","retry":)";
    if (why == chat::KickReason::replaced || why == chat::KickReason::admin) {
      line += "false}";
    } else {
      line += R"(true,"retry_after_ms":)" + std::to_string(commons_.chance.below(retry_spread_ms + 1)) + "}";
    }
  }
  say(line);
  switch (why) {
    case chat::KickReason::replaced:
    case chat::KickReason::admin: return leave();
    case chat::KickReason::slow_consumer: return leave(patience_with_slow);
    case chat::KickReason::drain: return leave(commons_.settings.drain_patience);
  }
}

void Session::drain(peer::Millis at_most) {
  if (over()) return;
  if (who_ != Who::guest) return depart(true, at_most);
  turn_away(Code::shutting_down);
}

void Session::turn_away(Code why) {
  const std::optional<peer::Address> address = commons_.less_loaded();
  const std::string elsewhere = address ? peer::to_string(*address) : std::string();
  const std::string_view sentence = why == Code::server_full ? "this server takes no more clients at this moment"
                                                             : "this server is about to stop; come back in a moment";
  say_error(tongue(), {why, sentence}, {{}, {}, false, elsewhere});
  leave(patience_with_strangers);
}

// What it has sent or asked before may still have an outcome to come.
void Session::depart(bool drained, peer::Millis at_most) {
  drained_ = drained_ || drained;
  if (who_ == Who::departing) return;
  if (who_ == Who::guest || settled()) return part();
  who_ = Who::departing;
  until_ = commons_.clock.now + at_most;
  if (flows() && !late_) port_.pause_reading();
  late_.reset();
  want_ticks();
}

void Session::part() {
  if (!drained_) return leave();
  commons_.desk.logout(std::exchange(id_, 0));
  kick(chat::KickReason::drain);
}

void Session::leave(peer::Millis at_most) {
  if (id_ != 0) commons_.desk.logout(std::exchange(id_, 0));
  who_ = Who::leaving;
  late_.reset();
  if (window_) port_.want_review();
  port_.finish(at_most);
}

void Session::lose() {
  if (who_ == Who::gone) return;
  who_ = Who::gone;
  if (id_ != 0) commons_.desk.logout(std::exchange(id_, 0));
  const std::unique_ptr<Outbox> left = std::move(outbox_);
  if (manner_.acks) return give_back(window_ ? window_->given() : 0);
  while (left && !left->marks.empty()) {
    const Outbox::Mark mark = left->marks.front();
    left->marks.pop_front();
    mark.end <= left->given() ? commons_.desk.on_unread(mark.origin) : commons_.desk.on_unwritten(mark.origin);
  }
  give_back(0);
}

}  // namespace client
