#include "tools/bench/dialect.h"

#include <string>
#include <vector>

#include "tests/unit/suite.h"
#include "tools/bench/frame.h"
#include "tools/bench/stamp.h"

namespace {

using bench::Client;
using bench::Proto;
using bench::Role;

// Writes down what it is told.
class Listener final : public bench::Audience {
 public:
  void logged_in(Client& client) override {
    client.state = Client::State::ready;
    told.emplace_back("in");
  }
  void arrived(Client&, std::string_view payload) override { told.push_back("got " + std::string(payload)); }
  void settled(Client&) override { told.emplace_back("settled"); }
  void refused(Client&, std::string_view code, std::string_view why) override {
    told.push_back("refused " + std::string(code) + ": " + std::string(why));
  }

  std::vector<std::string> told;
};

Client client_of(Role role, std::uint32_t serial) {
  Client client;
  client.name = "u" + std::to_string(serial);
  client.serial = serial;
  client.role = role;
  client.state = Client::State::greeting;
  return client;
}

// As a connection does it: what was not taken comes again with more behind it.
void feed(const bench::Dialect& dialect, Client& client, const std::string& bytes, std::size_t piece,
          Listener& listener) {
  std::string kept;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    kept += bytes.substr(at, piece);
    kept.erase(0, dialect.read(client, kept, listener));
  }
  ck_assert_msg(kept.empty(), "left: %s", kept.c_str());
}

struct Row {
  const char* sentence;
  Proto proto;
  Role role;
  std::string bytes;
  std::vector<std::string> told;
  std::string answered{};
};

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      {"crosstalk: a receiver",
       Proto::crosstalk,
       Role::receiver,
       "{\"cmd\":\"hello\",\"server\":\"crosstalkd/1\",\"node\":\"n1\",\"proto\":1}\n"
       "{\"cmd\":\"login\",\"ok\":true,\"name\":\"u1\",\"node\":\"n1\",\"waiting\":0}\n"
       "{\"cmd\":\"chat\",\"send\":\"u2\",\"recv\":\"u1\",\"content\":\"abc\",\"id\":\"x\",\"ts\":1,\"seq\":1}\n"
       "{\"cmd\":\"chat\",\"send\":\"u2\",\"recv\":\"u1\",\"content\":\"defg\",\"id\":\"x\",\"ts\":1,\"seq\":2}\n"
       "{\"cmd\":\"chat\",\"send\":\"longer\",\"recv\":\"u1\",\"content\":\"h\",\"id\":\"x\",\"ts\":1,\"seq\":3}\n",
       {"in", "got abc", "got defg", "got h"},
       "{\"cmd\":\"ack\",\"seq\":3}\n"},
      {"crosstalk: a sender",
       Proto::crosstalk,
       Role::sender,
       "{\"cmd\":\"login\",\"ok\":true,\"name\":\"u1\"}\n"
       "{\"cmd\":\"ack\",\"id\":\"1\",\"status\":\"written\"}\n"
       "{\"cmd\":\"error\",\"code\":\"busy\",\"message\":\"too much\",\"in\":\"chat\"}\n"
       "{\"cmd\":\"something new\"}\n",
       {"in", "settled", "refused busy: too much"}},
      {"crosstalk: nobody is let in",
       Proto::crosstalk,
       Role::idler,
       "{\"cmd\":\"error\",\"code\":\"server_full\",\"message\":\"no room\",\"in\":\"login\"}\n",
       {"refused server_full: no room"}},
      {"nats",
       Proto::nats,
       Role::receiver,
       "INFO {\"server_id\":\"x\"}\r\nPONG\r\nMSG u1 1 3\r\nabc\r\nMSG u1 1 reply 4\r\nPING\r\nPING\r\n-ERR 'no'\r\n",
       {"in", "got abc", "got PING", "refused error: -ERR 'no'\r\n"},
       "PONG\r\n"},
      {"redis: a receiver",
       Proto::redis,
       Role::receiver,
       "*3\r\n$9\r\nsubscribe\r\n$2\r\nu1\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$2\r\nu1\r\n$5\r\na\r\nbc\r\n",
       {"in", "got a\r\nbc"}},
      {"redis: a sender",
       Proto::redis,
       Role::sender,
       "+PONG\r\n:1\r\n:1\r\n-NOAUTH who are you\r\n",
       {"in", "refused auth_failed: -NOAUTH who are you"}},
      {"relay",
       Proto::relay,
       Role::receiver,
       bench::frame_head(0, 1) + bench::frame_head(3, 1) + "abc",
       {"in", "got abc"}},
  };
  return all;
}

}  // namespace

