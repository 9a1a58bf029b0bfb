// What a session is asked for, in JSON or by a person typing, and what it answers.
#include <algorithm>

#include "peer/frame.h"
#include "src/client/human.h"
#include "src/client/session.h"
#include "src/client/text.h"

namespace client {

namespace {

constexpr unsigned bad_json_max = 3;

Code code_of(chat::Outcome outcome) {
  switch (outcome) {
    case chat::Outcome::delivered:
    case chat::Outcome::written:
    case chat::Outcome::stored:
    case chat::Outcome::no_such_user: return Code::no_such_user;
    case chat::Outcome::mailbox_full: return Code::mailbox_full;
    case chat::Outcome::busy: return Code::busy;
    case chat::Outcome::unavailable: return Code::unavailable;
  }
  return Code::unavailable;
}

// What stands behind the id in an ack; empty for a failure.
std::string_view ack_end_of(chat::Outcome outcome) {
  switch (outcome) {
    case chat::Outcome::delivered: return R"(,"status":"delivered"})";
    case chat::Outcome::written: return R"(,"status":"written"})";
    case chat::Outcome::stored: return R"(,"status":"stored"})";
    case chat::Outcome::no_such_user:
    case chat::Outcome::mailbox_full:
    case chat::Outcome::busy:
    case chat::Outcome::unavailable: return {};
  }
  return {};
}

constexpr std::string_view line_front = R"({"cmd":"chat","send":")";
static_assert(line_front.size() == peer::chat_sender_at + 1);  // with the quote of the sender's token

}  // namespace

void Session::say_error(Tongue wording, const Refusal& refusal, const About& about) {
  ++commons_.tally.refusals[to_string(refusal.code)];
  pace_.spend(Pace::lines_per_refusal, 0, commons_.clock.now);
  std::string& line = commons_.error;
  if (wording == Tongue::plain) {
    line = "error ";
    line += to_string(refusal.code);
    line += ": ";
    line += refusal.why;
    if (!about.elsewhere.empty()) {
      line += "; try ";
      line += about.elsewhere;
    }
    return say(line);
  }
  line = R"({"cmd":"error","code":")";
  line += to_string(refusal.code);
  line += R"(","message":)";
  append_quoted(line, refusal.why);
  if (!about.cmd.empty()) {
    line += R"(,"in":)";
    append_quoted(line, cut(about.cmd, 64));
  }
  if (!about.id.empty()) {
    line += R"(,"id":)";
    line += about.id;
  }
  if (about.maybe) line += R"(,"maybe":true)";
  if (!about.elsewhere.empty()) {
    line += R"(,"try":)";
    append_quoted(line, about.elsewhere);
  }
  line += '}';
  say(line);
}

void Session::on_outcome(std::string_view id, std::size_t size, chat::Outcome outcome, bool maybe) {
  settle(size);
  if (over()) return;
  // Of most chats without an id nothing is to be said.
  const bool arrived = outcome == chat::Outcome::written || outcome == chat::Outcome::delivered;
  if (!arrived || !id.empty()) say_outcome(id, outcome, maybe);
  if (who_ == Who::departing && settled()) part();
}

void Session::say_outcome(std::string_view id, chat::Outcome outcome, bool maybe) {
  if (!ack_end_of(outcome).empty()) return say_success(id, outcome);
  const bool in_hand = in_hand_ != nullptr && in_hand_->id == id;
  const Tongue wording = in_hand ? in_hand_->tongue : id.empty() ? tongue() : Tongue::json;
  std::string& why = commons_.shown;
  why.clear();
  append_failure(why, outcome, maybe, recipient_of(id));
  say_error(wording, {code_of(outcome), why}, {"chat", id, maybe});
}

void Session::say_success(std::string_view id, chat::Outcome outcome) {
  if (!id.empty()) {
    Outbox& out = outbox();
    out.append(R"({"cmd":"ack","id":)");
    out.append(id);
    out.append(ack_end_of(outcome));
    out.append(line_end());
    return queued();
  }
  // A person wants to know who will not read it now.
  if (outcome != chat::Outcome::stored || tongue() != Tongue::plain) return;
  std::string& line = commons_.reply;
  line.clear();
  append_stored(line, recipient_of(id));
  say(line);
}

// Of the chat that the desk has in hand, told at once; or of one that can have
// gone to one person only. Empty: not known.
std::string_view Session::recipient_of(std::string_view id) const {
  if (in_hand_ != nullptr && in_hand_->id == id) return in_hand_->recipient;
  return id.empty() && partner_ && partner_->only ? std::string_view(partner_->name) : std::string_view();
}

// Requests in JSON.

