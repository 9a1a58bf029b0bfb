#include "tools/crosstalk/message.h"

#include <array>

#include "tools/common/json.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

using What = Message::What;

// 0 where there is none.
std::int64_t whole_of(const cJSON* object, const char* key) {
  return static_cast<std::int64_t>(tool::number_of(object, key).value_or(0));
}

std::uint64_t count_of(const cJSON* object, const char* key) {
  const std::int64_t number = whole_of(object, key);
  return number < 0 ? 0 : static_cast<std::uint64_t>(number);
}

bool is_true(const cJSON* object, const char* key) { return tool::flag_of(object, key).value_or(false); }

What what_of(std::string_view cmd) {
  struct Row {
    std::string_view cmd;
    What what;
  };
  constexpr std::array<Row, 8> rows{{{"hello", What::hello},
                                     {"login", What::login},
                                     {"chat", What::chat},
                                     {"ack", What::ack},
                                     {"error", What::error},
                                     {"kicked", What::kicked},
                                     {"pong", What::pong},
                                     {"who", What::who}}};
  for (const Row& row : rows)
    if (row.cmd == cmd) return row.what;
  return What::other;
}

// The end of the string that begins at `at`, behind its closing quote.
std::size_t string_end(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at)
    if (json[at] == '\\') ++at;
  return at + 1;
}

// The value of `key` in the outer object as it was written: numbers of any size
// stay what they are. `json` is an object that was parsed.
std::string_view written(std::string_view json, std::string_view key) {
  int depth = 0;
  std::size_t began = 0;  // of the value that is looked for; 0: not yet
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (c == '"') {
      const std::size_t end = string_end(json, at);
      const std::size_t colon = json.find_first_not_of(" \t\r\n", end);
      const bool is_key = depth == 1 && began == 0 && colon < json.size() && json[colon] == ':';
      if (is_key && json.substr(at + 1, end - at - 2) == key) {
        began = json.find_first_not_of(" \t\r\n", colon + 1);
        at = began - 1;
      } else {
        at = end - 1;
      }
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (began != 0 && depth == 1 && (c == ',' || c == '}')) {
      return json.substr(began, at - began);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return {};
}

std::string content_of(const cJSON* object, std::string_view line) {
  const cJSON* const item = tool::item_of(object, "content");
  return cJSON_IsString(item) ? item->valuestring : std::string(written(line, "content"));
}

}  // namespace

std::string login_line(std::string_view name, std::string_view token) {
  std::string line = R"({"cmd":"login","name":)" + quoted(name) + R"(,"ack":true)";
  if (!token.empty()) line += R"(,"token":)" + quoted(token);
  return line + "}\n";
}

std::string chat_line(std::string_view recipient, std::string_view content, std::string_view id, bool retry) {
  std::string line = R"({"cmd":"chat","recv":)" + quoted(recipient) + R"(,"content":)" + std::string(content) +
                     R"(,"id":)" + quoted(id);
  if (retry) line += R"(,"retry":true)";
  return line + "}\n";
}

std::string ack_line(std::uint64_t seq) { return R"({"cmd":"ack","seq":)" + std::to_string(seq) + "}\n"; }

std::string who_line(std::size_t limit, std::string_view after) {
  std::string line = R"({"cmd":"who","limit":)" + std::to_string(limit);
  if (!after.empty()) line += R"(,"after":)" + quoted(after);
  return line + "}\n";
}

std::string ping_line(std::string_view id) { return R"({"cmd":"ping","id":)" + quoted(id) + "}\n"; }

std::string logout_line() { return "{\"cmd\":\"logout\"}\n"; }

std::optional<std::string> one_line_json(std::string_view json) {
  if (!is_plain_utf8(json) || !tool::parse_json(json)) return std::nullopt;
  std::string line(json);
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\n' || line[at] == '\r') line[at] = ' ';
    if (line[at] != '"') continue;
    const std::size_t end = string_end(line, at);
    for (; at + 1 < end; ++at)
      // The parser lets a line end pass inside a string; JSON does not.
      if (static_cast<unsigned char>(line[at]) < 0x20) return std::nullopt;
  }
  return line;
}

std::optional<Message> read_message(std::string_view line) {
  const tool::Json json = tool::parse_json(line);
  if (!cJSON_IsObject(json.get())) return std::nullopt;
  const cJSON* const object = json.get();
  Message message;
  message.what = what_of(tool::text_of(object, "cmd"));
  message.node = tool::text_of(object, "node");
  message.send = tool::text_of(object, "send");
  message.recv = tool::text_of(object, "recv");
  message.room = tool::text_of(object, "room");
  if (message.what == What::chat) message.content = content_of(object, line);
  message.id = tool::text_of(object, "id");
  message.status = tool::text_of(object, "status");
  message.code = tool::text_of(object, message.what == What::kicked ? "reason" : "code");
  message.sentence = tool::text_of(object, "message");
  message.in = tool::text_of(object, "in");
  message.elsewhere = tool::text_of(object, "try");
  message.users = tool::texts_of(object, "users");
  message.partial = tool::texts_of(object, "partial");
  message.ts = whole_of(object, "ts");
  message.retry_after_ms = whole_of(object, "retry_after_ms");
  message.seq = count_of(object, "seq");
  message.waiting = count_of(object, "waiting");
  message.count = count_of(object, "count");
  message.more = tool::flag_of(object, "more");
  message.retry = is_true(object, "retry");
  message.maybe = is_true(object, "maybe");
  message.redelivered = is_true(object, "redelivered");
  message.stored = is_true(object, "stored");
  message.copy = is_true(object, "copy");
  return message;
}

}  // namespace crosstalk
