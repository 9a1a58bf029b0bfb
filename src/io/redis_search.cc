#include "src/io/redis_search.h"

#include <utility>

namespace io {

namespace {

// HOST and PORT, an IPv6 address without brackets.
peer::Result<peer::Address> parse_answer(const Reply& reply) {
  const std::string host(reply[0].text());
  const std::string port(reply[1].text());
  const bool brackets = host.find(':') != std::string::npos;
  auto address = peer::parse_address((brackets ? "[" + host + "]:" : host + ":") + port);
  if (!address || address->port == 0) return peer::Failure{"it names no address"};
  return address;
}

}  // namespace

RedisSearch::RedisSearch(Loop& loop, RedisSentinels sentinels, Done done)
    : loop_(loop), sentinels_(std::move(sentinels)), done_(std::move(done)) {}

void RedisSearch::start() {
  if (std::exchange(searching_, true)) return;
  tried_ = 0;
  ask();
}

void RedisSearch::stop() {
  searching_ = false;
  hang_up();
}

void RedisSearch::hang_up() {
  std::vector<Redis::Then> ours;
  wire_.close(ours);
  timer_.stop();
}

void RedisSearch::ask() {
  why_ = "no answer within " + std::to_string(Redis::silence_max.count() / 1000) + " s";
  timer_.at(loop_.now() + Redis::silence_max);
  wire_.dial(asked());
}

void RedisSearch::on_wire_open(RedisWire& wire) noexcept {
  wire.ask({"SENTINEL", "get-master-addr-by-name", sentinels_.master}, [this](Reply reply) { answered(reply); });
}

void RedisSearch::answered(const Reply& reply) {
  switch (reply.kind()) {
    case Reply::Kind::nil: return pass_on("it knows no master " + sentinels_.master);
    case Reply::Kind::list: break;
    case Reply::Kind::error: return pass_on(std::string(reply.text()));
    case Reply::Kind::none:
    case Reply::Kind::text:
    case Reply::Kind::integer: return pass_on("it is no Sentinel");
  }
  auto address = parse_answer(reply);
  if (!address) return pass_on(address.why());
  finish(std::move(address));
}

// Not from inside the wire's own call.
void RedisSearch::pass_on(std::string why) {
  hang_up();
  why_ = std::move(why);
  timer_.at(loop_.now());
}

void RedisSearch::next() {
  hang_up();
  const std::string last = to_string(asked()) + ": " + why_;
  const std::size_t all = sentinels_.addresses.size();
  ++first_;
  if (++tried_ < all) return ask();
  finish(peer::Failure{(all == 1 ? "Sentinel " : "none of " + std::to_string(all) + " Sentinels helps, the last: ") +
                       last});
}

void RedisSearch::finish(peer::Result<peer::Address> result) {
  stop();
  done_(std::move(result));
}

}  // namespace io
