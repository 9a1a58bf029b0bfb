#include "src/client/request.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "src/client/text.h"

namespace client {

namespace {

namespace ondemand = simdjson::ondemand;

static_assert(line_padding >= simdjson::SIMDJSON_PADDING);

// What is wrong, as a sentence; empty where nothing is.
using Why = std::string_view;
constexpr Why good{};
constexpr Why not_json = "that is not JSON";
constexpr Why not_an_object = "expected one JSON object";
constexpr Why given_twice = "a key is given twice in one object";
constexpr Why bad_escape = "a string has a bad escape, a \\u0000 or a lone surrogate";

// The fields of a Request; all others are validated and ignored. The first are
// the most frequent.
struct Field {
  std::string_view key;
  Token Request::*token;
};
constexpr std::array<Field, 16> fields{{{"cmd", &Request::cmd},
                                        {"recv", &Request::recv},
                                        {"content", &Request::content},
                                        {"id", &Request::id},
                                        {"send", &Request::send},
                                        {"seq", &Request::seq},
                                        {"retry", &Request::retry},
                                        {"name", &Request::name},
                                        {"token", &Request::token},
                                        {"format", &Request::format},
                                        {"ack", &Request::ack},
                                        {"users", &Request::users},
                                        {"watch", &Request::watch},
                                        {"room", &Request::room},
                                        {"limit", &Request::limit},
                                        {"after", &Request::after}}};

// The number of the field that a key names; fields.size() where it is none. A key as it
// stands in the line is compared with texts whose lengths the compiler knows.
template <std::size_t... n>
std::size_t find_field(ondemand::raw_json_string key, std::index_sequence<n...>) {
  std::size_t found = fields.size();
  static_cast<void>(((key.unsafe_is_equal(fields[n].key) && ((found = n), true)) || ...));
  return found;
}

std::size_t find_field(std::string_view key) {
  const auto known = std::find_if(fields.begin(), fields.end(), [key](const Field& field) { return field.key == key; });
  return static_cast<std::size_t>(known - fields.begin());
}

bool is_string(const Token& token) { return token.kind == Token::Kind::string; }
// Digits alone, of a number that fits.
bool read_whole(const Token& token, std::uint64_t& number) {
  const char* const end = token.raw.data() + token.raw.size();
  const auto [stopped, error] = std::from_chars(token.raw.data(), end, number);
  return token.kind == Token::Kind::number && error == std::errc() && stopped == end;
}
bool is_boolean(const Token& token) { return token.kind == Token::Kind::boolean; }

std::string_view trimmed_right(std::string_view text) {
  if (!text.empty() && text.back() > ' ') return text;  // as most are
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// RFC 8259 §6. simdjson would refuse what fits no double; a content is passed
// on as written and may hold such a number.
bool is_number(std::string_view text) {
  std::size_t at = 0;
  const auto here = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto digits = [&] {
    const std::size_t first = at;
    while (here() >= '0' && here() <= '9') ++at;
    return at - first;
  };
  if (here() == '-') ++at;
  const bool zero = here() == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (here() == '.') {
    ++at;
    if (digits() == 0) return false;
  }
  if (here() == 'e' || here() == 'E') {
    ++at;
    if (here() == '+' || here() == '-') ++at;
    if (digits() == 0) return false;
  }
  return at == text.size();
}

// Of text that was unescaped: the line itself is valid UTF-8 without NUL, so
// either can only have come from an escape.
bool has_nul_or_surrogate(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return true;
  for (std::size_t at = text.find('\xed'); at != std::string_view::npos; at = text.find('\xed', at + 1))
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xa0) return true;
  return false;
}

Why sentence(simdjson::error_code error) {
  if (error == simdjson::UTF8_ERROR) return "that is not valid UTF-8";
  if (error == simdjson::UNESCAPED_CHARS) return "a control character stands unescaped in a string";
  if (error == simdjson::UNCLOSED_STRING) return "a string has no end";
  return not_json;
}

}  // namespace

// simdjson's values are handed on by reference: copying them costs more than
// reading what they stand for.
struct RequestParser::Reader {
  ondemand::parser json;
  ondemand::document document;
  Request request;
  std::uint32_t given = 0;              // fields that stand in it, a bit each
  bool escapes = false;                 // there is one somewhere in the line
  std::vector<std::string_view> keys;   // of the objects that are being read, the outer one's first
  std::vector<std::string_view> names;  // the strings in the array `users`
  bool names_are_strings = true;
  std::string why;   // where a sentence is made for the occasion
  std::string copy;  // of a line without padding

  Why read(std::string_view line);
  void clear();
  Why read_field(std::size_t number, ondemand::value& value);
  Why read_stranger(std::string_view key, ondemand::value& value);
  Why read_value(ondemand::value& value, int depth, Token& token);
  Why read_string(ondemand::value& value, Token& token);
  Why read_object(ondemand::value& value, int depth);
  Why read_array(ondemand::value& value, int depth, bool are_names);
  Why keys_differ(std::size_t first);

