// Crosstalk's: a JSON object a line.
//
// Lines are looked through for what they must have, not parsed: the server's lines are
// known, and none of the contents is anybody's but ours.
#include <cstring>

#include "tools/bench/dialect.h"
#include "tools/bench/stamp.h"

namespace bench {

namespace {

constexpr std::string_view content_key = R"("content":")";

// The text under that quoted key, as it is written; empty where there is none.
std::string_view text_of(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + key.size();
  return line.substr(begin, line.find('"', begin) - begin);
}

std::uint64_t number_behind(std::string_view line, std::string_view key) {
  std::uint64_t number = 0;
  const std::size_t at = line.rfind(key);
  if (at == std::string_view::npos) return 0;
  for (std::size_t i = at + key.size(); i < line.size() && line[i] >= '0' && line[i] <= '9'; ++i)
    number = number * 10 + static_cast<std::uint64_t>(line[i] - '0');
  return number;
}

class Crosstalk final : public Dialect {
 public:
  explicit Crosstalk(const Manner& manner) : manner_(manner) {}

  std::string greeting(const Client& client) const override {
    const bool confirms = manner_.confirms && client.role == Role::receiver;
    return R"({"cmd":"login","name":")" + client.name + (confirms ? R"(","ack":true})" : R"("})") + "\n";
  }

  std::size_t read(Client& client, std::string_view bytes, Audience& audience) const override {
    std::size_t at = 0;
    while (const void* const end = std::memchr(bytes.data() + at, '\n', bytes.size() - at)) {
      const auto next = static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data());
      take(client, bytes.substr(at, next - at), audience);
      at = next + 1;
    }
    if (client.to_confirm > client.confirmed) {
      client.confirmed = client.to_confirm;
      client.out += R"({"cmd":"ack","seq":)" + std::to_string(client.confirmed) + "}\n";
    }
    return at;
  }

  Letter letter(const Client&, const Client& to, std::string_view payload) const override {
    Letter letter;
    letter.bytes = R"({"cmd":"chat","recv":")" + to.name + '"';
    if (manner_.ids) {
      letter.bytes += R"(,"id":")";
      letter.id_at = letter.bytes.size();
      letter.bytes += std::string(number_digits, '0') + '"';
    }
    letter.bytes += ',' + std::string(content_key);
    letter.payload_at = letter.bytes.size();
    letter.bytes += std::string(payload) + "\"}\n";
    return letter;
  }

 private:
  void take(Client& client, std::string_view line, Audience& audience) const {
    if (client.state == Client::State::ready && client.role == Role::receiver && take_chat(client, line, audience))
      return;
    const std::string_view cmd = text_of(line, R"("cmd":")");
    if (cmd == "ack") return audience.settled(client);
    if (cmd == "error") return audience.refused(client, text_of(line, R"("code":")"), text_of(line, R"("message":")"));
    if (cmd == "kicked") client.farewell = text_of(line, R"("reason":")");
    if (cmd == "login" && client.state == Client::State::greeting) audience.logged_in(client);
  }

  // One sender writes to one receiver, so the content is mostly where it was last.
  bool take_chat(Client& client, std::string_view line, Audience& audience) const {
    std::size_t at = client.content_at;
    if (at == 0 || at > line.size() || line.substr(at - content_key.size(), content_key.size()) != content_key) {
      at = line.find(content_key);
      if (at == std::string_view::npos) return false;
      client.content_at = at += content_key.size();
    }
    const std::size_t end = line.find('"', at);
    if (end == std::string_view::npos) return false;
    if (manner_.confirms) client.to_confirm = number_behind(line.substr(end), R"("seq":)");
    audience.arrived(client, line.substr(at, end - at));
    return true;
  }

  Manner manner_;
};

}  // namespace

std::unique_ptr<Dialect> make_crosstalk(const Manner& manner) { return std::make_unique<Crosstalk>(manner); }

}  // namespace bench
