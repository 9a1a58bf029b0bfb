// How a server's own protocol says what is measured: a user logs in, one writes to
// another, a message arrives.
//
// One for each kind of server, without state: what is known of a connection is in its
// Client. The load generator shares the machine with what it measures, so each knows no
// more of its protocol than that takes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tools/bench/client.h"

namespace bench {

enum class Proto : std::uint8_t { crosstalk, nats, redis, relay };

std::string_view name_of(Proto proto);
std::optional<Proto> proto_named(std::string_view name);

// A message that is ready but for its stamp and number.
struct Letter {
  std::string bytes{};
  std::size_t payload_at = 0;
  std::size_t id_at = 0;  // of number_digits; 0: it has none
};

// What was understood of what a server sent.
class Audience {
 public:
  virtual ~Audience() = default;
  virtual void logged_in(Client& client) = 0;
  virtual void arrived(Client& client, std::string_view payload) = 0;
  // A message of this sender's has its outcome.
  virtual void settled(Client& sender) = 0;
  // An error: of a message where `client` is ready, else of the login. A sentence.
  virtual void refused(Client& client, std::string_view code, std::string_view why) = 0;
};

struct Manner {
  bool ids = false;       // each message bears an id, and so has an outcome
  bool confirms = false;  // receivers confirm what they get
};

class Dialect {
 public:
  virtual ~Dialect() = default;

  // What a client says once it is connected.
  virtual std::string greeting(const Client& client) const = 0;
  // Takes whole messages from the front of `bytes`, tells the audience, answers in
  // client.out where the protocol wants it; returns how many bytes it took.
  virtual std::size_t read(Client& client, std::string_view bytes, Audience& audience) const = 0;
  virtual Letter letter(const Client& from, const Client& to, std::string_view payload) const = 0;
};

std::unique_ptr<Dialect> make_dialect(Proto proto, const Manner& manner);

// One home each.
std::unique_ptr<Dialect> make_crosstalk(const Manner& manner);
std::unique_ptr<Dialect> make_nats();
std::unique_ptr<Dialect> make_redis();
std::unique_ptr<Dialect> make_relay();

}  // namespace bench