  void refuse(Code code, std::string_view sentence) { request.refusal = Refusal{code, sentence}; }
  void understand();
  Why check_id(const Token& id) const;
  Why check_login();
  Why check_chat();
  Why check_ack();
  Why check_who();
  Why check_presence();
};

void RequestParser::Reader::clear() {
  request.refusal.reset();
  request.names = {};
  for (; given != 0; given &= given - 1)
    request.*(fields[static_cast<std::size_t>(std::countr_zero(given))].token) = {};
  keys.clear();
  names.clear();
  names_are_strings = true;
}

Why RequestParser::Reader::read(std::string_view line) {
  clear();
  escapes = line.find('\\') != std::string_view::npos;
  if (const auto error = json.iterate(line.data(), line.size(), line.size() + line_padding).get(document))
    return error == simdjson::EMPTY ? not_an_object : sentence(error);
  ondemand::object object;
  if (const auto error = document.get_object().get(object))
    return error == simdjson::INCORRECT_TYPE ? not_an_object : sentence(error);
  for (auto next : object) {
    if (next.error()) return sentence(next.error());
    std::size_t field = find_field(next.key().value_unsafe(), std::make_index_sequence<fields.size()>());
    std::string_view key;
    if (field == fields.size()) {
      if (next.unescaped_key().get(key)) return bad_escape;
      field = find_field(key);
    }
    ondemand::value& value = next.value_unsafe().value();
    const Why wrong = field == fields.size() ? read_stranger(key, value) : read_field(field, value);
    if (!wrong.empty()) return wrong;
  }
  if (!document.current_location().error()) return "something follows the object";
  return keys_differ(0);
}

Why RequestParser::Reader::read_field(std::size_t number, ondemand::value& value) {
  const std::uint32_t bit = 1U << number;
  if ((given & bit) != 0) return given_twice;
  given |= bit;
  return read_value(value, 1, request.*(fields[number].token));
}

Why RequestParser::Reader::read_stranger(std::string_view key, ondemand::value& value) {
  if (has_nul_or_surrogate(key)) return bad_escape;
  keys.push_back(key);
  Token ignored;
  return read_value(value, 1, ignored);
}

// `depth` is that of what holds the value.
Why RequestParser::Reader::read_value(ondemand::value& value, int depth, Token& token) {
  token.raw = trimmed_right(value.raw_json_token());
  switch (token.raw.empty() ? '\0' : token.raw.front()) {
    case '"': return read_string(value, token);
    case '{':
    case '[': {
      if (depth >= nesting_max) return "nested more than 32 deep";
      const bool object = token.raw.front() == '{';
      token.kind = object ? Token::Kind::object : Token::Kind::array;
      const Why wrong = object ? read_object(value, depth + 1) : read_array(value, depth + 1, &token == &request.users);
      if (!wrong.empty()) return wrong;
      const char* end = nullptr;
      if (document.current_location().get(end)) return not_json;
      token.raw = trimmed_right({token.raw.data(), static_cast<std::size_t>(end - token.raw.data())});
      return good;
    }
    case 't':
    case 'f': token.kind = Token::Kind::boolean; return token.raw == "true" || token.raw == "false" ? good : not_json;
    case 'n': token.kind = Token::Kind::null; return token.raw == "null" ? good : not_json;
    default: token.kind = Token::Kind::number; return is_number(token.raw) ? good : not_json;
  }
}

Why RequestParser::Reader::read_string(ondemand::value& value, Token& token) {
  token.kind = Token::Kind::string;
  if (token.raw.size() < 2 || token.raw.back() != '"') return not_json;
  token.text = token.raw.substr(1, token.raw.size() - 2);
  if (!escapes || token.text.find('\\') == std::string_view::npos)
    return value.get_raw_json_string().error() ? not_json : good;
  if (value.get_string().get(token.text) || has_nul_or_surrogate(token.text)) return bad_escape;
  return good;
}

Why RequestParser::Reader::read_object(ondemand::value& value, int depth) {
  const std::size_t first = keys.size();
  ondemand::object object;
  if (const auto error = value.get_object().get(object)) return sentence(error);
  for (auto next : object) {
    if (next.error()) return sentence(next.error());
    std::string_view key;
    if (next.unescaped_key().get(key) || has_nul_or_surrogate(key)) return bad_escape;
    keys.push_back(key);
    Token ignored;
    if (const Why wrong = read_value(next.value_unsafe().value(), depth, ignored); !wrong.empty()) return wrong;
  }
  return keys_differ(first);
}

Why RequestParser::Reader::read_array(ondemand::value& value, int depth, bool are_names) {
  ondemand::array array;
  if (const auto error = value.get_array().get(array)) return sentence(error);
  for (auto next : array) {
    if (next.error()) return sentence(next.error());
    Token token;
    if (const Why wrong = read_value(next.value_unsafe(), depth, token); !wrong.empty()) return wrong;
    if (!are_names) continue;
    names_are_strings = names_are_strings && is_string(token);
    names.push_back(token.text);
  }
  return good;
}

// Of the keys from `first` on, which are those of one object, and forgets them.
Why RequestParser::Reader::keys_differ(std::size_t first) {
  if (keys.size() == first) return good;
  const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, keys.end());
  const bool twice = std::adjacent_find(begin, keys.end()) != keys.end();
  keys.erase(begin, keys.end());
  return twice ? given_twice : good;
}

