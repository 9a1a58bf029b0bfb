#include "tools/crosstalk/session.h"

#include <optional>

#include "tools/crosstalk/render.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

using tool::Result;
using What = Message::What;

constexpr int hops_max = 3;

}  // namespace

Error refused(const Message& message) {
  if (message.what == What::kicked)
    return {exit_of(message.code), shown(message.code), std::string(kick_sentence(message.code))};
  return {exit_of(message.code), shown(message.code), shown(message.sentence), message.maybe};
}

Result<Session, Error> Session::open(const std::vector<tool::Address>& servers, Deadline deadline) {
  std::optional<Result<Session, Error>> session;
  for (const tool::Address& server : servers) {
    session.emplace(open_at(server, deadline));
    if (*session) break;
  }
  return std::move(*session);
}

Result<Session, Error> Session::open_at(const tool::Address& server, Deadline deadline) {
  auto connection = tool::Connection::dial(server, deadline);
  if (!connection) {
    const bool late = connection.failure().trouble == tool::NetTrouble::timeout;
    return Error{late ? Exit::timeout : Exit::unreachable, late ? "timeout" : "unreachable",
                 shown(to_string(server)) + ": " + connection.why()};
  }
  Session session(std::move(*connection), server, deadline);
  const auto hello = session.next();
  if (!hello) return hello.failure();
  if (hello->what != What::hello)
    return Error{Exit::unreachable, "unreachable", shown(to_string(server)) + " does not speak this protocol"};
  session.node_ = shown(hello->node);
  return session;
}

Result<Session, Error> Session::open_as(std::string_view name, std::string_view token,
                                        const std::vector<tool::Address>& servers, Deadline deadline) {
  std::optional<Result<Session, Error>> session;
  for (const tool::Address& server : servers) {
    session.emplace(open_as_at(name, token, server, deadline));
    if (*session || !(session->failure().exit == Exit::unreachable || is_passing(session->failure().code))) break;
  }
  return std::move(*session);
}

Result<Session, Error> Session::open_as_at(std::string_view name, std::string_view token, tool::Address server,
                                           Deadline deadline) {
  for (int hops = 0;; ++hops) {
    auto session = open_at(server, deadline);
    if (!session) return session;
    const auto answer = session->answer_to_login(name, token);
    if (!answer) return answer.failure();
    if (answer->what == What::login) return session;
    auto elsewhere = tool::parse_address(answer->elsewhere);
    if (!elsewhere || hops == hops_max) return refused(*answer);
    server = std::move(*elsewhere);
  }
}

Result<Message, Error> Session::answer_to_login(std::string_view name, std::string_view token) {
  if (const auto sent = send(login_line(name, token)); !sent) return sent.failure();
  while (true) {
    auto message = next();
    if (!message || message->what == What::login || message->what == What::error || message->what == What::kicked)
      return message;
  }
}

Result<std::size_t, Error> Session::send(std::string_view line) {
  const auto sent = connection_.send(line, deadline_);
  if (!sent) return trouble(sent.failure().trouble, sent.why());
  return *sent;
}

Result<Message, Error> Session::next() {
  while (true) {
    if (const std::optional<std::string> line = lines_.next()) {
      if (std::optional<Message> message = read_message(*line)) return std::move(*message);
      return trouble(tool::NetTrouble::unreachable, "it does not speak this protocol");
    }
    if (lines_.overlong()) return trouble(tool::NetTrouble::unreachable, "it sends a line without an end");
    const auto bytes = connection_.receive(deadline_);
    if (!bytes) return trouble(bytes.failure().trouble, bytes.why());
    if (bytes->empty()) return trouble(tool::NetTrouble::unreachable, "the connection was closed");
    lines_.add(*bytes);
  }
}

Error Session::trouble(tool::NetTrouble trouble, const std::string& why) const {
  const bool late = trouble == tool::NetTrouble::timeout;
  return {late ? Exit::timeout : Exit::unreachable, late ? "timeout" : "unreachable",
          shown(to_string(server_)) + ": " + why};
}

}  // namespace crosstalk
