#include "src/io/redis.h"

#include <hiredis/hiredis.h>

#include <cassert>
#include <random>
#include <utility>

#include "peer/backoff.h"
#include "peer/ring.h"
#include "src/io/stream.h"
#include "src/io/timer.h"

namespace io {

namespace {

constexpr peer::Backoff::Settings backoff_settings{peer::Millis(100), peer::Millis(2000), peer::Millis(5000)};

// How often the two connections are looked at for silence: its share of what
// passes beyond silence_max before the loss is noticed.
constexpr peer::Millis watch_every{200};

// One answer at most, whole or half arrived; no key of ours grows near it.
constexpr std::size_t answer_bytes_max = std::size_t{64} << 20U;

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

using Argv = std::vector<std::string>;

void append_command(peer::Buffer& out, const Argv& argv) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : argv) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const int size = redisFormatCommandArgv(&command, static_cast<int>(argv.size()), words.data(), sizes.data());
  assert(size > 0);
  out.append({command, static_cast<std::size_t>(size)});
  redisFreeCommand(command);
}

std::uint64_t seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

// What a connection is for.
enum class Purpose : std::uint8_t { commands, channels };

// One connection: commands go out in order, and each is given the next answer
// that comes. Where channels are subscribed, their messages come in between.
class Wire final : public Stream::Owner {
 public:
  class Watcher {
   public:
    virtual void on_wire_open(Wire& wire) noexcept = 0;
    virtual void on_wire_message(std::string_view channel, std::string_view payload) noexcept = 0;
    virtual void on_wire_lost(std::string why) noexcept = 0;

   protected:
    ~Watcher() = default;
  };

  Wire(Loop& loop, Purpose purpose, Watcher& watcher) : loop_(loop), purpose_(purpose), watcher_(watcher) {}

  Purpose purpose() const { return purpose_; }

  void dial(const peer::Address& address) {
    reader_.reset(redisReaderCreate());
    stream_ = Stream::dial(loop_, address, Redis::silence_max, *this);
  }

  // What was asked and not answered goes to `orphans`, in order.
  void close(std::vector<Redis::Then>& orphans) {
    stream_.reset();
    reader_.reset();
    out_.release();
    for (; !asked_.empty(); asked_.pop_front()) orphans.push_back(std::move(asked_.front()));
    asked_.clear();
    open_ = false;
  }

  void ask(const Argv& argv, Redis::Then then) {
    if (asked_.empty()) quiet_since_ = loop_.now();
    append_command(out_, argv);
    asked_.push_back(std::move(then));
    stream_->want_write();
  }

  bool full() const { return asked_.size() >= Redis::commands_max; }

  // Called every so often: whether the server is silent though it was asked.
  bool silent(peer::Time now) {
    if (!open_) return false;  // the dial has a time limit of its own
    if (!asked_.empty()) return now - quiet_since_ >= Redis::silence_max;
    if (now - quiet_since_ >= Redis::ping_every) ask({"PING"}, [](Reply) {});
    return false;
  }

  // The silence was ours.
  void forgive(peer::Time now) { quiet_since_ = now; }

  void on_open() noexcept override {
    open_ = true;
    watcher_.on_wire_open(*this);
  }

  void on_bytes(std::string_view bytes) noexcept override {
    quiet_since_ = loop_.now();
    redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
    while (stream_) {
      void* raw = nullptr;
      if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) return watcher_.on_wire_lost(reader_->errstr);
      if (!raw) break;
      const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(raw));
      answered(Reply(reply.get()));
    }
    if (stream_ && reader_->len - reader_->pos > answer_bytes_max)
      watcher_.on_wire_lost("an answer of over " + std::to_string(answer_bytes_max >> 20U) + " MiB");
  }

  void on_closed(std::string_view why) noexcept override {
    watcher_.on_wire_lost(why.empty() ? "closed by the server" : std::string(why));
  }

  void fill(peer::Buffer& out) noexcept override {
    out.append(out_.view());
    out_.clear();
  }

 private:
  void answered(Reply reply) {
    if (purpose_ == Purpose::channels && reply.size() == 3 && reply[0].text() == "message") {
      watcher_.on_wire_message(reply[1].text(), reply[2].text());
    } else if (asked_.empty()) {
      watcher_.on_wire_lost("an answer that nobody asked for");
    } else {
      const Redis::Then then = std::move(asked_.front());
      asked_.pop_front();
      then(reply);
    }
  }

  Loop& loop_;
  const Purpose purpose_;
  Watcher& watcher_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<redisReader, FreeReader> reader_;
  peer::Buffer out_;
  peer::Ring<Redis::Then> asked_;
  peer::Time quiet_since_{};  // the last byte heard, or the first question since all were answered
  bool open_ = false;
};

}  // namespace

