// Sockets that this process was started with, listening already: from a
// supervisor (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES), or from
// itself, when it has executed a newer version of its program in its place.
//
// Owns those that nobody has taken, and closes them at its end. Made by main.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace io {

class Inherited {
 public:
  // None.
  Inherited() = default;
  // What the environment names, where it is meant for this process; takes the
  // variables out of it.
  static Inherited from_environment();
  ~Inherited();
  Inherited(Inherited&& other) noexcept : sockets_(std::exchange(other.sockets_, {})) {}
  Inherited& operator=(Inherited&&) = delete;

  // The socket of that name, from now on the caller's; -1 where there is none.
  int take(std::string_view name);
  // Those that nobody has taken.
  std::vector<std::string> names() const;

 private:
  std::multimap<std::string, int, std::less<>> sockets_;
};

// Copies of listening sockets, for the program that this process executes next.
class Legacy {
 public:
  Legacy() = default;
  ~Legacy();
  Legacy(const Legacy&) = delete;
  Legacy& operator=(const Legacy&) = delete;

  // A copy of `socket`, which may be closed then: who wants to connect waits.
  // False and errno where there are no more descriptors.
  bool add(std::string_view name, int socket);
  bool empty() const { return sockets_.empty(); }
  // Closes all of them: nothing is to be executed.
  void clear();

  // Executes that program in the place of this one. Comes back with errno where
  // that failed; nothing is lost then.
  void execute(const char* program, char* const* argv);

 private:
  std::vector<std::pair<std::string, int>> sockets_;
};

}  // namespace io
