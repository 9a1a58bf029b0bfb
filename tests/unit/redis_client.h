// An io::Redis under test, and what it was told.
#pragma once

#include <check.h>

#include <optional>
#include <string>
#include <vector>

#include "src/io/redis.h"
#include "tests/unit/running.h"

struct RedisWatch final : io::Redis::Watcher {
  void on_redis_up() noexcept override { ++ups; }
  void on_redis_down(std::string_view why) noexcept override { downs.emplace_back(why); }
  void on_redis_message(std::string_view channel, std::string_view payload) noexcept override {
    messages.push_back(std::string(channel) + "=" + std::string(payload));
  }
  int ups = 0;
  std::vector<std::string> downs;
  std::vector<std::string> messages;
};

inline io::RedisUrl url_of(const std::string& text) {
  auto url = io::parse_redis_url(text);
  ck_assert_msg(static_cast<bool>(url), "%s: %s", text.c_str(), url ? "" : url.why().c_str());
  return *url;
}

// A client and its watcher.
struct RedisClient {
  RedisClient(Running& running, const std::string& url, std::vector<std::string> channels = {})
      : RedisClient(running, url_of(url), std::move(channels)) {}
  RedisClient(Running& running, io::RedisPlace place, std::vector<std::string> channels)
      : run(running), redis(running.loop, std::move(place), std::move(channels), watch) {}

  void until_up(int times = 1) {
    run.until("redis is up", [this, times] { return redis.up() && watch.ups >= times; });
  }
  void until_down(std::size_t times = 1) {
    run.until("redis is down", [this, times] { return watch.downs.size() >= times; });
  }
  // What a command is answered with, written down.
  std::string ask(const std::vector<std::string>& argv) {
    std::optional<std::string> answer;
    redis.command(argv, [&answer](io::Reply reply) { answer = describe(reply); });
    ck_assert_msg(!answer, "answered from inside");
    run.until("an answer", [&answer] { return answer.has_value(); });
    return *answer;
  }

  static std::string describe(io::Reply reply) {
    switch (reply.kind()) {
      case io::Reply::Kind::none: return "none";
      case io::Reply::Kind::nil: return "nil";
      case io::Reply::Kind::error: return "error " + std::string(reply.text().substr(0, reply.text().find(' ')));
      case io::Reply::Kind::text: return "text " + std::string(reply.text());
      case io::Reply::Kind::integer: return "integer " + std::to_string(reply.integer());
      case io::Reply::Kind::list: break;
    }
    std::string list = "[";
    for (std::size_t i = 0; i < reply.size(); ++i) list += (i ? ", " : "") + describe(reply[i]);
    return list + "]";
  }

  Running& run;
  RedisWatch watch;
  io::Redis redis;
};
