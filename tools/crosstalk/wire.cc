#include "tools/crosstalk/wire.h"

#include <algorithm>

namespace crosstalk {

namespace {

using namespace std::chrono_literals;

// While it is dialled or written to, nothing that is typed is heard.
constexpr auto dial_within = 3s;
constexpr auto write_within = 5s;

}  // namespace

Now now() {
  using namespace std::chrono;
  return {duration_cast<Millis>(steady_clock::now().time_since_epoch()),
          duration_cast<Millis>(system_clock::now().time_since_epoch()).count()};
}

int Wire::wait_ms() const {
  const Millis left = talk_.wake_at() - now().at;
  return static_cast<int>(std::clamp<Millis::rep>(left.count(), 0, 60'000));
}

void Wire::turn(bool readable) {
  if (readable && connection_) read();
  talk_.timeout(now());
  if (talk_.wants_dial(now())) dial();
  write();
}

void Wire::dial() {
  connection_.reset();
  lines_ = {};
  auto connection = tool::Connection::dial(talk_.server(), tool::Clock::now() + dial_within);
  if (!connection) return talk_.lost(connection.why(), now());
  connection_.emplace(std::move(*connection));
  talk_.opened(now());
}

void Wire::read() {
  const auto bytes = connection_->receive(tool::Clock::now());
  if (!bytes) return lost(bytes.why());
  lines_.add(*bytes);
  while (const std::optional<std::string> line = lines_.next()) talk_.heard(*line, now());
  // Sent away: that the server hangs up then is no news.
  if (!talk_.wants_connection()) return connection_.reset();
  if (lines_.overlong()) return lost("a line without an end");
  if (bytes->empty()) lost("the connection was closed");
}

void Wire::write() {
  const std::string output = talk_.take_output();
  if (output.empty() || !connection_) return;
  const auto sent = connection_->send(output, tool::Clock::now() + write_within);
  if (!sent) lost(sent.why());
}

void Wire::lost(const std::string& why) {
  connection_.reset();
  talk_.lost(why, now());
}

}  // namespace crosstalk
