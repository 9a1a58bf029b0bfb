// Where the log's lines go: standard error, whatever that is.
//
// Never waits for who reads there: a line that does not fit is refused, whole
// lines only, so a pipe that nobody empties costs lines and not the node. A file
// is written to directly. Owned by the log.
//
// Standard error is shared with other processes, and O_NONBLOCK would be too:
// where the kernel allows it, a pipe or terminal is opened anew for us alone.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <string>
#include <string_view>

namespace node {

class Outlet {
 public:
  explicit Outlet(int fd);
  ~Outlet();
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;

  // A line with its end. False: none of it was written.
  bool write(std::string_view line);
  // Whether there is room again, not only for a short line.
  bool has_room() const;

 private:
  enum class Kind : std::uint8_t {
    file,    // takes all at once
    own,     // non-blocking, ours alone
    shared,  // asked each time whether it takes anything
    socket,
  };

  static Kind kind_of(int fd);
  ssize_t put(std::string_view bytes) const;
  std::size_t put_all(std::string_view bytes) const;

  Kind kind_;
  int fd_;
  std::string rest_;  // of the last line; it goes before any other
};

}  // namespace node
