#include "tools/bench/neighbour.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <string>

#include "tools/bench/pairs.h"
#include "tools/bench/rig.h"

namespace bench {

namespace {

constexpr Nanos look_after = 20 * millisecond;
// Long enough for the server to hold back the sender, to lose its patience, and to cut the
// receiver off.
constexpr Nanos come_again_after = 3 * second;
constexpr Nanos sip_after = 100 * millisecond;
// So much always lies ready to be written.
constexpr std::size_t flood_bytes = 256 * 1024;
constexpr std::string_view at_it = "ready";

void tell(int to, const std::string& line) {
  const std::string whole = line + "\n";
  if (write(to, whole.data(), whole.size()) < 0) std::_Exit(1);
}

// Empty at its end.
std::string line_from(int pipe) {
  std::string line;
  for (char c = 0; line.size() < 4096 && read(pipe, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

// The neighbour's own process.
class Troublemaker {
 public:
  Troublemaker(Rig& rig, const Invocation& invocation)
      : rig_(rig),
        sip_bytes_(invocation.sip * sip_after / second),
        pairs_(rig.crowd(), rig.dialect(), {1, invocation.payload_bytes, false}) {}

  Ending begin() { return pairs_.try_out(rig_.deadline()); }

  Neighbour::Done run(Trouble trouble) {
    next_coming_ = now() + come_again_after;
    while (!rig_.loop().interrupted() && pairs_.sender(0).state == Client::State::ready) {
      const Nanos at = now();
      if (trouble == Trouble::slow_reader) read_slowly(at);
      while (pairs_.sender(0).waiting() < flood_bytes) pairs_.write(0, at);
      rig_.loop().turn(at + look_after);
    }
    const Tally tally = pairs_.tally();
    return {tally.sent, tally.arrived, tally.refused};
  }

 private:
  void read_slowly(Nanos at) {
    Client& receiver = pairs_.receiver(0);
    if (receiver.state == Client::State::ready) rig_.loop().listen(receiver, false);
    if (sip_bytes_ > 0 && at >= next_sip_) {
      next_sip_ = at + sip_after;
      rig_.loop().sip(receiver, sip_bytes_);
    }
    if (at < next_coming_) return;
    next_coming_ = at + come_again_after;
    rig_.loop().listen(receiver, true);
    rig_.crowd().come_again(receiver);
  }

  Rig& rig_;
  std::size_t sip_bytes_;
  Pairs pairs_;
  Nanos next_sip_ = 0;
  Nanos next_coming_ = 0;
};

// Of all that is open only this; connections that are another's must end when it closes
// them.
int keep_only(int descriptor) {
  constexpr int kept = STDERR_FILENO + 1;
  if (descriptor != kept) dup2(descriptor, kept);
  close_range(kept + 1, ~0U, 0);
  return kept;
}

[[noreturn]] void be_neighbour(const Invocation& invocation, Trouble trouble, int to) {
  Result<std::unique_ptr<Rig>> rig = Rig::make(invocation, 2);
  if (!rig) {
    tell(to, rig.why());
    std::_Exit(1);
  }
  Troublemaker troublemaker(**rig, invocation);
  if (const Ending failed = troublemaker.begin()) {
    tell(to, failed->why);
    std::_Exit(1);
  }
  tell(to, std::string(at_it));
  const Neighbour::Done done = troublemaker.run(trouble);
  tell(to, std::to_string(done.sent) + " " + std::to_string(done.arrived) + " " + std::to_string(done.refused));
  std::_Exit(0);
}

}  // namespace

Result<Neighbour> Neighbour::start(const Invocation& invocation, Trouble trouble) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) return Error{Exit::failed, std::string("pipe: ") + std::strerror(errno)};
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return Error{Exit::failed, std::string("fork: ") + std::strerror(errno)};
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) std::_Exit(1);
    be_neighbour(invocation, trouble, keep_only(pipe_ends[1]));
  }
  close(pipe_ends[1]);
  Neighbour neighbour(child, pipe_ends[0]);
  const std::string told = line_from(neighbour.told_);
  if (told != at_it) return Error{Exit::failed, told.empty() ? "the second process has died" : told};
  return neighbour;
}

Neighbour::Neighbour(Neighbour&& other) noexcept : pid_(other.pid_), told_(other.told_) {
  other.pid_ = -1;
  other.told_ = -1;
}

Neighbour::~Neighbour() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(told_);
}

Neighbour::Done Neighbour::stop() {
  kill(pid_, SIGTERM);
  Done done;
  std::istringstream(line_from(told_)) >> done.sent >> done.arrived >> done.refused;
  return done;
}

}  // namespace bench
