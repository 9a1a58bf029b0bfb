#include "src/io/signals.h"

#include <uv.h>

#include <cassert>
#include <csignal>
#include <utility>

namespace io {

namespace {

void mask(int how) {
  sigset_t told;
  sigemptyset(&told);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&told, number);
  const int error = pthread_sigmask(how, &told, nullptr);
  assert(error == 0);
  (void)error;
}

}  // namespace

void hold_signals() { mask(SIG_BLOCK); }

void release_signals() { mask(SIG_UNBLOCK); }

// Outlives its Signal until libuv has closed the handle, and the call with it:
// a signal may be let go by its own call.
struct Signal::Node {
  uv_signal_t handle{};
  Loop& loop;
  std::function<void()> call;
  bool cut = false;

  Node(Loop& on, std::function<void()> to_call) : loop(on), call(std::move(to_call)) {
    uv_signal_init(loop.raw(), &handle);
    handle.data = this;
  }

  static void on_signal(uv_signal_t* signal, int) noexcept {
    Node& node = *static_cast<Node*>(signal->data);
    node.loop.begin_turn();
    if (!node.cut) node.call();
  }

  static void on_close(uv_handle_t* closed) noexcept { delete static_cast<Node*>(closed->data); }
};

Signal::Signal(Loop& loop, int number, std::function<void()> call) : node_(new Node(loop, std::move(call))) {
  const int error = uv_signal_start(&node_->handle, Node::on_signal, number);
  assert(error == 0);
  (void)error;
}

Signal::~Signal() {
  node_->cut = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&node_->handle), Node::on_close);
}

}  // namespace io