// waiting → connecting → up, and from either back to waiting through lose().
struct Redis::Core final : Wire::Watcher {
  enum class State : std::uint8_t { waiting, connecting, up, closing };

  Loop& loop;
  const RedisUrl url;
  const std::vector<std::string> channel_names;
  Redis::Watcher& watcher;
  peer::SeededChance chance{seed()};
  peer::Backoff backoff{backoff_settings, chance};
  Wire commands{loop, Purpose::commands, *this};
  Wire channels{loop, Purpose::channels, *this};
  Timer dial_timer{loop, [this] { dial(); }};
  Timer watch_timer{loop, [this] { watch(); }};
  Timer refusal_timer{loop, [this] { refuse(); }};
  std::vector<Then> refused;  // asked while down; answered from the loop
  peer::Time last_watch{};
  State state = State::waiting;

  Core(Loop& on, RedisUrl where, std::vector<std::string> names, Redis::Watcher& by)
      : loop(on), url(std::move(where)), channel_names(std::move(names)), watcher(by) {
    dial();
  }

  void dial() {
    state = State::connecting;
    backoff.on_try(loop.now());
    commands.dial(url.address);
    last_watch = loop.now();
    watch_timer.every(watch_every);
  }

  // Says who we are; what comes after is asked at once behind it. Channels are
  // dialled once commands work: a dead server is dialled once a try.
  void on_wire_open(Wire& wire) noexcept override {
    if (!url.password.empty()) {
      Argv login{"AUTH"};
      if (!url.user.empty()) login.push_back(url.user);
      login.push_back(url.password);
      require(wire, login, [] {});
    }
    switch (wire.purpose()) {
      case Purpose::commands:
        if (url.database != 0) require(wire, {"SELECT", std::to_string(url.database)}, [] {});
        require(wire, {"PING"}, [this] { channel_names.empty() ? ready() : channels.dial(url.address); });
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
  void require(Wire& wire, const Argv& argv, Done done) {
    wire.ask(argv, [this, what = argv.front(), done](Reply reply) {
      if (reply.ok()) {
        done();
      } else if (reply.kind() == Reply::Kind::error) {
        lose(what + " refused: " + std::string(reply.text()));
      }
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

  void on_wire_lost(std::string why) noexcept override { lose(std::move(why)); }

  void watch() {
    const peer::Time now = loop.now();
    const bool we_were_away = now - std::exchange(last_watch, now) >= silence_max / 2;
    for (Wire* wire : {&commands, &channels}) {
      if (we_were_away) wire->forgive(now);
      if (wire->silent(now)) return lose("no answer within " + std::to_string(silence_max.count() / 1000) + " s");
    }
  }

  void lose(std::string why) {
    if (state != State::connecting && state != State::up) return;
    state = State::waiting;
    watch_timer.stop();
    std::vector<Then> orphans;
    commands.close(orphans);
    channels.close(orphans);
    dial_timer.at(backoff.on_down(loop.now()));
    for (const Then& then : orphans) then(Reply(nullptr));
    watcher.on_redis_down(why);
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

Redis::Redis(Loop& loop, RedisUrl url, std::vector<std::string> channels, Watcher& watcher)
    : core_(std::make_unique<Core>(loop, std::move(url), std::move(channels), watcher)) {}

Redis::~Redis() { core_->close(); }

bool Redis::up() const { return core_->state == Core::State::up; }

void Redis::command(const std::vector<std::string>& argv, Then then) {
  assert(!argv.empty() && then);
  core_->command(argv, std::move(then));
}

}  // namespace io