void RequestParser::Reader::understand() {
  const Token id = request.id;
  if (!is_string(id) || id.text.empty() || id.text.size() > id_bytes_max) request.id = Token();
  if (!is_string(request.cmd)) {
    request.cmd = Token();
    return refuse(Code::bad_request, "cmd must be a string, the name of a command");
  }

  const std::string_view cmd = request.cmd.text;
  Why wrong = good;
  if (cmd == "chat") {
    request.verb = Verb::chat;
    wrong = check_chat();
    if (wrong.empty()) wrong = check_id(id);
  } else if (cmd == "ack") {
    request.verb = Verb::ack;
    wrong = check_ack();
  } else if (cmd == "login") {
    request.verb = Verb::login;
    wrong = check_login();
  } else if (cmd == "who") {
    request.verb = Verb::who;
    wrong = check_who();
  } else if (cmd == "presence") {
    request.verb = Verb::presence;
    wrong = check_presence();
  } else if (cmd == "ping") {
    request.verb = Verb::ping;
    wrong = check_id(id);
  } else if (cmd == "logout") {
    request.verb = Verb::logout;
  } else {
    why = "there is no command ";
    append_shown(why, cut(cmd, 64));
    return refuse(Code::unknown_cmd, why);
  }
  if (!wrong.empty()) refuse(Code::bad_request, wrong);
}

Why RequestParser::Reader::check_id(const Token& id) const {
  return id && !request.id ? Why("id must be a string of 1 to 128 bytes") : good;
}

Why RequestParser::Reader::check_login() {
  if (!is_string(request.name)) return "name must be a string, the name to be known by";
  if (request.format &&
      (!is_string(request.format) || (request.format.text != "json" && request.format.text != "text")))
    return "format must be json or text";
  // Any is good: this server asks for none.
  if (request.token && !is_string(request.token)) return "token must be a string";
  if (request.ack && !is_boolean(request.ack)) return "ack must be true or false";
  if (request.ack.raw == "true" && request.format.text == "text")
    return "a line of text shows no seq: ack needs the format json";
  return good;
}

Why RequestParser::Reader::check_chat() {
  if (!is_string(request.recv)) return "recv must be a string, the name of the recipient";
  if (!request.content) return "content is missing: any JSON value";
  if (request.send && !is_string(request.send)) return "send must be a string, your own name";
  if (request.retry && !is_boolean(request.retry)) return "retry must be true or false";
  return good;
}

// Deliveries count from 1.
Why RequestParser::Reader::check_ack() {
  const bool good_number = read_whole(request.seq, request.number) && request.number > 0;
  return good_number ? good : "seq must be a whole number, that of a delivery";
}

Why RequestParser::Reader::check_who() {
  if (request.room) return "rooms are not available";
  request.number = who_limit;
  if (request.limit &&
      (!read_whole(request.limit, request.number) || request.number == 0 || request.number > who_limit_max))
    return "limit must be a whole number from 1 to 1000";
  if (request.after && (!is_string(request.after) || request.after.text.size() > 64))
    return "after must be a string of at most 64 bytes, a name";
  return good;
}

Why RequestParser::Reader::check_presence() {
  if (request.users.kind != Token::Kind::array || !names_are_strings) return "users must be an array of names";
  if (names.size() > users_max) return "users may have at most 1024 names";
  if (request.watch && !is_boolean(request.watch)) return "watch must be true or false";
  if (request.watch.raw == "true") return "watching is not available";
  request.names = names;
  return good;
}

RequestParser::RequestParser() : reader_(std::make_unique<Reader>()) {}
RequestParser::~RequestParser() = default;

const Request& RequestParser::parse(std::string_view line) {
  if (const Why wrong = reader_->read(line); !wrong.empty()) {
    reader_->request.cmd = reader_->request.id = Token();
    reader_->refuse(Code::bad_json, wrong);
  } else {
    reader_->understand();
  }
  return reader_->request;
}

const Request& RequestParser::parse_copy(std::string_view line) {
  reader_->copy.reserve(line.size() + line_padding);
  reader_->copy.assign(line);
  return parse(reader_->copy);
}

}  // namespace client
