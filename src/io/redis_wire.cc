#include "src/io/redis_wire.h"

#include <hiredis/hiredis.h>

#include <cassert>
#include <utility>

namespace io {

namespace {

// One answer at most, whole or half arrived; no key of ours grows near it.
constexpr std::size_t answer_bytes_max = std::size_t{64} << 20U;

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

void append_command(peer::Buffer& out, const RedisWire::Argv& argv) {
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

}  // namespace

void RedisWire::FreeReader::operator()(redisReader* reader) const { redisReaderFree(reader); }

RedisWire::RedisWire(Loop& loop, Purpose purpose, Watcher& watcher)
    : loop_(loop), purpose_(purpose), watcher_(watcher) {}

RedisWire::~RedisWire() = default;

void RedisWire::dial(const peer::Address& address) {
  reader_.reset(redisReaderCreate());
  stream_ = Stream::dial(loop_, address, Redis::silence_max, *this);
}

void RedisWire::close(std::vector<Redis::Then>& orphans) {
  stream_.reset();
  reader_.reset();
  out_.release();
  for (; !asked_.empty(); asked_.pop_front()) orphans.push_back(std::move(asked_.front()));
  asked_.clear();
  open_ = false;
}

void RedisWire::ask(const Argv& argv, Redis::Then then) {
  if (asked_.empty()) quiet_since_ = loop_.now();
  append_command(out_, argv);
  asked_.push_back(std::move(then));
  stream_->want_write();
}

bool RedisWire::silent(peer::Time now) {
  if (!open_) return false;  // the dial has a time limit of its own
  if (!asked_.empty()) return now - quiet_since_ >= Redis::silence_max;
  if (now - quiet_since_ >= Redis::ping_every) ask({"PING"}, [](Reply) {});
  return false;
}

void RedisWire::on_open() noexcept {
  open_ = true;
  watcher_.on_wire_open(*this);
}

void RedisWire::on_bytes(std::string_view bytes) noexcept {
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

void RedisWire::on_closed(std::string_view why) noexcept {
  watcher_.on_wire_lost(why.empty() ? "closed by the server" : std::string(why));
}

void RedisWire::fill(peer::Buffer& out) noexcept {
  out.append(out_.view());
  out_.clear();
}

void RedisWire::answered(const Reply& reply) {
  if (purpose_ == Purpose::channels && reply.size() == 3 && reply[0].text() == "message")
    return watcher_.on_wire_message(reply[1].text(), reply[2].text());
  if (asked_.empty()) return watcher_.on_wire_lost("an answer that nobody asked for");
  const Redis::Then then = std::move(asked_.front());
  asked_.pop_front();
  then(reply);
  if (reply.kind() == Reply::Kind::error) watcher_.on_wire_error(reply.text());
}

}  // namespace io