START_TEST(understands_what_servers_say_however_it_is_cut) {
  for (const Row& row : rows())
    for (std::size_t piece = 1; piece <= row.bytes.size(); ++piece) {
      const auto dialect = bench::make_dialect(row.proto, {true, true});
      Client client = client_of(row.role, 1);
      Listener listener;
      feed(*dialect, client, row.bytes, piece, listener);
      ck_assert_msg(listener.told == row.told, "%s, in pieces of %d: told of %d", row.sentence, static_cast<int>(piece),
                    static_cast<int>(listener.told.size()));
      if (piece == row.bytes.size())
        ck_assert_msg(client.out == row.answered, "%s: answered %s", row.sentence, client.out.c_str());
    }
}
END_TEST

START_TEST(writes_letters_with_room_for_a_stamp) {
  const Client sender = client_of(Role::sender, 2);
  const Client receiver = client_of(Role::receiver, 1);
  const std::string payload = bench::blank_payload(32);
  const struct {
    Proto proto;
    std::string bytes;
  } letters[] = {
      {Proto::crosstalk, "{\"cmd\":\"chat\",\"recv\":\"u1\",\"id\":\"00000000\",\"content\":\"" + payload + "\"}\n"},
      {Proto::nats, "PUB u1 32\r\n" + payload + "\r\n"},
      {Proto::redis, "*3\r\n$7\r\nPUBLISH\r\n$2\r\nu1\r\n$32\r\n" + payload + "\r\n"},
      {Proto::relay, bench::frame_head(32, 1) + payload},
  };
  for (const auto& row : letters) {
    const bench::Letter letter = bench::make_dialect(row.proto, {true, false})->letter(sender, receiver, payload);
    ck_assert_msg(letter.bytes == row.bytes, "%s", letter.bytes.c_str());
    ck_assert(letter.bytes.substr(letter.payload_at, payload.size()) == payload);
    if (row.proto == Proto::crosstalk) ck_assert(letter.bytes.substr(letter.id_at, 9) == "00000000\"");
  }
}
END_TEST

START_TEST(greets) {
  const Client receiver = client_of(Role::receiver, 1);
  const Client sender = client_of(Role::sender, 2);
  const auto crosstalk = bench::make_dialect(Proto::crosstalk, {false, true});
  ck_assert(crosstalk->greeting(receiver) == "{\"cmd\":\"login\",\"name\":\"u1\",\"ack\":true}\n");
  ck_assert(crosstalk->greeting(sender) == "{\"cmd\":\"login\",\"name\":\"u2\"}\n");
  const auto nats = bench::make_dialect(Proto::nats, {});
  ck_assert(nats->greeting(receiver).find("SUB u1 1\r\nPING\r\n") != std::string::npos);
  ck_assert(nats->greeting(sender).find("SUB") == std::string::npos);
  ck_assert(bench::make_dialect(Proto::redis, {})->greeting(sender) == "*1\r\n$4\r\nPING\r\n");
}
END_TEST

START_TEST(protocols_have_names) {
  for (const Proto proto : {Proto::crosstalk, Proto::nats, Proto::redis, Proto::relay})
    ck_assert(bench::proto_named(bench::name_of(proto)) == proto);
  ck_assert(!bench::proto_named("kafka"));
}
END_TEST

SUITE(understands_what_servers_say_however_it_is_cut, writes_letters_with_room_for_a_stamp, greets,
      protocols_have_names)
