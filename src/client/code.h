// The error codes of the client protocol: what a program branches on.
#pragma once

#include <cstdint>
#include <string_view>

namespace client {

enum class Code : std::uint8_t {
  bad_json,
  bad_request,
  unknown_cmd,
  too_large,
  not_logged_in,
  already_logged_in,
  bad_name,
  not_you,
  no_such_user,
  mailbox_full,
  rate_limited,
  busy,
  unavailable,
  server_full,
  shutting_down,
};

constexpr std::string_view to_string(Code code) {
  switch (code) {
    case Code::bad_json: return "bad_json";
    case Code::bad_request: return "bad_request";
    case Code::unknown_cmd: return "unknown_cmd";
    case Code::too_large: return "too_large";
    case Code::not_logged_in: return "not_logged_in";
    case Code::already_logged_in: return "already_logged_in";
    case Code::bad_name: return "bad_name";
    case Code::not_you: return "not_you";
    case Code::no_such_user: return "no_such_user";
    case Code::mailbox_full: return "mailbox_full";
    case Code::rate_limited: return "rate_limited";
    case Code::busy: return "busy";
    case Code::unavailable: return "unavailable";
    case Code::server_full: return "server_full";
    case Code::shutting_down: return "shutting_down";
  }
  return {};
}

// The sentence of bad_name.
inline constexpr std::string_view name_rule =
    "a name has 1 to 64 bytes of UTF-8 without white space, control or invisible characters";

}  // namespace client
