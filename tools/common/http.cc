#include "tools/common/http.h"

#include <http_parser.h>

#include <array>
#include <cstdio>
#include <utility>

#include "tools/common/connection.h"
#include "tools/common/json.h"
#include "tools/common/printable.h"

namespace tool {

namespace {

// Collects one answer.
struct Reading {
  http_parser parser{};
  std::string body{};
  bool complete = false;
  bool too_large = false;

  static Reading& of(http_parser* raw) { return *static_cast<Reading*>(raw->data); }
};

http_parser_settings settings() {
  http_parser_settings calls;
  http_parser_settings_init(&calls);
  calls.on_body = [](http_parser* raw, const char* at, std::size_t size) noexcept {
    Reading& reading = Reading::of(raw);
    reading.too_large = size > answer_bytes_max - reading.body.size();
    if (!reading.too_large) reading.body.append(at, size);
    return reading.too_large ? 1 : 0;
  };
  calls.on_message_complete = [](http_parser* raw) noexcept {
    // What the server says meanwhile (RFC 9110 §15.2) is no answer yet.
    Reading::of(raw).complete = raw->status_code >= 200;
    if (raw->status_code >= 200) http_parser_pause(raw, 1);
    return 0;
  };
  return calls;
}

std::string request(const Target& target, std::string_view method, std::string_view path, std::string_view body) {
  std::string text = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\n";
  text += "Host: " + to_string(target.address) + "\r\nConnection: close\r\n";
  if (!target.token.empty()) text += "Authorization: Bearer " + target.token + "\r\n";
  if (!body.empty()) text += "Content-Type: application/json\r\n";
  if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string(body);
}

AskFailure network(const NetFailure& failure) {
  switch (failure.trouble) {
    case NetTrouble::unreachable: return {Trouble::unreachable, failure.why};
    case NetTrouble::timeout: return {Trouble::timeout, failure.why};
  }
  return {};
}

// {"error":{"code":…,"message":…}}, or whatever it is.
AskFailure refusal(int status, const std::string& body) {
  const Trouble trouble = status == 401 || status == 403 ? Trouble::unauthorised : Trouble::refused;
  const Json json = parse_json(body);
  const cJSON* const error = item_of(json.get(), "error");
  const std::string code = printable(text_of(error, "code").substr(0, 64));
  const std::string message = printable(text_of(error, "message").substr(0, 512));
  if (code.empty() && message.empty()) return {trouble, "HTTP status " + std::to_string(status), status};
  return {trouble, code + (code.empty() || message.empty() ? "" : ": ") + message, status, code};
}

// Nothing yet: more has to come. `bytes` is empty at the end of the connection.
bool read(Reading& reading, const std::string& bytes, AskFailure& failure) {
  const http_parser_settings calls = settings();
  http_parser_execute(&reading.parser, &calls, bytes.data(), bytes.size());
  if (reading.complete) return true;
  const auto error = static_cast<http_errno>(reading.parser.http_errno);
  if (reading.too_large)
    failure = {Trouble::nonsense, "the answer is larger than 32 MiB"};
  else if (bytes.empty())
    failure = {Trouble::unreachable, "it hung up before its answer was whole"};
  else if (error != HPE_OK)
    failure = {Trouble::nonsense, "that is no answer in HTTP"};
  else
    return false;
  return true;
}

}  // namespace

Result<Answer, AskFailure> ask(const Target& target, std::string_view method, std::string_view path,
                               std::string_view body, std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  Result<Connection, NetFailure> connection = Connection::dial(target.address, deadline);
  if (!connection) return network(connection.failure());
  if (const auto sent = connection->send(request(target, method, path, body), deadline); !sent)
    return network(sent.failure());
  Reading reading;
  http_parser_init(&reading.parser, HTTP_RESPONSE);
  reading.parser.data = &reading;
  AskFailure failure;
  while (true) {
    const Result<std::string, NetFailure> bytes = connection->receive(deadline);
    if (!bytes) return network(bytes.failure());
    if (read(reading, *bytes, failure)) break;
  }
  if (!reading.complete) return failure;
  const int status = reading.parser.status_code;
  if (status < 200 || status > 299) return refusal(status, reading.body);
  return Answer{status, std::move(reading.body)};
}

std::string escape_path(std::string_view part) {
  constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : part) {
    if (unreserved.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    std::array<char, 4> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += escaped.data();
  }
  return out;
}

}  // namespace tool
