// One question over HTTP/1.1 and its answer, waited for with a deadline.
//
// A connection for each question, closed after it. Knows nothing of what is asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "tools/common/address.h"
#include "tools/common/result.h"

namespace tool {

struct Target {
  Address address;
  std::string token{};  // empty: asked without one
};

struct Answer {
  int status = 0;  // 200 to 299
  std::string body{};
};

enum class Trouble : std::uint8_t {
  unreachable,   // nobody there, or gone before the answer was whole
  timeout,       // not whole by the deadline
  unauthorised,  // 401, 403
  refused,       // another status
  nonsense,      // no HTTP, or too much of it
};

struct AskFailure {
  Trouble trouble{};
  std::string why{};   // a sentence, fit for a terminal, without the address
  int status = 0;      // where there was one
  std::string code{};  // of the error body, fit for a terminal; empty where it has none
};

// More is not read: `nonsense`. The picture of 1000 nodes' links would be larger,
// that of 300 is not.
inline constexpr std::size_t answer_bytes_max = std::size_t{32} << 20U;

// `path` is the target as it goes into the request, see escape_path. A body is sent
// as JSON where there is one.
Result<Answer, AskFailure> ask(const Target& target, std::string_view method, std::string_view path,
                               std::string_view body, std::chrono::milliseconds timeout);

// One part of a path: what may not stand there becomes %NN (RFC 3986 §2.3).
std::string escape_path(std::string_view part);

}  // namespace tool
