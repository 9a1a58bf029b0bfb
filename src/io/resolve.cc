#include "src/io/resolve.h"

#include <netdb.h>
#include <uv.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "src/io/signals.h"
#include "src/io/timer.h"

namespace io {

namespace {

addrinfo hints() {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  return wanted;
}

Resolve::Answer answer_of(const std::string& host, bool found, const addrinfo* list) {
  std::vector<Endpoint> ends;
  if (found) {
    for (const addrinfo* one = list; one; one = one->ai_next) {
      if (one->ai_addrlen > sizeof(sockaddr_storage)) continue;
      Endpoint end;
      std::memcpy(&end.storage, one->ai_addr, one->ai_addrlen);
      end.size = one->ai_addrlen;
      ends.push_back(end);
    }
  }
  if (ends.empty()) return peer::Failure{"host not found: " + host};
  return ends;
}

}  // namespace

// While libuv holds the request the node lives until its answer, whether or not
// anyone still waits for it.
struct Resolve::Node {
  uv_getaddrinfo_t request{};
  Loop& loop;
  std::string host;
  std::function<void(Answer)> done;
  std::unique_ptr<Timer> refused;  // libuv would not even ask: told from the loop all the same
  bool asking = false;
  bool cut = false;

  Node(Loop& on, std::string name, std::function<void(Answer)> then)
      : loop(on), host(std::move(name)), done(std::move(then)) {
    request.data = this;
  }

  static void on_answer(uv_getaddrinfo_t* request, int status, addrinfo* list) noexcept {
    Node* node = static_cast<Node*>(request->data);
    node->loop.begin_turn();
    Answer answer = answer_of(node->host, status == 0, list);
    uv_freeaddrinfo(list);
    if (node->cut) {
      delete node;
      return;
    }
    node->asking = false;
    node->finish(std::move(answer));
  }

  // The node may be gone when the call returns.
  void finish(Answer answer) {
    const auto call = std::move(done);
    call(std::move(answer));
  }
};

Resolve::Resolve(Loop& loop, const peer::Address& address, std::function<void(Answer)> done)
    : node_(new Node(loop, address.host, std::move(done))) {
  const addrinfo wanted = hints();
  const std::string port = std::to_string(address.port);
  Node* node = node_;
  // The first time it begins libuv's threads, which outlive the handlers of signals.
  hold_signals();
  node->asking =
      uv_getaddrinfo(loop.raw(), &node->request, Node::on_answer, node->host.c_str(), port.c_str(), &wanted) == 0;
  release_signals();
  if (node->asking) return;
  node->refused = std::make_unique<Timer>(loop, [node] { node->finish(answer_of(node->host, false, nullptr)); });
  node->refused->at(loop.now());
}

Resolve::~Resolve() {
  if (!node_->asking) {
    delete node_;
    return;
  }
  node_->cut = true;
  uv_cancel(reinterpret_cast<uv_req_t*>(&node_->request));
}

Resolve::Answer Resolve::now(const peer::Address& address) {
  if (auto end = literal_endpoint(address)) return std::vector<Endpoint>{*end};
  const addrinfo wanted = hints();
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &wanted, &list);
  Answer answer = answer_of(address.host, error == 0, list);
  if (list) ::freeaddrinfo(list);
  return answer;
}

}  // namespace io