void Session::on_json(std::string_view line) {
  const Request& request = commons_.requests.parse(line);
  if (!request.refusal) {
    bad_json_ = 0;
    return answer(request);
  }
  say_error(Tongue::json, *request.refusal, {request.cmd.text, request.id.raw});
  bad_json_ =
      request.refusal->code == Code::bad_json ? static_cast<std::uint8_t>(std::min(bad_json_ + 1U, bad_json_max)) : 0;
  if (who_ == Who::guest && bad_json_ == bad_json_max) leave();
}

void Session::answer(const Request& request) {
  switch (request.verb) {
    case Verb::login: return answer_login(request);
    case Verb::chat:
      if (const auto refusal = send(request, Tongue::json)) say_error(Tongue::json, *refusal, {"chat", request.id.raw});
      return;
    case Verb::ack: return answer_ack(request);
    case Verb::who: return answer_who(request);
    case Verb::presence: return answer_presence(request);
    case Verb::ping: return answer_ping(request);
    case Verb::logout: return depart(false);
  }
}

void Session::answer_login(const Request& request) {
  const Manner manner{request.format.text == "text", request.ack.raw == "true", Tongue::json};
  if (const auto refusal = log_in(request.name.text, manner))
    say_error(Tongue::json, *refusal, {"login", request.id.raw});
}

void Session::answer_ack(const Request& request) {
  const About about{"ack", request.id.raw};
  if (who_ != Who::user) return say_error(Tongue::json, {Code::not_logged_in, "log in first"}, about);
  if (!manner_.acks)
    return say_error(Tongue::json, {Code::bad_request, "only a session that logged in with ack confirms"}, about);
  if (!confirm(request.number))
    say_error(Tongue::json, {Code::bad_request, "no delivery of this session has that seq yet"}, about);
}

void Session::answer_ping(const Request& request) {
  std::string& line = commons_.reply;
  line = R"({"cmd":"pong")";
  if (request.id) {
    line += R"(,"id":)";
    line += request.id.raw;
  }
  line += '}';
  say(line);
}

// What people type.

void Session::on_typed(std::string_view line) {
  const Typed typed = read_typed(line);
  if (typed.what == Typed::What::json) return on_json(typed.text);
  if (!is_plain_utf8(line))
    return say_error(Tongue::plain, {Code::bad_request, "a line must be UTF-8 without NUL"}, {});
  switch (typed.what) {
    case Typed::What::nothing:
    case Typed::What::json: return;
    case Typed::What::login: return typed_login(typed.name);
    case Typed::What::msg: return typed_message(typed.name, typed.text);
    case Typed::What::text:
      if (who_ == Who::user && (!partner_ || partner_->name.empty()))
        return say_error(Tongue::plain, {Code::bad_request, "say to whom first: /msg NAME TEXT, or /help"}, {});
      return typed_message(partner_ ? std::string_view(partner_->name) : std::string_view(), typed.text);
    case Typed::What::who: return typed_who();
    case Typed::What::help: return say(help_text);
    case Typed::What::quit: return depart(false);
    case Typed::What::misused: return say_error(Tongue::plain, {Code::bad_request, typed.text}, {});
    case Typed::What::unknown:
      return say_error(Tongue::plain, {Code::unknown_cmd, "there is no such command; /help names those there are"}, {});
  }
}

void Session::typed_login(std::string_view name) {
  if (const auto refusal = log_in(name, {true, false, Tongue::plain})) say_error(Tongue::plain, *refusal, {});
}

void Session::typed_message(std::string_view name, std::string_view text) {
  if (who_ != Who::user)
    return say_error(Tongue::plain, {Code::not_logged_in, "log in first: /login NAME, or /help"}, {});
  std::string& quoted = commons_.typed;
  quoted.clear();
  append_quoted(quoted, name);
  const std::size_t name_bytes = quoted.size();
  append_quoted(quoted, text);

  Request chat;
  chat.recv = {Token::Kind::string, std::string_view(quoted).substr(0, name_bytes), name};
  chat.content = {Token::Kind::string, std::string_view(quoted).substr(name_bytes), text};
  if (const auto refusal = send(chat, Tongue::plain)) say_error(Tongue::plain, *refusal, {});
}

// What both come to.

std::optional<Refusal> Session::log_in(std::string_view name, Manner manner) {
  if (who_ != Who::guest) return Refusal{Code::already_logged_in, "you are logged in already"};
  if (!peer::valid_user_name(name)) return Refusal{Code::bad_name, name_rule};
  if (manner.acks && speech_ == Speech::human)
    return Refusal{Code::bad_request, "chats for people show no seq: log in without ack"};
  name_ = name;
  plain_name_ = std::none_of(name.begin(), name.end(), [](char c) { return c == '"' || c == '\\'; });
  manner_ = manner;
  manner_.text = manner.text || speech_ == Speech::human;
  who_ = Who::entering;
  const chat::ClientId id = commons_.desk.login(*this, name_);
  if (over()) return std::nullopt;
  id_ = id;
  if (who_ == Who::entering) {
    flow_ = Flow::shut;
    port_.pause_reading();
  }
  return std::nullopt;
}

