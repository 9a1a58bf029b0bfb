// NATS' client protocol, without JetStream: a user is a subject.
// docs.nats.io/reference/reference-protocols/nats-protocol
#include <cstring>

#include "tools/bench/dialect.h"

namespace bench {

namespace {

class Nats final : public Dialect {
 public:
  std::string greeting(const Client& client) const override {
    std::string said =
        R"(CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"lang":"c++","version":"1","protocol":1,)"
        "\"echo\":false}\r\n";
    if (client.role != Role::sender) said += "SUB " + client.name + " 1\r\n";
    return said + "PING\r\n";
  }

  std::size_t read(Client& client, std::string_view bytes, Audience& audience) const override {
    std::size_t at = 0;
    while (const void* const end = std::memchr(bytes.data() + at, '\n', bytes.size() - at)) {
      const auto next = static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data()) + 1;
      const std::string_view line = bytes.substr(at, next - at);
      if (line.starts_with("MSG ")) {
        const std::size_t size = payload_size(line);
        if (bytes.size() < next + size + 2) break;
        audience.arrived(client, bytes.substr(next, size));
        at = next + size + 2;
        continue;
      }
      at = next;
      if (line.starts_with("PING")) client.out += "PONG\r\n";
      if (line.starts_with("PONG") && client.state == Client::State::greeting) audience.logged_in(client);
      if (line.starts_with("-ERR"))
        audience.refused(client, line.find("Authorization") == line.npos ? "error" : "auth_failed", line);
    }
    return at;
  }

  Letter letter(const Client&, const Client& to, std::string_view payload) const override {
    const std::string head = "PUB " + to.name + " " + std::to_string(payload.size()) + "\r\n";
    return {head + std::string(payload) + "\r\n", head.size(), 0};
  }

 private:
  // The last number of MSG SUBJECT SID [REPLY] SIZE.
  static std::size_t payload_size(std::string_view line) {
    std::size_t size = 0;
    for (std::size_t i = line.rfind(' ') + 1; i < line.size() && line[i] >= '0' && line[i] <= '9'; ++i)
      size = size * 10 + static_cast<std::size_t>(line[i] - '0');
    return size;
  }
};

}  // namespace

std::unique_ptr<Dialect> make_nats() { return std::make_unique<Nats>(); }

}  // namespace bench
