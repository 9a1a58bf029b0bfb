#include "src/http/parse.h"

#include <http_parser.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace http {

namespace {

constexpr std::uint64_t no_length = std::numeric_limits<std::uint64_t>::max();

// A body in chunks may take so many times its size; else its sender only keeps us busy.
constexpr std::size_t chunking_max = 8;

Response bad(std::string_view message) { return error(400, "bad_request", message); }
Response too_large() { return error(413, "too_large", "a body may have 64 KiB at most"); }

}  // namespace

struct Parser::Engine {
  enum class State : std::uint8_t { head, headed, body, message, wrong };

  explicit Engine(Bounds limits) : bounds(limits) { begin(); }

  Bounds bounds;
  State state = State::head;
  http_parser parser{};
  Request request;
  Response why;
  std::string head;              // as far as it came
  std::size_t head_size = 0;     // with empty lines before it
  std::size_t line = 0;          // where its last line begins
  std::size_t body_wire = 0;     // bytes of the body as it came
  std::uint64_t chunk_left = 0;  // of the data of a chunk
  bool chunk_ends = false;       // what follows now is the end of its line
  bool after_cr = false;
  bool chunked = false;
  bool in_value = true;  // the last callback brought a header's value
  bool has_body = false;
  bool complete = false;
  bool body_too_large = false;

  void begin() {
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = this;
    state = State::head;
    request = {};
    head.clear();
    head_size = line = body_wire = 0;
    chunk_left = 0;
    in_value = true;
    chunk_ends = after_cr = chunked = has_body = complete = body_too_large = false;
  }

  Step fail(Response response) {
    why = std::move(response);
    state = State::wrong;
    return Step::wrong;
  }

  static Engine& of(http_parser* raw) { return *static_cast<Engine*>(raw->data); }
  static http_parser_settings settings();

  Step read_head(std::string_view& bytes);
  Step read_body(std::string_view& bytes);
  Step read_some(std::string_view& bytes, std::size_t size);
  bool framed(char c);
  Step parse_head();
  Step check_head();
  bool take_target(std::string target);
};

// --- Callbacks. Of the trailers after a chunked body nothing is kept.

http_parser_settings Parser::Engine::settings() {
  http_parser_settings calls;
  http_parser_settings_init(&calls);
  calls.on_url = [](http_parser* raw, const char* at, std::size_t size) noexcept {
    of(raw).request.path.append(at, size);
    return 0;
  };
  calls.on_header_field = [](http_parser* raw, const char* at, std::size_t size) noexcept {
    Engine& engine = of(raw);
    if (engine.state != State::head) return 0;
    if (std::exchange(engine.in_value, false)) engine.request.headers.emplace_back();
    engine.request.headers.back().name.append(at, size);
    return 0;
  };
  calls.on_header_value = [](http_parser* raw, const char* at, std::size_t size) noexcept {
    Engine& engine = of(raw);
    if (engine.state != State::head) return 0;
    engine.in_value = true;
    engine.request.headers.back().value.append(at, size);
    return 0;
  };
  calls.on_headers_complete = [](http_parser* raw) noexcept {
    Engine& engine = of(raw);
    raw->upgrade = 0;  // the connection goes on as it is
    engine.chunked = (raw->flags & F_CHUNKED) != 0;
    const bool sized = raw->content_length != 0 && raw->content_length != no_length;
    engine.has_body = engine.chunked || sized;
    engine.body_too_large = !engine.chunked && sized && raw->content_length > engine.bounds.body_bytes;
    engine.request.keep_alive = http_should_keep_alive(raw) != 0;
    engine.state = State::headed;
    return 0;
  };
  calls.on_body = [](http_parser* raw, const char* at, std::size_t size) noexcept {
    Engine& engine = of(raw);
    engine.body_too_large = engine.request.body.size() + size > engine.bounds.body_bytes;
    if (!engine.body_too_large) engine.request.body.append(at, size);
    return engine.body_too_large ? 1 : 0;
  };
  calls.on_chunk_header = [](http_parser* raw) noexcept {
    of(raw).chunk_left = raw->content_length;
    return 0;
  };
  calls.on_message_complete = [](http_parser* raw) noexcept {
    of(raw).complete = true;
    http_parser_pause(raw, 1);  // what follows is another message's
    return 0;
  };
  return calls;
}

// --- The head, gathered whole: it is small, and its lines can be judged before
// anybody interprets them.

Parser::Step Parser::Engine::read_head(std::string_view& bytes) {
  while (!bytes.empty()) {
    if (head_size == bounds.head_bytes)
      return fail(error(431, "too_large", "request line and headers may have 8 KiB at most"));
    const char c = bytes.front();
    bytes.remove_prefix(1);
    ++head_size;
    if (head.size() == line && line > 0 && (c == ' ' || c == '\t'))
      return fail(bad("a header may not go on in the next line"));
    head += c;
    if (c != '\n') continue;
    if (head.size() < line + 2 || head[head.size() - 2] != '\r') return fail(bad("lines end with CR LF"));
    const bool empty = head.size() == line + 2;
    line = head.size();
    if (!empty) continue;
    if (head.size() > 2) return parse_head();
    head.clear();  // an empty line before the request line is passed over (RFC 9112 §2.2)
    line = 0;
  }
  return Step::more;
}

