// Redis' publish and subscribe, in RESP 2: a user is a channel. One server, so one hop
// less than the others. redis.io/docs/reference/protocol-spec
#include <array>
#include <cstring>
#include <optional>

#include "tools/bench/dialect.h"

namespace bench {

namespace {

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

// Reads on from `at`; a step that finds too little leaves nothing.
struct Reading {
  std::string_view bytes;
  std::size_t at = 0;

  std::optional<std::string_view> line() {
    if (at >= bytes.size()) return std::nullopt;
    const std::size_t end = bytes.find("\r\n", at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view found = bytes.substr(at, end - at);
    at = end + 2;
    return found;
  }

  // A bulk string; of what is none, its line.
  std::optional<std::string_view> item() {
    const auto head = line();
    if (!head || head->empty() || head->front() != '$') return head;
    const std::size_t size = number(*head);
    if (bytes.size() < at + size + 2) return std::nullopt;
    const std::string_view found = bytes.substr(at, size);
    at += size + 2;
    return found;
  }

  static std::size_t number(std::string_view line) {
    std::size_t value = 0;
    for (std::size_t i = 1; i < line.size() && line[i] >= '0' && line[i] <= '9'; ++i)
      value = value * 10 + static_cast<std::size_t>(line[i] - '0');
    return value;
  }
};

class Redis final : public Dialect {
 public:
  std::string greeting(const Client& client) const override {
    return client.role == Role::sender ? "*1\r\n" + bulk("PING") : "*2\r\n" + bulk("SUBSCRIBE") + bulk(client.name);
  }

  std::size_t read(Client& client, std::string_view bytes, Audience& audience) const override {
    Reading reading{bytes};
    while (true) {
      const std::size_t begin = reading.at;
      if (!take(client, reading, audience)) return begin;
    }
  }

  Letter letter(const Client&, const Client& to, std::string_view payload) const override {
    const std::string head = "*3\r\n" + bulk("PUBLISH") + bulk(to.name) + "$" + std::to_string(payload.size()) + "\r\n";
    return {head + std::string(payload) + "\r\n", head.size(), 0};
  }

 private:
  // False: it is not whole yet.
  static bool take(Client& client, Reading& reading, Audience& audience) {
    const auto head = reading.line();
    if (!head) return false;
    if (head->starts_with('*')) return take_push(client, reading, Reading::number(*head), audience);
    if (head->starts_with('-'))
      audience.refused(client, head->starts_with("-NOAUTH") ? "auth_failed" : "error", *head);
    else if (head->starts_with('+') && client.state == Client::State::greeting)
      audience.logged_in(client);
    return true;
  }

  static bool take_push(Client& client, Reading& reading, std::size_t count, Audience& audience) {
    std::array<std::string_view, 3> items;
    for (std::size_t i = 0; i < count; ++i) {
      const auto item = reading.item();
      if (!item) return false;
      if (i < items.size()) items[i] = *item;
    }
    if (items[0] == "message") audience.arrived(client, items[2]);
    if (items[0] == "subscribe" && client.state == Client::State::greeting) audience.logged_in(client);
    return true;
  }
};

}  // namespace

std::unique_ptr<Dialect> make_redis() { return std::make_unique<Redis>(); }

}  // namespace bench
