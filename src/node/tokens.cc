#include "src/node/tokens.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "src/node/secret.h"

namespace node {

namespace {

constexpr std::size_t file_bytes_max = 65536;

bool is_token(const std::string& line) {
  return line.size() <= token_bytes_max &&
         std::all_of(line.begin(), line.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

peer::Result<std::vector<std::string>> read_tokens(const std::string& path) {
  const peer::Result<std::string> text = read_private(path, file_bytes_max);
  if (!text) return peer::Failure{text.why()};
  if (text->size() > file_bytes_max) return peer::Failure{"expected at most 64 KiB, found more in " + path};
  std::vector<std::string> tokens;
  std::istringstream lines(*text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (!is_token(line))
      return peer::Failure{"expected a token of 1 to 256 visible ASCII characters, found another line at " + path +
                           ":" + std::to_string(number)};
    if (tokens.size() == tokens_max) return peer::Failure{"expected at most 64 tokens, found more in " + path};
    tokens.push_back(std::move(line));
  }
  if (tokens.empty()) return peer::Failure{"expected a token a line, found none in " + path};
  return tokens;
}

}  // namespace node
