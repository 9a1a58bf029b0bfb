#include "src/node/outlet.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace node {

Outlet::Outlet(int fd) : kind_(kind_of(fd)), fd_(fd) {
  // One that is closed will be given to somebody else, a client perhaps.
  if (::fcntl(fd, F_GETFD) < 0) fd_ = -1;
  if (kind_ != Kind::shared) return;
  // Forbidden to who has given up the rights with which the pipe was made.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int own = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (own < 0) return;
  kind_ = Kind::own;
  fd_ = own;
}

Outlet::~Outlet() {
  if (kind_ == Kind::own) ::close(fd_);
}

Outlet::Kind Outlet::kind_of(int fd) {
  struct stat about {};
  if (::fstat(fd, &about) != 0) return Kind::file;
  if (S_ISSOCK(about.st_mode)) return Kind::socket;
  return S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode) ? Kind::shared : Kind::file;
}

bool Outlet::write(std::string_view line) {
  rest_.erase(0, put_all(rest_));
  if (!rest_.empty()) return false;
  const std::size_t done = put_all(line);
  if (done == 0) return false;
  rest_ = line.substr(done);
  return true;
}

// A pipe that says so has room for PIPE_BUF bytes (pipe(7)).
bool Outlet::has_room() const {
  pollfd ready{fd_, POLLOUT, 0};
  return ::poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

// How much of it was taken.
std::size_t Outlet::put_all(std::string_view bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = put(bytes.substr(done));
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

ssize_t Outlet::put(std::string_view bytes) const {
  switch (kind_) {
    case Kind::file:
    case Kind::own: return ::write(fd_, bytes.data(), bytes.size());
    case Kind::socket: return ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::shared:
      // PIPE_BUF bytes, unless another process takes it in this very moment.
      return has_room() ? ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF)) : 0;
  }
  return 0;
}

}  // namespace node
