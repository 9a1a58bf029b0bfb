// Bytes in whatever pieces become requests, one after the other.
//
// Strict where two readers of one message could disagree on where it ends
// (request smuggling, RFC 9112 §11.2): lines end with CR LF, no header is folded,
// a length is given once and in one way. Knows nothing of what is asked for.
//
// The parser is http-parser's; this is its one home. Owned by a conversation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "src/http/message.h"

namespace http {

class Parser {
 public:
  struct Bounds {
    std::size_t head_bytes = 8192;   // request line and headers, with the empty line
    std::size_t body_bytes = 65536;  // of what is left when chunks are put together
  };
  enum class Step : std::uint8_t {
    more,     // all bytes are taken, and more are needed
    head,     // the headers are there; told once, before `message`
    message,  // the whole request is there; next() before the next read()
    wrong,    // no request; nothing can be read after it
  };

  explicit Parser(Bounds bounds);
  ~Parser();
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  // Takes what it needs from the front.
  Step read(std::string_view& bytes);

  // Without its body before `message`.
  Request& request();
  // Whether a body follows this head.
  bool has_body() const;
  // What is to be answered after `wrong`.
  const Response& why() const;
  void next();

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace http
