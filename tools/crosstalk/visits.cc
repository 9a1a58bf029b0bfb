// The verbs that ask one thing on the chat protocol: send, who, ping.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include "tools/common/printable.h"
#include "tools/crosstalk/commands.h"
#include "tools/crosstalk/identity.h"
#include "tools/crosstalk/render.h"
#include "tools/crosstalk/session.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

using tool::Result;
using What = Message::What;

// As many as a server gives at a time.
constexpr std::size_t who_page = 1000;
// Over the longest line that a server can be set to take.
constexpr std::size_t content_bytes_max = std::size_t{2} << 20U;

Result<std::string, Error> standard_input() {
  std::string text;
  std::array<char, 65536> piece;
  while (true) {
    const ssize_t size = read(STDIN_FILENO, piece.data(), piece.size());
    if (size == 0) return text;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Error{Exit::failed, "no_content", std::string("standard input: ") + std::strerror(errno)};
    text.append(piece.data(), static_cast<std::size_t>(size));
    if (text.size() > content_bytes_max) return Error{Exit::failed, "too_large", "standard input is over 2 MiB"};
  }
}

// What is to be sent, as JSON.
Result<std::string, Error> content_of(const Invocation& invocation) {
  std::string text;
  if (invocation.words == std::vector<std::string>{"-"}) {
    Result<std::string, Error> input = standard_input();
    if (!input) return input;
    text = std::move(*input);
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
  } else {
    for (const std::string& word : invocation.words) text += (text.empty() ? "" : " ") + word;
  }
  if (invocation.raw) {
    const std::optional<std::string> json = one_line_json(text);
    if (!json) return Error{Exit::usage, "bad_json", "the content is not one JSON value"};
    return *json;
  }
  if (!is_plain_utf8(text)) return Error{Exit::usage, "bad_request", "the content is not UTF-8 without NUL"};
  return quoted(text);
}

Error with_maybe(Error error) {
  error.maybe = true;
  return error;
}

// Waits for the one outcome.
Ending outcome(Session& session, const Invocation& invocation, const std::string& id) {
  while (true) {
    const auto message = session.next();
    if (!message) return with_maybe(message.failure());
    if (message->what == What::kicked) return with_maybe(refused(*message));
    // An error without an id is about the only thing that was asked.
    const bool ours = message->id == id || (message->what == What::error && message->id.empty());
    if (!ours) continue;
    if (message->what == What::error) return refused(*message);
    if (message->what != What::ack) continue;
    print_line(invocation.json ? R"({"id":)" + quoted(id) + R"(,"status":)" + quoted(message->status) + "}"
                               : outcome_for_people(message->status, invocation.to));
    return std::nullopt;
  }
}

Result<Message, Error> page_of(Session& session, std::size_t limit, std::string_view after) {
  if (const auto sent = session.send(who_line(limit, after)); !sent) return sent.failure();
  while (true) {
    auto message = session.next();
    if (!message || message->what == What::who) return message;
    if (message->what != What::error && message->what != What::kicked) continue;
    Error error = refused(*message);
    if (error.code == "unknown_cmd") error.why = "this server can't tell who is online";
    return error;
  }
}

std::string in_json(const std::string& node, std::size_t count, const std::vector<std::int64_t>& micros) {
  std::string text = R"({"node":)" + quoted(node) + R"(,"sent":)" + std::to_string(count) + R"(,"rtt_us":[)";
  for (std::size_t i = 0; i < micros.size(); ++i) text += (i == 0 ? "" : ",") + std::to_string(micros[i]);
  return text + "]}";
}

}  // namespace

Ending run_send(const Invocation& invocation) {
  const auto content = content_of(invocation);
  if (!content) return content.failure();
  const auto token = user_token(invocation);
  if (!token) return token.failure();
  auto session = Session::open_as(invocation.as, *token, invocation.servers, deadline(invocation, outcome_within));
  if (!session) return session.failure();
  const std::string id = fresh_id();
  if (const auto sent = session->send(chat_line(invocation.to, *content, id, false)); !sent)
    return with_maybe(sent.failure());
  return outcome(*session, invocation, id);
}

Ending run_who(const Invocation& invocation) {
  const auto token = user_token(invocation);
  if (!token) return token.failure();
  // Only users are told. A name for the moment is left out of what it sees.
  const bool passing = invocation.as.empty();
  const std::string name = passing ? fresh_id() : invocation.as;
  auto session = Session::open_as(name, *token, invocation.servers, deadline(invocation, answer_within));
  if (!session) return session.failure();
  std::string after = invocation.after;
  std::vector<std::string> silent;
  for (std::size_t told = 0; invocation.limit == 0 || told < invocation.limit;) {
    // One more than is wanted, in case that is our own.
    const std::size_t limit = invocation.limit == 0 ? who_page : std::min(who_page, invocation.limit - told + 1);
    auto page = page_of(*session, limit, after);
    if (!page) return page.failure();
    const bool last = page->users.empty() || !page->more.value_or(true) || page->users.back() <= after;
    if (!page->users.empty()) after = page->users.back();
    if (passing) std::erase(page->users, name);
    if (passing && page->count > 0) --page->count;
    if (invocation.limit != 0 && page->users.size() > invocation.limit - told) {
      page->users.resize(invocation.limit - told);
      page->more = true;
    }
    for (const std::string& node : page->partial)
      if (std::find(silent.begin(), silent.end(), node) == silent.end()) silent.push_back(node);
    if (invocation.json && (!page->users.empty() || told == 0)) print_line(tool::ascii_json(users_json(*page)));
    if (!invocation.json)
      for (const std::string& user : page->users) print_line(shown(user));
    told += page->users.size();
    if (last) break;
  }
  for (const std::string& node : silent) std::fprintf(stderr, "crosstalk: no answer from %s\n", shown(node).c_str());
  return std::nullopt;
}

Ending run_ping(const Invocation& invocation) {
  auto session = Session::open(invocation.servers, deadline(invocation, answer_within));
  if (!session) return session.failure();
  std::vector<std::int64_t> micros;
  while (micros.size() < invocation.count) {
    const std::string id = std::to_string(micros.size() + 1);
    const auto began = tool::Clock::now();
    if (const auto sent = session->send(ping_line(id)); !sent) return sent.failure();
    while (true) {
      const auto message = session->next();
      if (!message) return message.failure();
      if (message->what == What::error) return refused(*message);
      if (message->what == What::pong && message->id == id) break;
    }
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(tool::Clock::now() - began);
    micros.push_back(took.count());
    if (!invocation.json) print_line(session->node() + ": " + id + ": " + in_ms(micros.back()));
  }
  if (invocation.json) {
    print_line(in_json(session->node(), invocation.count, micros));
    return std::nullopt;
  }
  std::sort(micros.begin(), micros.end());
  print_line("least " + in_ms(micros.front()) + ", median " + in_ms(micros[micros.size() / 2]) + ", most " +
             in_ms(micros.back()));
  return std::nullopt;
}

}  // namespace crosstalk
