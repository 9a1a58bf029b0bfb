// How a command ended: what is promised as its exit status, and why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crosstalk {

enum class Exit : std::uint8_t {
  done = 0,
  failed = 1,        // refused, or failed
  usage = 2,         // the arguments make no sense
  unreachable = 3,   // no connection, or it was lost
  unauthorised = 4,  // the token is missing or wrong
  timeout = 5,       // it took longer than --timeout
};

struct Error {
  Exit exit = Exit::failed;
  std::string code{};  // for programs: the server's, or "unreachable", "timeout" and the like
  std::string why{};   // a sentence, fit for a terminal
  bool maybe = false;  // it may have been done all the same
  bool told = false;   // standard output says it already
};

// For an error of the server's.
inline Exit exit_of(std::string_view code) {
  const bool unauthorised = code == "auth_failed" || code == "forbidden" || code == "unauthorized";
  return unauthorised ? Exit::unauthorised : Exit::failed;
}

// Another server may well do what this one can't at the moment.
inline bool is_passing(std::string_view code) {
  return code == "server_full" || code == "shutting_down" || code == "busy" || code == "unavailable";
}

}  // namespace crosstalk
