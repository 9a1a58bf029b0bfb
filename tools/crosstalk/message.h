// The lines of crosstalk-protocol(7): what is asked, and what is read.
//
// Pure. What is not there, or is of another kind, is absent; a line that makes no
// sense is no message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crosstalk {

// Requests: one line each, with its end.
std::string login_line(std::string_view name, std::string_view token);
// `content` is JSON.
std::string chat_line(std::string_view recipient, std::string_view content, std::string_view id, bool retry);
std::string ack_line(std::uint64_t seq);
std::string who_line(std::size_t limit, std::string_view after);
std::string ping_line(std::string_view id);
std::string logout_line();

// One JSON value as it can stand in a line: without line ends. Nothing where it is
// no JSON.
std::optional<std::string> one_line_json(std::string_view json);

struct Message {
  enum class What : std::uint8_t { hello, login, chat, ack, error, kicked, pong, who, other };
  What what = What::other;

  std::string node{};                  // hello, login
  std::string send{};                  // chat
  std::string recv{};                  // chat; empty for a room's
  std::string room{};                  // chat
  std::string content{};               // chat: the text of a string, else the JSON as it came
  std::string id{};                    // chat, ack, error, pong
  std::string status{};                // ack
  std::string code{};                  // error; of kicked, the reason
  std::string sentence{};              // error
  std::string in{};                    // error
  std::string elsewhere{};             // error: HOST:PORT to try
  std::vector<std::string> users{};    // who
  std::vector<std::string> partial{};  // who: nodes that did not answer
  std::optional<bool> more{};          // who: names follow
  std::int64_t ts = 0;                 // chat, milliseconds since the epoch
  std::int64_t retry_after_ms = 0;     // kicked
  std::uint64_t seq = 0;               // any delivery; 0: none
  std::uint64_t waiting = 0;           // login
  std::uint64_t count = 0;             // who: of all who are online
  bool retry = false;                  // kicked
  bool maybe = false;                  // error
  bool redelivered = false;            // chat, as the next two
  bool stored = false;
  bool copy = false;
};

std::optional<Message> read_message(std::string_view line);

}  // namespace crosstalk
