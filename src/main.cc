// crosstalkd: reads its arguments, runs one node, says how it ended; or goes on as the
// version of itself that is installed by then.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "src/io/inherited.h"
#include "src/io/loop.h"
#include "src/io/signals.h"
#include "src/node/config.h"
#include "src/node/node.h"

namespace {

// Where this program was started from; another version may lie there later.
std::string program_path() {
  std::array<char, 4096> path{};
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : "crosstalkd";
}

// The same flags, and the file as it is by now.
peer::Result<node::Config> read_again(int argc, char** argv) {
  const node::CommandLine line = node::read_command_line(argc, argv);
  if (line.action == node::CommandLine::Action::serve) return line.config;
  return peer::Failure{line.text.substr(0, line.text.find('\n'))};
}

int run(const node::Config& config, const node::Node::ReadSettings& read_settings, node::Node::Lineage lineage) {
  io::Loop loop;
  const io::Legacy& legacy = lineage.legacy;
  int status = 0;
  // Before the node is there and once it is gone, nothing listens to them.
  io::hold_signals();
  {
    node::Node node(loop, config, read_settings, std::move(lineage));
    io::release_signals();
    const auto started = node.start();
    if (started)
      loop.run();
    else
      std::fprintf(stderr, "crosstalkd: %s\n", started.why().c_str());
    io::hold_signals();
    // Before the next program takes over, what libuv has caught is heard: it may be a SIGTERM.
    if (!legacy.empty()) loop.run_on();
    status = started ? node.exit_status() : 1;
  }
  // A handle that is left is a leak of ours; it must not go unnoticed.
  return loop.close() ? status : 1;
}

int serve(const node::Config& config, int argc, char** argv, io::Inherited inherited) {
  const std::string program = program_path();
  std::vector<std::string> command{program};
  command.insert(command.end(), argv + 1, argv + argc);
  io::Legacy legacy;
  const int status =
      run(config, [argc, argv] { return read_again(argc, argv); }, {command, std::move(inherited), legacy});
  if (status != 0 || legacy.empty()) return status;
  legacy.execute(program.c_str(), argv);
  std::perror(("crosstalkd: " + program).c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  // A write to a connection that is gone is an error to be read, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  io::Inherited inherited = io::Inherited::from_environment();
  const node::CommandLine line = node::read_command_line(argc, argv);
  switch (line.action) {
    case node::CommandLine::Action::serve: return serve(line.config, argc, argv, std::move(inherited));
    case node::CommandLine::Action::check_config:
    case node::CommandLine::Action::print: std::fputs(line.text.c_str(), stdout); return line.exit_code;
    case node::CommandLine::Action::fail: std::fputs(line.text.c_str(), stderr); return line.exit_code;
  }
}
