#include "src/node/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace node {

namespace {

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

peer::Failure unreadable(const std::string& path, const std::string& why) {
  return {"expected a readable file, found " + path + ": " + why};
}

// Empty where the file may be trusted.
std::string untrusted(const struct stat& file) {
  if (!S_ISREG(file.st_mode)) return "expected a regular file";
  if (file.st_uid != geteuid() && file.st_uid != 0)
    return "expected a file of this process's user (" + std::to_string(geteuid()) + ") or of root, found one of user " +
           std::to_string(file.st_uid);
  if ((file.st_mode & 077U) != 0)
    return "expected a file that its owner alone may read (chmod 600), found mode " + octal(file.st_mode);
  return {};
}

// Reads to the end, but no further than tells that it is too long.
peer::Result<std::string> read_all(int file, std::size_t bytes_max) {
  std::string text;
  while (text.size() <= bytes_max) {
    std::array<char, 1024> piece;
    const ssize_t n = read(file, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return peer::Failure{std::strerror(errno)};
    if (n == 0) break;
    text.append(piece.data(), static_cast<std::size_t>(n));
  }
  return text;
}

void strip_newline(std::string& text) {
  if (text.ends_with("\r\n")) text.resize(text.size() - 2);
  if (text.ends_with('\n')) text.pop_back();
}

peer::Result<std::string> read_opened(int file, const std::string& path, std::size_t bytes_max) {
  struct stat status {};
  if (fstat(file, &status) != 0) return unreadable(path, std::strerror(errno));
  if (const std::string why = untrusted(status); !why.empty()) return peer::Failure{why + " at " + path};
  peer::Result<std::string> text = read_all(file, bytes_max);
  if (!text) return unreadable(path, text.why());
  return text;
}

}  // namespace

peer::Result<std::string> read_secret(const std::string& path) {
  peer::Result<std::string> text = read_private(path, secret_bytes_max + 2);
  if (!text) return text;
  strip_newline(*text);
  if (text->size() < secret_bytes_min || text->size() > secret_bytes_max)
    return peer::Failure{"expected " + std::to_string(secret_bytes_min) + " to " + std::to_string(secret_bytes_max) +
                         " bytes, found " + (text->size() > secret_bytes_max ? "more" : std::to_string(text->size())) +
                         " in " + path};
  return text;
}

peer::Result<std::string> read_private(const std::string& path, std::size_t bytes_max) {
  // Not blocking, so that a FIFO in its place is refused and not waited for.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return unreadable(path, std::strerror(errno));
  peer::Result<std::string> text = read_opened(file, path, bytes_max);
  close(file);
  return text;
}

}  // namespace node
