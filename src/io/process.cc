#include "src/io/process.h"

#include <uv.h>

#include <array>
#include <utility>

#include "src/io/timer.h"

namespace io {

// Outlives its Process until libuv has closed the handle.
struct Process::Node {
  uv_process_t handle{};
  Loop& loop;
  std::function<void(int)> ended;
  Timer failed;  // it could not be started
  bool cut = false;

  Node(Loop& on, std::function<void(int)> call)
      : loop(on), ended(std::move(call)), failed(on, [this] { this->ended(-1); }) {
    handle.data = this;
  }

  static void on_exit(uv_process_t* process, std::int64_t status, int signal) noexcept {
    Node& node = *static_cast<Node*>(process->data);
    node.loop.begin_turn();
    // It may destroy the Process.
    if (!node.cut) node.ended(signal == 0 ? static_cast<int>(status) : -1);
  }

  static void on_close(uv_handle_t* closed) noexcept { delete static_cast<Node*>(closed->data); }
};

Process::Process(Loop& loop, const std::vector<std::string>& command, std::function<void(int)> ended)
    : node_(new Node(loop, std::move(ended))) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::array<uv_stdio_container_t, 3> files{};
  files[0].flags = files[1].flags = UV_IGNORE;
  files[2].flags = UV_INHERIT_FD;
  files[2].data.fd = 2;
  uv_process_options_t options{};
  options.file = arguments[0];
  options.args = arguments.data();
  options.stdio = files.data();
  options.stdio_count = static_cast<int>(files.size());
  options.exit_cb = Node::on_exit;
  if (uv_spawn(loop.raw(), &node_->handle, &options) != 0) node_->failed.at(loop.now());
}

Process::~Process() {
  node_->cut = true;
  node_->failed.stop();
  uv_close(reinterpret_cast<uv_handle_t*>(&node_->handle), Node::on_close);
}

}  // namespace io
