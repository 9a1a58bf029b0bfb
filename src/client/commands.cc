// What a session is asked for, in JSON or by a person typing, and what it answers.
#include <algorithm>
#include <charconv>

#include "src/client/human.h"
#include "src/client/session.h"
#include "src/client/text.h"

namespace client {

namespace {

constexpr std::string_view bad_name =
    "a name has 1 to 64 bytes of UTF-8 without white space, control or invisible characters";
constexpr unsigned bad_json_max = 3;

Code code_of(chat::Outcome outcome) {
  switch (outcome) {
    case chat::Outcome::written:
    case chat::Outcome::no_such_user: return Code::no_such_user;
    case chat::Outcome::busy: return Code::busy;
    case chat::Outcome::unavailable: return Code::unavailable;
  }
  return Code::unavailable;
}

}  // namespace

void Session::say_error(Tongue wording, const Refusal& refusal, const About& about) {
  std::string& line = commons_.error;
  if (wording == Tongue::plain) {
    line = "error ";
    line += to_string(refusal.code);
    line += ": ";
    line += refusal.why;
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
  line += '}';
  say(line);
}

void Session::on_outcome(std::string_view id, std::size_t size, chat::Outcome outcome, bool maybe) {
  settle(size);
  if (over()) return;
  say_outcome(id, outcome, maybe);
  if (who_ == Who::departing && unsettled_bytes_ == 0) part();
}

void Session::say_outcome(std::string_view id, chat::Outcome outcome, bool maybe) {
  if (outcome == chat::Outcome::written) {
    if (id.empty()) return;
    Outbox& out = outbox();
    out.append(R"({"cmd":"ack","id":)");
    out.append(id);
    out.append(R"(,"status":"written"})");
    out.append(line_end());
    return queued();
  }
  // Told at once, of the chat that the desk has in hand: to whom it went is known.
  const InHand* const in_hand = in_hand_ != nullptr && in_hand_->id == id ? in_hand_ : nullptr;
  const Tongue wording = in_hand != nullptr ? in_hand->tongue : id.empty() ? tongue() : Tongue::json;
  std::string& why = commons_.shown;
  why.clear();
  append_failure(why, outcome, maybe, in_hand != nullptr ? in_hand->recipient : std::string_view());
  say_error(wording, {code_of(outcome), why}, {"chat", id, maybe});
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
    case Verb::presence: return answer_presence(request);
    case Verb::ping: return answer_ping(request);
    case Verb::logout: return depart(false);
  }
}

void Session::answer_login(const Request& request) {
  if (const auto refusal = log_in(request.name.text, request.format.text == "text"))
    return say_error(Tongue::json, *refusal, {"login", request.id.raw});
  std::string& line = commons_.reply;
  line = R"({"cmd":"login","ok":true,"name":)";
  append_quoted(line, name_);
  line += R"(,"node":")" + commons_.settings.node + R"(","waiting":0})";
  say(line);
}

void Session::answer_presence(const Request& request) {
  const About about{"presence", request.id.raw};
  if (who_ != Who::user) return say_error(Tongue::json, {Code::not_logged_in, "log in first"}, about);
  for (const std::string_view name : request.names)
    if (!peer::valid_user_name(name)) return say_error(Tongue::json, {Code::bad_name, bad_name}, about);
  std::sort(request.names.begin(), request.names.end());
  const auto end = std::unique(request.names.begin(), request.names.end());

  std::string& line = commons_.reply;
  line = R"({"cmd":"presence","users":{)";
  for (auto name = request.names.begin(); name != end; ++name) {
    if (name != request.names.begin()) line += ',';
    append_quoted(line, *name);
    line += commons_.desk.online(*name) ? ":true" : ":false";
  }
  line += "}}";
  say(line);
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
      if (addressee_.empty() && who_ == Who::user)
        return say_error(Tongue::plain, {Code::bad_request, "say to whom first: /msg NAME TEXT, or /help"}, {});
      return typed_message(addressee_, typed.text);
    case Typed::What::help: return say(help_text);
    case Typed::What::quit: return depart(false);
    case Typed::What::misused: return say_error(Tongue::plain, {Code::bad_request, typed.text}, {});
    case Typed::What::unknown:
      return say_error(Tongue::plain, {Code::unknown_cmd, "there is no such command; /help names those there are"}, {});
  }
}

void Session::typed_login(std::string_view name) {
  if (const auto refusal = log_in(name, true)) return say_error(Tongue::plain, *refusal, {});
  std::string& line = commons_.reply;
  line = "logged in as ";
  append_shown(line, name_);
  line += " on " + commons_.settings.node;
  say(line);
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
  if (name != addressee_ && peer::valid_user_name(name)) addressee_ = name;
}

// What both come to.

std::optional<Refusal> Session::log_in(std::string_view name, bool text) {
  if (who_ == Who::user) return Refusal{Code::already_logged_in, "you are logged in already"};
  if (!peer::valid_user_name(name)) return Refusal{Code::bad_name, bad_name};
  name_ = name;
  text_ = text || speech_ == Speech::human;
  who_ = Who::user;
  id_ = commons_.desk.login(*this, name_);
  return std::nullopt;
}

std::optional<Refusal> Session::send(const Request& chat, Tongue wording) {
  if (who_ != Who::user) return Refusal{Code::not_logged_in, "log in first"};
  if (chat.send && chat.send.text != name_) return Refusal{Code::not_you, "send must be your own name, or be left out"};
  if (!peer::valid_user_name(chat.recv.text)) return Refusal{Code::bad_name, bad_name};
  if (!within_rate()) return Refusal{Code::rate_limited, "too many chats a second"};
  const InHand in_hand{chat.recv.text, chat.id.raw, wording};
  in_hand_ = &in_hand;
  hand_in(chat);
  in_hand_ = nullptr;
  pause_if_owing();
  return std::nullopt;
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
  std::string& sender = commons_.sender;
  sender.clear();
  append_quoted(sender, name_);

  // JSON allows a bare CR between tokens; some readers and terminals would take
  // it for the end of a line.
  std::string_view content = chat.content.raw;
  if (chat.content.kind != Token::Kind::string && content.find('\r') != std::string_view::npos) {
    commons_.content = content;
    std::replace(commons_.content.begin(), commons_.content.end(), '\r', ' ');
    content = commons_.content;
  }

  char digits[20];  // of a 64-bit number
  const char* const end = std::to_chars(digits, digits + sizeof digits, commons_.clock.wall_ms).ptr;
  chat::Draft draft;
  draft.recipient = chat.recv.text;
  draft.hash = commons_.desk.hash(draft.recipient);
  draft.pieces = {R"({"cmd":"chat","send":)",
                  sender,
                  R"(,"recv":)",
                  chat.recv.raw,
                  R"(,"content":)",
                  content,
                  R"(,"id":)",
                  chat.id ? chat.id.raw : commons_.ids.next(),
                  R"(,"ts":)",
                  {digits, static_cast<std::size_t>(end - digits)},
                  "}\n"};
  draft.count = 11;
  if (chat.id) {
    for (std::size_t i = 0; i < 7; ++i) draft.id_at += static_cast<std::uint32_t>(draft.pieces[i].size());
    draft.id_length = static_cast<std::uint16_t>(chat.id.raw.size());
  }
  unsettled_bytes_ += draft.size();
  commons_.desk.chat(id_, draft);
}

}  // namespace client
