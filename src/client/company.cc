// The same session: who else is there, asked and answered.
#include <algorithm>
#include <utility>

#include "peer/ids.h"
#include "src/chat/roll.h"
#include "src/client/human.h"
#include "src/client/session.h"
#include "src/client/text.h"

namespace client {

namespace {

void append_list(std::string& line, const std::vector<std::string>& names) {
  line += '[';
  for (const std::string& name : names) {
    if (line.back() != '[') line += ',';
    append_quoted(line, name);
  }
  line += ']';
}

void append_roll(std::string& line, const chat::Roll& roll) {
  line += R"({"cmd":"who","users":)";
  append_list(line, roll.names);
  line += R"(,"count":)" + std::to_string(roll.count);
  line += roll.more ? R"(,"more":true)" : R"(,"more":false)";
  if (!roll.silent.empty()) {
    line += R"(,"partial":)";
    append_list(line, roll.silent);
  }
  line += '}';
}

}  // namespace

void Session::answer_presence(const Request& request) {
  const About about{"presence", request.id.raw};
  if (who_ != Who::user) return say_error(Tongue::json, {Code::not_logged_in, "log in first"}, about);
  for (const std::string_view name : request.names)
    if (!peer::valid_user_name(name)) return say_error(Tongue::json, {Code::bad_name, name_rule}, about);
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

// Who is online.

void Session::answer_who(const Request& request) {
  const chat::RollPage page{request.after.text, static_cast<std::size_t>(request.number)};
  if (const auto refusal = ask_who(page, Tongue::json)) say_error(Tongue::json, *refusal, {"who", request.id.raw});
}

void Session::typed_who() {
  if (const auto refusal = ask_who({{}, who_limit}, Tongue::plain)) say_error(Tongue::plain, *refusal, {});
}

// One at a time: it costs every node a look at all of its users.
std::optional<Refusal> Session::ask_who(const chat::RollPage& page, Tongue wording) {
  if (who_ != Who::user) return Refusal{Code::not_logged_in, "log in first"};
  if (asks_who_) return Refusal{Code::busy, "the last question of who is online has no answer yet"};
  asks_who_ = wording;
  if (commons_.desk.who(id_, page)) return std::nullopt;
  asks_who_.reset();
  return Refusal{Code::busy, "too many ask who is online; try again in a moment"};
}

void Session::on_roll(const chat::Roll& roll) {
  const std::optional<Tongue> wording = std::exchange(asks_who_, std::nullopt);
  if (over() || !wording) return;
  std::string& line = commons_.reply;
  line.clear();
  wording == Tongue::json ? append_roll(line, roll) : append_shown_roll(line, roll);
  say(line);
  if (who_ == Who::departing && settled()) part();
}

}  // namespace client