Parser::Step Parser::Engine::parse_head() {
  const http_parser_settings calls = settings();
  const std::size_t taken = http_parser_execute(&parser, &calls, head.data(), head.size());
  const auto error_number = static_cast<http_errno>(parser.http_errno);
  if (error_number == HPE_INVALID_METHOD) return fail(error(501, "bad_method", "that is no method of HTTP"));
  if (error_number != HPE_OK && error_number != HPE_PAUSED)
    return fail(bad(std::string("that is no HTTP request: ") + http_errno_description(error_number)));
  if (taken != head.size() || state != State::headed) return fail(bad("that is no HTTP request"));
  return check_head();
}

Parser::Step Parser::Engine::check_head() {
  request.method = http_method_str(static_cast<http_method>(parser.method));
  if (parser.http_major != 1) return fail(error(505, "bad_version", "this is a server of HTTP/1.1"));
  for (Header& header : request.headers) {
    // As it is built in Debian, http-parser lets it pass (RFC 9112 §5.1).
    if (header.name.find(' ') != std::string::npos) return fail(bad("a header's name has no spaces"));
    header.value.resize(header.value.find_last_not_of(" \t") + 1);
  }
  const std::size_t hosts = request.count("Host");
  if (hosts > 1 || (hosts == 0 && parser.http_minor >= 1)) return fail(bad("a request has one Host"));
  if (!take_target(std::exchange(request.path, {}))) return fail(bad("the target is no path"));
  // One coding, known to both sides; in HTTP/1.0 there was none.
  if (const std::size_t codings = request.count("Transfer-Encoding"); codings > 0) {
    const bool known = codings == 1 && same_word(*request.header("Transfer-Encoding"), "chunked");
    if (!known || parser.http_minor == 0) return fail(bad("a body comes chunked or with a Content-Length"));
  }
  return body_too_large ? fail(too_large()) : Step::head;
}

// A path, or a URL whose authority then is what Host says (RFC 9112 §3.2.2).
bool Parser::Engine::take_target(std::string target) {
  if (target.find('#') != std::string::npos) return false;
  if (!target.starts_with('/') && target != "*") {
    http_parser_url url;
    http_parser_url_init(&url);
    if (parser.method == HTTP_CONNECT || http_parser_parse_url(target.data(), target.size(), 0, &url) != 0)
      return false;
    const auto has = [&url](int field) { return (url.field_set & (1U << static_cast<unsigned>(field))) != 0; };
    const std::size_t begin = target.find("//") + 2;
    if (!has(UF_HOST) || has(UF_USERINFO)) return false;
    const std::size_t end = std::min(target.find_first_of("/?", begin), target.size());
    std::erase_if(request.headers, [](const Header& header) { return same_word(header.name, "Host"); });
    request.headers.push_back({"Host", target.substr(begin, end - begin)});
    target.erase(0, end);
    if (!target.starts_with('/')) target.insert(0, "/");
  }
  const std::size_t mark = std::min(target.find('?'), target.size());
  if (mark < target.size()) request.query = target.substr(mark + 1);
  target.resize(mark);
  request.path = std::move(target);
  return true;
}

Parser::Step Parser::Engine::read_body(std::string_view& bytes) {
  while (!complete && !bytes.empty()) {
    std::size_t size = bytes.size();
    if (chunked && chunk_left == 0) {
      size = 1;
      if (!framed(bytes.front())) return fail(bad("the lines between chunks end with CR LF"));
    } else if (chunked) {
      size = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left, size));
      chunk_left -= size;
      chunk_ends = chunk_left == 0;
    }
    if (read_some(bytes, size) == Step::wrong) return Step::wrong;
  }
  if (!complete) return Step::more;
  state = State::message;
  return Step::message;
}

// As it is built in Debian, http-parser takes anything for the ends of these
// lines, and another reader might not (RFC 9112 §7.1).
bool Parser::Engine::framed(char c) {
  if (std::exchange(chunk_ends, false) && c != '\r') return false;
  return std::exchange(after_cr, c == '\r') == (c == '\n');
}

Parser::Step Parser::Engine::read_some(std::string_view& bytes, std::size_t size) {
  const http_parser_settings calls = settings();
  const std::size_t taken = http_parser_execute(&parser, &calls, bytes.data(), size);
  const auto error_number = static_cast<http_errno>(parser.http_errno);
  bytes.remove_prefix(taken);
  body_wire += taken;
  if (body_too_large || body_wire > chunking_max * bounds.body_bytes) return fail(too_large());
  if (error_number != HPE_OK && error_number != HPE_PAUSED)
    return fail(bad(std::string("the body is none: ") + http_errno_description(error_number)));
  return Step::more;
}

Parser::Parser(Bounds bounds) : engine_(std::make_unique<Engine>(bounds)) {}
Parser::~Parser() = default;

Parser::Step Parser::read(std::string_view& bytes) {
  switch (engine_->state) {
    case Engine::State::head: return engine_->read_head(bytes);
    case Engine::State::headed: engine_->state = Engine::State::body; return engine_->read_body(bytes);
    case Engine::State::body: return engine_->read_body(bytes);
    case Engine::State::message: return Step::message;
    case Engine::State::wrong: return Step::wrong;
  }
  return Step::wrong;
}

Request& Parser::request() { return engine_->request; }
bool Parser::has_body() const { return engine_->has_body; }
const Response& Parser::why() const { return engine_->why; }
void Parser::next() { engine_->begin(); }

}  // namespace http
