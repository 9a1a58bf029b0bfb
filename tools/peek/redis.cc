#include "tools/peek/redis.h"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "tools/common/json.h"
#include "tools/common/printable.h"

namespace peek {

namespace {

constexpr std::size_t lease_bytes_max = 4096;

struct Free {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, Free>;
using Reply = std::unique_ptr<redisReply, Free>;

std::optional<std::string> percent_decode(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
    plain += static_cast<char>(value);
    i += 2;
  }
  return plain;
}

bool take_database(std::string_view& text, RedisUrl& url) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return true;
  const std::string_view digits = text.substr(slash + 1);
  text = text.substr(0, slash);
  if (digits.empty()) return true;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.database);
  return error == std::errc() && end == digits.data() + digits.size() && url.database >= 0;
}

bool take_credentials(std::string_view& text, RedisUrl& url) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return true;
  const std::string_view credentials = text.substr(0, at);
  text.remove_prefix(at + 1);
  const std::size_t colon = credentials.find(':');
  if (colon == std::string_view::npos || colon + 1 == credentials.size()) return false;
  const auto user = percent_decode(credentials.substr(0, colon));
  const auto password = percent_decode(credentials.substr(colon + 1));
  if (!user || !password) return false;
  url.user = *user;
  url.password = *password;
  return true;
}

bool names_port(std::string_view host) {
  return host.starts_with('[') ? host.find("]:") != std::string_view::npos : host.find(':') != std::string_view::npos;
}

std::string_view text_of(const redisReply* reply) {
  return reply->type == REDIS_REPLY_STRING ? std::string_view(reply->str, static_cast<std::size_t>(reply->len)) : "";
}

// One conversation with a Redis; its failures are sentences.
class Talk {
 public:
  Talk(const RedisUrl& url, std::chrono::milliseconds timeout) : place_(to_string(url.address)) {
    const timeval limit{static_cast<time_t>(timeout.count() / 1000),
                        static_cast<suseconds_t>(timeout.count() % 1000 * 1000)};
    context_.reset(redisConnectWithTimeout(url.address.host.c_str(), url.address.port, limit));
    if (context_ && context_->err == 0) redisSetTimeout(context_.get(), limit);
  }

  // Null with a reason in why().
  Reply ask(const std::vector<std::string>& words) {
    if (!context_ || context_->err != 0) return fail(context_ ? context_->errstr : "no memory");
    std::vector<const char*> parts;
    std::vector<std::size_t> sizes;
    for (const std::string& word : words) {
      parts.push_back(word.data());
      sizes.push_back(word.size());
    }
    Reply reply(static_cast<redisReply*>(
        redisCommandArgv(context_.get(), static_cast<int>(parts.size()), parts.data(), sizes.data())));
    if (!reply) return fail(context_->errstr);
    if (reply->type == REDIS_REPLY_ERROR) return fail({reply->str, static_cast<std::size_t>(reply->len)});
    return reply;
  }
  tool::Failure failure() const { return {"Redis at " + place_ + ": " + why_}; }

 private:
  Reply fail(std::string_view why) {
    why_ = tool::printable(why.substr(0, 200));
    return nullptr;
  }

  std::string place_;
  std::string why_;
  Context context_;
};

bool enter(Talk& talk, const RedisUrl& url) {
  if (!url.password.empty()) {
    std::vector<std::string> words = {"AUTH"};
    if (!url.user.empty()) words.push_back(url.user);
    words.push_back(url.password);
    if (!talk.ask(words)) return false;
  }
  return url.database == 0 || talk.ask({"SELECT", std::to_string(url.database)}) != nullptr;
}

std::vector<Member> members_of(const redisReply& reply) {
  std::vector<Member> members;
  for (std::size_t n = 0; reply.type == REDIS_REPLY_ARRAY && n < reply.elements; ++n) {
    const std::string_view text = text_of(reply.element[n]);
    const std::size_t at = text.find('@');
    if (at == std::string_view::npos || at == 0 || text.size() > 512) continue;
    members.push_back({std::string(text.substr(0, at)), std::string(text.substr(at + 1))});
  }
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return before(a.name, b.name); });
  const auto same = [](const Member& a, const Member& b) { return a.name == b.name; };
  members.erase(std::unique(members.begin(), members.end(), same), members.end());
  if (members.size() > nodes_max) members.resize(nodes_max);
  return members;
}

std::vector<Door> doors_of(const redisReply& reply, const std::vector<Member>& members) {
  std::vector<Door> doors;
  if (reply.type != REDIS_REPLY_ARRAY) return doors;
  for (std::size_t n = 0; n < std::min(reply.elements, members.size()); ++n) {
    const tool::Json lease = tool::parse_json(text_of(reply.element[n]).substr(0, lease_bytes_max));
    if (const auto http = tool::parse_address(tool::text_of(lease.get(), "http")))
      doors.push_back({members[n].name, *http});
  }
  return doors;
}

}  // namespace

tool::Result<RedisUrl> parse_redis_url(std::string_view text) {
  constexpr std::string_view scheme = "redis://";
  const tool::Failure failure{"expected redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"};
  if (!text.starts_with(scheme) || text.find_first_of("?#") != std::string_view::npos) return failure;
  text.remove_prefix(scheme.size());
  RedisUrl url;
  if (!take_database(text, url) || !take_credentials(text, url)) return failure;
  const auto address = tool::parse_address(names_port(text) ? std::string(text) : std::string(text) + ":6379");
  if (!address) return failure;
  url.address = *address;
  return url;
}

tool::Result<NodeSet> read_set(const RedisUrl& url, const std::string& cluster, std::chrono::milliseconds timeout) {
  const std::string prefix = "crosstalk:{" + cluster + "}:";
  Talk talk(url, timeout);
  if (!enter(talk, url)) return talk.failure();
  const Reply members = talk.ask({"SMEMBERS", prefix + "nodes"});
  if (!members) return talk.failure();
  NodeSet set;
  set.members = members_of(*members);
  if (set.members.empty()) return set;
  std::vector<std::string> words = {"MGET"};
  for (const Member& member : set.members) words.push_back(prefix + "lease:" + member.name);
  const Reply leases = talk.ask(words);
  if (!leases) return talk.failure();
  set.doors = doors_of(*leases, set.members);
  return set;
}

}  // namespace peek
