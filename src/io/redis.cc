#include "src/io/redis.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cassert>
#include <optional>
#include <random>
#include <utility>

#include "peer/backoff.h"
#include "src/io/redis_search.h"
#include "src/io/redis_wire.h"
#include "src/io/timer.h"

namespace io {

namespace {

constexpr peer::Backoff::Settings backoff_settings{peer::Millis(100), peer::Millis(2000), peer::Millis(5000)};

// How often the two connections are looked at for silence: its share of what
// passes beyond silence_max before the loss is noticed.
constexpr peer::Millis watch_every{200};

using Argv = RedisWire::Argv;

std::uint64_t seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

// What ROLE says of a server: the reason why it is of no use, or nothing. One
// that may not be asked, or says something else, passes.
std::string fault_of(const Reply& role) {
  const std::string_view word = role[0].text();
  if (word == "slave")
    return "that Redis is a replica of " + std::string(role[1].text()) + ":" + std::to_string(role[2].integer());
  if (word == "sentinel") return "that is a Sentinel, no Redis; see redis.sentinels";
  return {};
}

// What a server says that is no master any more, to a write, to any command, or
// (before Redis 7) to a script.
bool is_a_replicas(std::string_view error) {
  if (error.starts_with("READONLY ") || error.starts_with("MASTERDOWN ")) return true;
  return error.starts_with("ERR Error running script") && error.find("-READONLY ") != std::string_view::npos;
}

}  // namespace

// waiting → (seeking →) connecting → up, and from each back to waiting through
// lose().
struct Redis::Core final : RedisWire::Watcher {
  enum class State : std::uint8_t { waiting, seeking, connecting, up, closing };
  using Purpose = RedisWire::Purpose;

  Loop& loop;
  RedisUrl url;  // where Sentinels say it is, the last that they said
  std::optional<RedisSearch> search;
  const std::vector<std::string> channel_names;
  Redis::Watcher& watcher;
  peer::SeededChance chance{seed()};
  peer::Backoff backoff{backoff_settings, chance};
  RedisWire commands{loop, Purpose::commands, *this};
  RedisWire channels{loop, Purpose::channels, *this};
  Timer dial_timer{loop, [this] { dial(); }};
  Timer watch_timer{loop, [this] { watch(); }};
  Timer refusal_timer{loop, [this] { refuse(); }};
  std::vector<Then> refused;  // asked while down; answered from the loop
  peer::Time dial_at{};       // while waiting
  peer::Time last_watch{};
  peer::Time role_asked{};
  State state = State::waiting;

  Core(Loop& on, RedisPlace where, std::vector<std::string> names, Redis::Watcher& by)
      : loop(on), channel_names(std::move(names)), watcher(by) {
    if (auto* there = std::get_if<RedisUrl>(&where)) url = std::move(*there);
    if (auto* those = std::get_if<RedisSentinels>(&where))
      search.emplace(loop, std::move(*those), [this](peer::Result<peer::Address> master) { found(std::move(master)); });
    dial();
  }

  void dial() {
    backoff.on_try(loop.now());
    last_watch = loop.now();
    watch_timer.every(watch_every);
    if (!search) return connect();
    state = State::seeking;
    search->start();
  }

  // While up, Sentinels that can't be reached are no reason to give it up.
  void found(peer::Result<peer::Address> master) {
    if (state == State::up) {
      if (master && *master != url.address) lose("Sentinels name another master by now, " + to_string(*master));
      return;
    }
    if (!master) return lose(master.why());
    url.address = std::move(*master);
    connect();
  }

  void connect() {
    state = State::connecting;
    commands.dial(url.address);
  }

  // Says who we are; what comes after is asked at once behind it. Channels are
  // dialled once commands work: a dead server is dialled once a try.
  void on_wire_open(RedisWire& wire) noexcept override {
    if (!url.password.empty()) {
      Argv login{"AUTH"};
      if (!url.user.empty()) login.push_back(url.user);
      login.push_back(url.password);
      require(wire, login, [] {});
    }
    switch (wire.purpose()) {
      case Purpose::commands:
        if (url.database != 0) require(wire, {"SELECT", std::to_string(url.database)}, [] {});
        require(wire, {"PING"}, [this] { ask_role(); });
        break;
      case Purpose::channels:
        for (const std::string& name : channel_names) {
          const bool last = &name == &channel_names.back();
          require(wire, {"SUBSCRIBE", name}, [this, last] {
            if (last) ready();
          });
        }
        break;
    }
  }

  // An error to one of these means that the server is of no use to us.
  template <class Done>
  void require(RedisWire& wire, const Argv& argv, Done done) {
    wire.ask(argv, [this, what = argv.front(), done](Reply reply) {
      if (reply.ok()) {
        done();
      } else if (reply.kind() == Reply::Kind::error) {
        lose(what + " refused: " + std::string(reply.text()));
      }
    });
  }

