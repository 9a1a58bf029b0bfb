// One line of a client, read: JSON, the command, its fields.
//
// The only place that knows simdjson. Strict: every byte of the line is
// validated, also what nobody asked for, so that what is passed on is JSON for
// whoever reads it. It knows nothing of sessions: whether a command may be given
// now is theirs to say.
//
// One parser serves a whole process and allocates nothing once it has seen the
// longest line. Everything a Request points to is borrowed, from the line and
// from the parser, until the next parse().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "src/client/code.h"

namespace client {

// How deep a line may nest, the outer object being 1.
inline constexpr int nesting_max = 32;
// Bytes of an id, unescaped.
inline constexpr std::size_t id_bytes_max = 128;
// Names in one presence request.
inline constexpr std::size_t users_max = 1024;
// Names in one answer to who, where it does not say.
inline constexpr std::uint64_t who_limit = 100;
inline constexpr std::uint64_t who_limit_max = 1000;
// What must be readable beyond a line that is parsed in place.
inline constexpr std::size_t line_padding = 64;

enum class Verb : std::uint8_t { login, chat, ack, who, presence, ping, logout };

// A value as it stood in the line.
struct Token {
  enum class Kind : std::uint8_t { absent, string, number, boolean, null, array, object };
  Kind kind = Kind::absent;
  std::string_view raw;   // as written, without the white space around it
  std::string_view text;  // of a string: unescaped
  explicit operator bool() const { return kind != Kind::absent; }
};

// Why a line is not obeyed: the code, and for the reader what was expected.
struct Refusal {
  Code code = Code::bad_json;
  std::string_view why;
};

struct Request {
  std::optional<Refusal> refusal;  // set: of the rest only cmd and id may be known
  Verb verb = Verb::ping;

  // The fields that some command asks for. Those of `verb` are of the right type.
  Token cmd;
  Token id;  // absent, or a string of 1 to 128 bytes
  Token recv;
  Token content;
  Token send;
  Token retry;
  Token seq;
  Token name;
  Token format;
  Token token;
  Token ack;
  Token users;
  Token watch;
  Token room;
  Token limit;
  Token after;

  // What stands in `seq`, or for who in `limit`.
  std::uint64_t number = 0;

  // What stands in `users`, unescaped, not yet checked for the rule of names.
  std::span<std::string_view> names;
};

class RequestParser {
 public:
  RequestParser();
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  // `line` without its end; line_padding bytes beyond must be readable.
  const Request& parse(std::string_view line);

  // The same for a line with nothing readable beyond: a copy is made.
  const Request& parse_copy(std::string_view line);

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
};

}  // namespace client
