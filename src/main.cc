// crosstalkd: reads its arguments, runs one node, says how it ended.
#include <csignal>
#include <cstdio>
#include <utility>

#include "src/io/inherited.h"
#include "src/io/loop.h"
#include "src/node/config.h"
#include "src/node/node.h"

namespace {

// The same flags, and the file as it is by now.
peer::Result<node::Config> read_again(int argc, char** argv) {
  const node::CommandLine line = node::read_command_line(argc, argv);
  if (line.action == node::CommandLine::Action::serve) return line.config;
  return peer::Failure{line.text.substr(0, line.text.find('\n'))};
}

int serve(const node::Config& config, const node::Node::ReadSettings& read_settings, io::Inherited inherited) {
  io::Loop loop;
  int status = 0;
  {
    node::Node node(loop, config, read_settings, std::move(inherited));
    if (const auto started = node.start(); !started) {
      std::fprintf(stderr, "crosstalkd: %s\n", started.why().c_str());
      status = 1;
    } else {
      loop.run();
      status = node.exit_status();
    }
  }
  // A handle that is left is a leak of ours; it must not go unnoticed.
  return loop.close() ? status : 1;
}

}  // namespace

int main(int argc, char** argv) {
  // A write to a connection that is gone is an error to be read, not a death.
  std::signal(SIGPIPE, SIG_IGN);
  io::Inherited inherited = io::Inherited::from_environment();
  const node::CommandLine line = node::read_command_line(argc, argv);
  switch (line.action) {
    case node::CommandLine::Action::serve:
      return serve(line.config, [argc, argv] { return read_again(argc, argv); }, std::move(inherited));
    case node::CommandLine::Action::check_config:
    case node::CommandLine::Action::print: std::fputs(line.text.c_str(), stdout); return line.exit_code;
    case node::CommandLine::Action::fail: std::fputs(line.text.c_str(), stderr); return line.exit_code;
  }
}
