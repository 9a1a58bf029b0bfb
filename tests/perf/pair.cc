#include "tests/perf/pair.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <valgrind/callgrind.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "tests/perf/clock.h"

namespace perf {

namespace {

// Less than any timer is set to, and not nothing: stamps go on.
constexpr peer::Micros turn_takes{20};

// What does not come for so long may need a timer to go off.
constexpr int patience_ms = 5;
constexpr peer::Micros then_pass{1000};
constexpr int patiences_max = 20'000;

// Nobody has so much to do.
constexpr int turns_max = 100'000;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int open_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) give_up("no socket is to be had");
  return fd;
}

// Listens before its node is there, as a supervisor's socket: the other has to be
// told the port.
std::pair<io::Inherited, std::uint16_t> listen_ahead() {
  const int fd = open_socket();
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd, 16) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    give_up("nothing can be listened on");
  constexpr int first = 3;  // SD_LISTEN_FDS_START
  if (fd != first && (dup2(fd, first) != first || close(fd) != 0)) give_up("a socket can't be handed on");
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_FDNAMES", "peer", 1);
  return {io::Inherited::from_environment(), ntohs(address.sin_port)};
}

peer::Address address_in(const std::string& ready, const std::string& name) {
  const std::string before = '"' + name + "\":\"";
  const std::size_t at = ready.find(before);
  if (at == std::string::npos) give_up("the ready file lacks " + name);
  const std::size_t from = at + before.size();
  const auto address = peer::parse_address(ready.substr(from, ready.find('"', from) - from));
  if (!address) give_up(address.why());
  return *address;
}

node::Config settings(const std::string& name, peer::Member other) {
  node::Config config;
  config.name = name;
  config.listen_client.port = config.listen_peer.port = config.listen_http.port = 0;
  config.peers = {std::move(other)};
  config.log_level = node::LogLevel::error;
  config.ready_file = name;
  return config;
}

}  // namespace

void give_up(std::string_view why) {
  std::fprintf(stderr, "perf: %.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(1);
}

House::House(node::Config config, io::Inherited inherited) {
  node_ = std::make_unique<node::Node>(
      loop_, config, [config] { return peer::Result<node::Config>(config); },
      node::Node::Lineage{{}, std::move(inherited), legacy_});
  if (const auto started = node_->start(); !started) give_up(started.why());
  std::ifstream file(config.ready_file);
  const std::string ready{std::istreambuf_iterator<char>(file), {}};
  client_ = address_in(ready, "client");
  peer_ = address_in(ready, "peer");
}

House::~House() {
  node_.reset();
  if (!loop_.close()) give_up("a handle was left open");
}

void House::turn() {
  CALLGRIND_TOGGLE_COLLECT;
  uv_run(loop_.raw(), UV_RUN_NOWAIT);
  CALLGRIND_TOGGLE_COLLECT;
  pass(turn_takes);
}

int House::waits_on() { return uv_backend_fd(loop_.raw()); }

bool House::has_more() { return uv_backend_timeout(loop_.raw()) == 0; }

// In a folder of its own, for the ready files: with names of one length everywhere the
// heap is laid out the same.
Pair::Pair() {
  std::string folder = (std::filesystem::temp_directory_path() / "crosstalk-perf-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr || chdir(folder.c_str()) != 0) give_up("no temporary folder is to be had");
  auto [inherited, port] = listen_ahead();
  first_ = std::make_unique<House>(settings("n1", {"n2", {"127.0.0.1", port}}), io::Inherited());
  second_ = std::make_unique<House>(settings("n2", {"n1", first_->peer()}), std::move(inherited));
  std::filesystem::remove_all(folder);
}

// Whoever has something to read, or to do.
bool Pair::turns() {
  std::array<pollfd, 2> both{{{first_->waits_on(), POLLIN, 0}, {second_->waits_on(), POLLIN, 0}}};
  poll(both.data(), both.size(), 0);
  bool any = false;
  for (int n = 1; n <= 2; ++n) {
    if (both[static_cast<std::size_t>(n - 1)].revents == 0 && !house(n).has_more()) continue;
    house(n).turn();
    any = true;
  }
  return any;
}

void Pair::until(std::string_view what, const std::function<bool()>& so) {
  for (int waited = 0, n = 0; !so(); ++n) {
    if (n == turns_max) give_up("it never came about that " + std::string(what));
    if (turns()) {
      waited = 0;
      continue;
    }
    std::array<pollfd, 2> both{{{first_->waits_on(), POLLIN, 0}, {second_->waits_on(), POLLIN, 0}}};
    if (poll(both.data(), both.size(), patience_ms) > 0) continue;
    if (++waited == patiences_max) give_up("it never came about that " + std::string(what));
    pass(then_pass);
    first_->turn();
    second_->turn();
  }
}

void Pair::settle() {
  for (int n = 0; turns(); ++n)
    if (n == turns_max) give_up("a node does not come to rest");
}

Person::Person(Pair& pair, House& at) : pair_(pair), socket_(open_socket()) {
  const sockaddr_in address = loopback(at.client().port);
  const int yes = 1;
  if (setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 ||
      connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    give_up("a node can't be reached");
  hears(1);
}

Person::~Person() { close(socket_); }

void Person::say(std::string_view lines) {
  if (send(socket_, lines.data(), lines.size(), 0) != static_cast<ssize_t>(lines.size()))
    give_up("a node does not take what it is told");
}

std::size_t Person::heard() {
  char bytes[65536];
  ssize_t n = 0;
  while ((n = recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    partial_.append(bytes, static_cast<std::size_t>(n));
    for (std::size_t end = 0; (end = partial_.find('\n')) != std::string::npos; ++lines_) {
      last_ = partial_.substr(0, end);
      partial_.erase(0, end + 1);
    }
  }
  if (n == 0) give_up("a node has hung up after " + last_);
  return lines_;
}

void Person::hears(std::size_t lines) {
  expected_ += lines;
  pair_.until("a client hears what it waits for", [this] { return heard() >= expected_; });
  if (lines_ > expected_) give_up("a client hears more than it should: " + last_);
}

void Person::login(const std::string& name, bool acknowledges) {
  say(R"({"cmd":"login","name":")" + name + (acknowledges ? R"(","ack":true})" : "\"}") + "\n");
  hears(1);
  if (last_.find(R"("ok":true)") == std::string::npos) give_up("a client is not let in: " + last_);
}

}  // namespace perf
