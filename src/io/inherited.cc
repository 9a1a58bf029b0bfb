#include "src/io/inherited.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace io {

namespace {

constexpr int first_inherited = 3;  // SD_LISTEN_FDS_START
constexpr int inherited_max = 64;

int number(const char* text) {
  const std::string_view digits = text == nullptr ? "" : text;
  int value = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() ? value : -1;
}

std::string name_at(std::string_view names, int n) {
  for (; n > 0 && !names.empty(); --n) names.remove_prefix(std::min(names.find(':'), names.size() - 1) + 1);
  return std::string(names.substr(0, names.find(':')));
}

}  // namespace

Inherited Inherited::from_environment() {
  Inherited all;
  const char* const listed = std::getenv("LISTEN_FDNAMES");
  const std::string names = listed == nullptr ? "" : listed;
  const int count = number(std::getenv("LISTEN_PID")) == ::getpid() ? number(std::getenv("LISTEN_FDS")) : 0;
  for (int i = 0; i < std::min(count, inherited_max); ++i) {
    const int fd = first_inherited + i;
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) all.sockets_.emplace(name_at(names, i), fd);
  }
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  return all;
}

Inherited::~Inherited() {
  for (const auto& [name, fd] : sockets_) ::close(fd);
}

int Inherited::take(std::string_view name) {
  const auto at = sockets_.find(name);
  if (at == sockets_.end()) return -1;
  const int fd = at->second;
  sockets_.erase(at);
  return fd;
}

std::vector<std::string> Inherited::names() const {
  std::vector<std::string> names;
  for (const auto& [name, fd] : sockets_) names.push_back(name);
  return names;
}

Legacy::~Legacy() { clear(); }

void Legacy::clear() {
  for (const auto& [name, fd] : sockets_) ::close(fd);
  sockets_.clear();
}

// Far from where they are to be in the end: nothing of theirs is overwritten then.
bool Legacy::add(std::string_view name, int socket) {
  const int copy = ::fcntl(socket, F_DUPFD_CLOEXEC, first_inherited + inherited_max);
  if (copy < 0) return false;
  sockets_.emplace_back(name, copy);
  return true;
}

void Legacy::execute(const char* program, char* const* argv) {
  std::string names;
  int next = first_inherited;
  for (const auto& [name, fd] : sockets_) {
    if (::dup2(fd, next) < 0) return;  // not closed on exec
    ++next;
    names += (names.empty() ? "" : ":") + name;
  }
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", std::to_string(sockets_.size()).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
  ::execv(program, argv);
}

}  // namespace io
