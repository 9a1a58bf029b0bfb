#include "src/client/text.h"

#include <array>

#include "peer/utf8.h"
#include "src/client/request.h"

namespace client {

namespace {

constexpr std::string_view hex = "0123456789abcdef";

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0); }

// Unicode's Bidi_Control and what PROTOCOL names beside it: zero-width
// characters, line and paragraph separator, the byte order mark.
bool is_deceptive(char32_t c) {
  return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2064) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

void append_byte_escape(std::string& out, unsigned byte) {
  out += "\\x";
  out += hex[byte >> 4U & 15U];
  out += hex[byte & 15U];
}

std::string_view shown_value(const Token& token) { return token.kind == Token::Kind::string ? token.text : token.raw; }

}  // namespace

bool is_plain_utf8(std::string_view text) {
  while (!text.empty()) {
    const peer::Utf8 next = peer::next_utf8(text);
    if (next.length == 0 || next.code_point == 0) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20) {
      out += c;
    } else {
      out += "\\u00";
      out += hex[byte >> 4U];
      out += hex[byte & 15U];
    }
  }
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

void append_shown(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const peer::Utf8 next = peer::next_utf8(text);
    const std::size_t length = next.length == 0 ? 1 : next.length;
    if (next.length == 0) {
      append_byte_escape(out, static_cast<unsigned char>(text.front()));
    } else if (is_control(next.code_point)) {
      append_byte_escape(out, next.code_point);
    } else if (is_deceptive(next.code_point)) {
      out += "\\u";
      for (unsigned shift = 16; shift > 0; shift -= 4) out += hex[next.code_point >> (shift - 4) & 15U];
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
}

std::string_view cut(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

void append_rendered(std::string& out, std::string_view text_template, const Request& chat) {
  struct Place {
    std::string_view name;
    const Token& value;
  };
  const std::array<Place, 3> places{{{"{send}", chat.send}, {"{recv}", chat.recv}, {"{content}", chat.content}}};
  while (!text_template.empty()) {
    const Place* found = nullptr;
    for (const Place& place : places)
      if (text_template.starts_with(place.name)) found = &place;
    if (found != nullptr) append_shown(out, shown_value(found->value));
    if (found == nullptr) out += text_template.front();
    text_template.remove_prefix(found == nullptr ? 1 : found->name.size());
  }
}

}  // namespace client