void Session::on_ready(std::size_t waiting) {
  if (who_ != Who::entering) return;
  who_ = Who::user;
  say_logged_in(waiting);
  // What came meanwhile is heard when the desk is out of this call.
  if (flow_ == Flow::shut) port_.want_review();
}

void Session::say_logged_in(std::size_t waiting) {
  std::string& line = commons_.reply;
  if (manner_.tongue == Tongue::json) {
    line = R"({"cmd":"login","ok":true,"name":)";
    append_quoted(line, name_);
    line += R"(,"node":")" + commons_.settings.node + R"(","waiting":)" + std::to_string(waiting) + "}";
  } else {
    line = "logged in as ";
    append_shown(line, name_);
    line += " on " + commons_.settings.node;
    if (waiting > 0)
      line += "; " + std::to_string(waiting) + (waiting == 1 ? " message" : " messages") + " waited for you";
  }
  say(line);
}

std::optional<Refusal> Session::send(const Request& chat, Tongue wording) {
  if (who_ != Who::user) return Refusal{Code::not_logged_in, "log in first"};
  if (chat.send && chat.send.text != name_) return Refusal{Code::not_you, "send must be your own name, or be left out"};
  if (!peer::valid_user_name(chat.recv.text)) return Refusal{Code::bad_name, name_rule};
  if (speech_ == Speech::human && !chat.id) note_partner(chat.recv.text, wording == Tongue::plain);
  if (!within_rate()) return Refusal{Code::rate_limited, "too many chats a second"};
  const InHand in_hand{chat.recv.text, chat.id.raw, wording};
  in_hand_ = &in_hand;
  hand_in(chat);
  in_hand_ = nullptr;
  pause_if_owing();
  return std::nullopt;
}

// What comes of a chat without an id can be told by name as long as all such
// chats under way went to one person.
void Session::note_partner(std::string_view name, bool typed) {
  if (!partner_) partner_ = std::make_unique<Partner>();
  const bool same = partner_->name == name;
  partner_->only = unsettled_bytes_ == 0 ? same || typed : same && partner_->only;
  if (typed && !same) partner_->name = name;
}

// The generic cell rate algorithm (ITU-T I.371): a token bucket in one number.
bool Session::within_rate() {
  const SessionSettings& settings = commons_.settings;
  if (settings.chats_per_s == 0) return true;
  const peer::Micros each = peer::Micros(1'000'000) / settings.chats_per_s;
  const std::uint32_t burst = settings.chats_burst == 0 ? 2 * settings.chats_per_s : settings.chats_burst;
  const peer::Time paid_until = std::max(chats_until_, commons_.clock.now) + each;
  if (paid_until - commons_.clock.now > each * burst) return false;
  chats_until_ = paid_until;
  return true;
}

void Session::hand_in(const Request& chat) {
  std::string_view sender = name_;
  if (!plain_name_) {
    commons_.sender.clear();
    append_escaped(commons_.sender, name_);
    sender = commons_.sender;
  }

  // JSON allows a bare CR between tokens; some readers and terminals would take
  // it for the end of a line.
  std::string_view content = chat.content.raw;
  if (chat.content.kind != Token::Kind::string && content.find('\r') != std::string_view::npos) {
    commons_.content = content;
    std::replace(commons_.content.begin(), commons_.content.end(), '\r', ' ');
    content = commons_.content;
  }

  // One spelling for an id, however it was escaped: it names the chat byte by byte.
  std::string_view id = chat.id ? chat.id.raw : commons_.ids.next();
  if (chat.id && id.find('\\') != std::string_view::npos) {
    commons_.id.clear();
    append_quoted(commons_.id, chat.id.text);
    id = commons_.id;
  }

  chat::Draft draft;
  draft.recipient = chat.recv.text;
  draft.hash = commons_.desk.hash(draft.recipient);
  constexpr std::string_view before_recv = R"(","recv":)";
  constexpr std::string_view before_content = R"(,"content":)";
  constexpr std::string_view before_id = R"(,"id":)";
  draft.lay({line_front, sender, before_recv, chat.recv.raw, before_content, content, before_id, id,
             commons_.line_end.at(commons_.clock.wall_ms)});
  draft.id = id;
  draft.at_ms = commons_.clock.wall_ms;
  if (chat.id) {
    draft.id_at =
        static_cast<std::uint32_t>(line_front.size() + sender.size() + before_recv.size() + chat.recv.raw.size() +
                                   before_content.size() + content.size() + before_id.size());
    draft.id_length = static_cast<std::uint16_t>(id.size());
  }
  draft.sender_length = static_cast<std::uint8_t>(sender.size() + 2);
  draft.retry = chat.retry.raw == "true";
  unsettled_bytes_ += draft.size();
  commons_.desk.chat(id_, draft);
}

}  // namespace client
