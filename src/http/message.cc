#include "src/http/message.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace http {

namespace {

std::string_view phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "";  // the number says it
  }
}

// RFC 9110 §5.6.7
std::string date(std::int64_t wall_ms) {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    std::array<char, 8> escaped{};
    if (static_cast<unsigned char>(c) < 0x20) std::snprintf(escaped.data(), escaped.size(), "\\u%04x", c);
    if (c == '"' || c == '\\') out += '\\';
    if (escaped[0] != '\0') {
      out += escaped.data();
    } else {
      out += c;
    }
  }
  out += '"';
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* Request::header(std::string_view name) const {
  for (const Header& header : headers)
    if (same_word(header.name, name)) return &header.value;
  return nullptr;
}

std::size_t Request::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(),
                                                [&](const Header& header) { return same_word(header.name, name); }));
}

Response text(int status, std::string body) { return {status, "text/plain; charset=utf-8", std::move(body)}; }

Response error(int status, std::string_view code, std::string_view message) {
  Response response{status, "application/json", "{\"error\":{\"code\":"};
  append_quoted(response.body, code);
  response.body += ",\"message\":";
  append_quoted(response.body, message);
  response.body += "}}\n";
  return response;
}

void append_response(peer::Buffer& out, const Response& response, const Manner& manner) {
  const auto line = [&out](std::string_view name, std::string_view value) {
    out.append(name);
    out.append(": ");
    out.append(value);
    out.append("\r\n");
  };
  out.append("HTTP/1.1 " + std::to_string(response.status) + " ");
  out.append(phrase(response.status));
  out.append("\r\n");
  line("Date", date(manner.wall_ms));
  line("Content-Type", response.type);
  line("Content-Length", std::to_string(response.body.size()));
  // What is told here is true for a moment.
  line("Cache-Control", "no-store");
  line("X-Content-Type-Options", "nosniff");
  for (const Header& header : response.headers) line(header.name, header.value);
  line("Connection", manner.closes ? "close" : "keep-alive");
  out.append("\r\n");
  if (!manner.head_only) out.append(response.body);
}

}  // namespace http
