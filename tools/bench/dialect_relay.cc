// What the bare relay understands: frames.
#include "tools/bench/dialect.h"
#include "tools/bench/frame.h"

namespace bench {

namespace {

class Relay final : public Dialect {
 public:
  std::string greeting(const Client& client) const override { return frame_head(0, client.serial); }

  std::size_t read(Client& client, std::string_view bytes, Audience& audience) const override {
    std::size_t at = 0;
    while (bytes.size() - at >= frame_head_bytes) {
      const FrameHead head = read_frame_head(bytes.substr(at));
      if (bytes.size() - at < frame_head_bytes + head.size) break;
      if (head.size == 0 && client.state == Client::State::greeting) audience.logged_in(client);
      if (head.size != 0) audience.arrived(client, bytes.substr(at + frame_head_bytes, head.size));
      at += frame_head_bytes + head.size;
    }
    return at;
  }

  Letter letter(const Client&, const Client& to, std::string_view payload) const override {
    return {frame_head(payload.size(), to.serial) + std::string(payload), frame_head_bytes, 0};
  }
};

}  // namespace

std::unique_ptr<Dialect> make_relay() { return std::make_unique<Relay>(); }

}  // namespace bench