  // Is it the one to write to? Where an address was given, a server that won't
  // say is taken for it: ROLE may be forbidden to us. Of one that Sentinels name
  // it has to be known.
  void ask_role() {
    role_asked = loop.now();
    commands.ask({"ROLE"}, [this](Reply reply) {
      if (reply.kind() == Reply::Kind::none) return;
      if (const std::string fault = fault_of(reply); !fault.empty()) return lose(fault);
      if (search && reply[0].text() != "master")
        return lose(reply.ok() ? "that Redis does not say that it is a master"
                               : "ROLE refused: " + std::string(reply.text()));
      if (state != State::connecting) return;
      channel_names.empty() ? ready() : channels.dial(url.address);
    });
  }

  void ready() {
    state = State::up;
    backoff.on_up(loop.now());
    watcher.on_redis_up();
  }

  void on_wire_message(std::string_view channel, std::string_view payload) noexcept override {
    if (state == State::up) watcher.on_redis_message(channel, payload);
  }

  void on_wire_error(std::string_view text) noexcept override {
    if (state == State::up && is_a_replicas(text)) lose("that Redis is a replica by now: " + std::string(text));
  }

  void on_wire_lost(std::string why) noexcept override { lose(std::move(why)); }

  // Of a failover that was asked for, the old master itself is told many seconds
  // after the Sentinels have named the new one, and what is written to it
  // meanwhile is lost: so they are asked as well.
  void watch() {
    const peer::Time now = loop.now();
    const bool we_were_away = now - std::exchange(last_watch, now) >= silence_max / 2;
    if (search && state == State::up && now - role_asked >= ping_every) {
      ask_role();
      search->start();
    }
    for (RedisWire* wire : {&commands, &channels}) {
      if (we_were_away) wire->forgive(now);
      if (wire->silent(now)) return lose("no answer within " + std::to_string(silence_max.count() / 1000) + " s");
    }
  }

  void lose(std::string why) {
    if (state == State::waiting || state == State::closing) return;
    if (search && state != State::seeking) why = to_string(url.address) + ": " + why;
    if (search && state == State::connecting) search->doubt();
    if (search) search->stop();
    state = State::waiting;
    watch_timer.stop();
    std::vector<Then> orphans;
    commands.close(orphans);
    channels.close(orphans);
    dial_at = backoff.on_down(loop.now());
    dial_timer.at(dial_at);
    for (const Then& then : orphans) then(Reply(nullptr));
    watcher.on_redis_down(why);
  }

  void try_soon() {
    if (state != State::waiting) return;
    dial_at = std::min(dial_at, backoff.retry_soon(loop.now()));
    dial_timer.at(dial_at);
  }

  void command(const Argv& argv, Then then) {
    if (state == State::up && !commands.full()) return commands.ask(argv, std::move(then));
    refused.push_back(std::move(then));
    refusal_timer.at(loop.now());
  }

  void refuse() {
    const std::vector<Then> now = std::exchange(refused, {});
    for (const Then& then : now) then(Reply(nullptr));
  }

  void close() {
    state = State::closing;
    std::vector<Then> orphans;
    commands.close(orphans);
    channels.close(orphans);
    for (const Then& then : orphans) then(Reply(nullptr));
    while (!refused.empty()) refuse();
  }
};

Reply::Kind Reply::kind() const {
  if (!raw_) return Kind::none;
  switch (raw_->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: return Kind::text;
    case REDIS_REPLY_ARRAY: return Kind::list;
    case REDIS_REPLY_INTEGER: return Kind::integer;
    case REDIS_REPLY_ERROR: return Kind::error;
    default: return Kind::nil;
  }
}

std::string_view Reply::text() const {
  const Kind is = kind();
  if (is != Kind::text && is != Kind::error) return {};
  return {raw_->str, raw_->len};
}

long long Reply::integer() const { return kind() == Kind::integer ? raw_->integer : 0; }

std::size_t Reply::size() const { return kind() == Kind::list ? raw_->elements : 0; }

Reply Reply::operator[](std::size_t i) const { return Reply(i < size() ? raw_->element[i] : nullptr); }

Redis::Redis(Loop& loop, RedisPlace place, std::vector<std::string> channels, Watcher& watcher)
    : core_(std::make_unique<Core>(loop, std::move(place), std::move(channels), watcher)) {}

Redis::~Redis() { core_->close(); }

bool Redis::up() const { return core_->state == Core::State::up; }

const peer::Address& Redis::address() const { return core_->url.address; }

void Redis::try_soon() { core_->try_soon(); }

void Redis::command(const std::vector<std::string>& argv, Then then) {
  assert(!argv.empty() && then);
  core_->command(argv, std::move(then));
}

}  // namespace io
