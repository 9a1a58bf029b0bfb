#include "tools/common/token.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>

namespace tool {

namespace {

// As many as the server takes.
constexpr std::size_t token_bytes_max = 256;

bool is_token(std::string_view text) {
  return text.size() <= token_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<std::string> find_token(const std::string& file) {
  constexpr std::string_view rule = "a token of at most 256 printable characters without spaces";
  if (file.empty()) {
    const char* const variable = std::getenv("CROSSTALK_TOKEN");
    const std::string token = variable == nullptr ? "" : variable;
    if (!is_token(token)) return Failure{"expected " + std::string(rule) + " in $CROSSTALK_TOKEN"};
    return token;
  }
  errno = 0;
  std::ifstream in(file);
  std::string line;
  // What has no end is not read to it.
  for (int lines = 0; in && lines < 1000 && std::getline(in, line); ++lines) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (!is_token(line)) return Failure{"expected " + std::string(rule) + " in " + file};
    return line;
  }
  if (!in.eof()) return Failure{"expected a readable file, found " + file + ": " + std::strerror(errno)};
  return Failure{"expected a token in " + file + ", found none"};
}

}  // namespace tool
