#include "src/io/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace io {

namespace {

constexpr std::size_t kept_back_min = 128;
constexpr std::size_t kept_back_max = 1024;

}  // namespace

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));  // no harm where it stays as it is
  return descriptor_limit();
}

std::size_t descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::size_t descriptor_mark(std::size_t limit, std::size_t own) {
  const std::size_t for_clients_and_others = limit - std::min(own, limit);
  return limit - std::min(std::clamp(limit / 20, kept_back_min, kept_back_max), for_clients_and_others / 4);
}

std::size_t next_descriptor(int open) {
  const int next = ::fcntl(open, F_DUPFD_CLOEXEC, 0);
  if (next < 0) return std::numeric_limits<std::size_t>::max();
  ::close(next);
  return static_cast<std::size_t>(next);
}

}  // namespace io
