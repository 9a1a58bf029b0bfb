#include "src/node/settings.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "src/io/redis_place.h"
#include "src/node/secret.h"
#include "src/node/tokens.h"

namespace node {

namespace {

constexpr std::uint64_t kibi = 1024;
constexpr std::uint64_t mebi = 1024 * kibi;
constexpr std::uint64_t gibi = 1024 * mebi;

constexpr std::size_t found_bytes_max = 80;
constexpr std::size_t template_bytes_max = 1024;
// One search for the master asks them all, a second each at worst.
constexpr std::size_t sentinels_max = 16;
constexpr std::size_t origins_max = 64;

Wrong expected(std::string_view what, std::string_view found) {
  return "expected " + std::string(what) + ", found " + in_quotes(found);
}

Wrong set_node_name(std::string& into, std::string_view text) {
  if (!peer::valid_node_name(text)) return expected("1 to 64 of A-Z a-z 0-9 . _ -", text);
  into = text;
  return {};
}

Wrong set_address(peer::Address& into, std::string_view text) {
  peer::Result<peer::Address> address = peer::parse_address(text);
  if (!address) return address.why();
  into = std::move(*address);
  return {};
}

Wrong set_advertise(Config& config, std::string_view text) {
  peer::Address address;
  if (Wrong wrong = set_address(address, text); !wrong.empty()) return wrong;
  if (peer::is_wildcard(address)) return expected("an address that other nodes can dial", text);
  config.peer_advertise = std::move(address);
  return {};
}

// A URL as it may be shown: without the name and password before its last @.
std::string without_password(std::string_view url) {
  const std::size_t at = url.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  const std::size_t scheme = url.find("://");
  return std::string(url.substr(0, scheme < at ? scheme + 3 : 0)) + "***" + std::string(url.substr(at));
}

Wrong set_redis(Config& config, std::string_view text) {
  if (text != "none")
    if (const auto url = io::parse_redis_url(text); !url)
      return expected("none or a Redis URL", without_password(text)) + ": " + url.why();
  config.redis_url = text == "none" ? "" : text;
  return {};
}

Wrong add_sentinel(Config& config, std::string_view text) {
  peer::Address address;
  if (Wrong wrong = set_address(address, text); !wrong.empty()) return wrong;
  if (address.port == 0 || peer::is_wildcard(address)) return expected("HOST:PORT that this node can dial", text);
  if (config.redis_sentinels.size() == sentinels_max) return expected("at most 16 of them", text);
  config.redis_sentinels.push_back(std::move(address));
  return {};
}

Wrong set_path(std::string& into, std::string_view text) {
  if (text.empty() || text.find('\0') != std::string_view::npos) return expected("the name of a file", text);
  into = text;
  return {};
}

// As browsers write it (RFC 6454 §6.2): no path, not even a slash.
Wrong add_origin(Config& config, std::string_view text) {
  std::string origin(text);
  for (char& c : origin)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const std::size_t scheme = origin.starts_with("http://") ? 7 : origin.starts_with("https://") ? 8 : 0;
  if (scheme == 0 || origin.size() == scheme ||
      origin.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-:[]", scheme) != std::string::npos)
    return expected("http:// or https:// and HOST or HOST:PORT", text);
  if (config.http_origins.size() == origins_max) return expected("at most 64 of them", text);
  config.http_origins.push_back(std::move(origin));
  return {};
}

Wrong add_peer(Config& config, std::string_view text) {
  peer::Result<peer::Member> member = peer::parse_member(text);
  if (!member && member.why().find(", found ") != std::string::npos) return member.why();
  if (!member) return member.why() + ", found " + in_quotes(text);
  if (peer::is_wildcard(member->address)) return expected("NAME@HOST:PORT that this node can dial", text);
  const auto same = [&](const peer::Member& other) { return other.name == member->name; };
  if (std::any_of(config.peers.begin(), config.peers.end(), same)) return expected("each NAME once", text);
  config.peers.push_back(std::move(*member));
  return {};
}

// Braces around anything but a small word are the template's own text.
Wrong set_template(Config& config, std::string_view text) {
  if (text.size() > template_bytes_max) return expected("at most 1024 bytes", text);
  if (text.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) return expected("one line", text);
  if (text.find("{content}") == std::string_view::npos) return expected("{content} in it", text);
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", open + 1);
    if (end == std::string_view::npos || end == open + 1 || text[end] != '}') continue;
    const std::string_view word = text.substr(open, end + 1 - open);
    if (word != "{send}" && word != "{recv}" && word != "{content}")
      return expected("no other words in braces than {send}, {recv} and {content}", word);
  }
  config.text_template = text;
  return {};
}

Wrong set_log_level(Config& config, std::string_view text) {
  constexpr std::array<std::pair<std::string_view, LogLevel>, 4> levels{
      {{"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warn", LogLevel::warn}, {"error", LogLevel::error}}};
  for (const auto& [word, level] : levels)
    if (word == text) return config.log_level = level, Wrong();
  return expected("debug, info, warn or error", text);
}

Wrong set_log_format(Config& config, std::string_view text) {
  if (text != "logfmt" && text != "json") return expected("logfmt or json", text);
  config.log_format = text == "json" ? LogFormat::json : LogFormat::logfmt;
  return {};
}

using Conf = Config&;
using Txt = std::string_view;
using Num = std::uint64_t;

constexpr std::array table{
    Setting{"node.name", "--node", "NAME", "its name, unlike all others' (the host's)",
            Text{[](Conf c, Txt t) { return set_node_name(c.name, t); }}},
    Setting{"node.cluster", "--cluster", "NAME", "the cluster it belongs to (main)",
            Text{[](Conf c, Txt t) { return set_node_name(c.cluster, t); }}},
    Setting{"listen.client", "--listen", "HOST:PORT", "where clients connect (127.0.0.1:9501)",
            Text{[](Conf c, Txt t) { return set_address(c.listen_client, t); }}},
    Setting{"listen.peer", "--peer-listen", "HOST:PORT", "where other nodes connect (127.0.0.1:9601)",
            Text{[](Conf c, Txt t) { return set_address(c.listen_peer, t); }}},
    Setting{"listen.peer_advertise", "--peer-advertise", "HOST:PORT", "what they dial (the address it listens on)",
            Text{set_advertise}},
    Setting{"listen.http", "--http-listen", "HOST:PORT", "where HTTP is answered (127.0.0.1:9701)",
            Text{[](Conf c, Txt t) { return set_address(c.listen_http, t); }}},
    Setting{"redis.url", "--redis", "URL|none", "the Redis where nodes find each other (none)", Text{set_redis}},
    Setting{"redis.sentinels", nullptr, "HOST:PORT", "", List{[](Conf c) { c.redis_sentinels.clear(); }, add_sentinel}},
    Setting{"redis.master", nullptr, "NAME", "", Text{[](Conf c, Txt t) { return set_node_name(c.redis_master, t); }}},
    Setting{"mesh.peers", "--peers", "NAME@HOST:PORT,...", "nodes to link with, where there is no Redis",
            List{[](Conf c) { c.peers.clear(); }, add_peer}},
    Setting{"mesh.secret_file", "--secret-file", "FILE",
            "what all nodes share; without one, peers\nlisten on loopback only",
            Text{[](Conf c, Txt t) { return set_path(c.secret_file, t); }}},
    Setting{"mesh.hold_ms", nullptr, "", "", Whole{100, 30'000, [](Conf c, Num n) { c.hold = peer::Millis(n); }}},
    Setting{"mesh.window_bytes", nullptr, "", "", Whole{64 * kibi, gibi, [](Conf c, Num n) { c.window_bytes = n; }}},
    Setting{"mesh.window_total_bytes", nullptr, "", "",
            Whole{64 * kibi, 64 * gibi, [](Conf c, Num n) { c.window_total_bytes = n; }}},
    Setting{"limits.line_bytes", nullptr, "", "", Whole{kibi, mebi, [](Conf c, Num n) { c.line_bytes = n; }}},
    Setting{"limits.sessions", nullptr, "", "", Whole{0, 1'000'000, [](Conf c, Num n) { c.sessions = n; }}},
    Setting{"limits.sessions_per_ip", nullptr, "", "",
            Whole{0, 1'000'000, [](Conf c, Num n) { c.sessions_per_ip = n; }}},
    Setting{"limits.chats_per_s", nullptr, "", "",
            Whole{0, 1'000'000, [](Conf c, Num n) { c.chats_per_s = static_cast<std::uint32_t>(n); }}},
    Setting{"limits.chats_burst", nullptr, "", "",
            Whole{0, 1'000'000, [](Conf c, Num n) { c.chats_burst = static_cast<std::uint32_t>(n); }}},
    Setting{"sessions.per_user", nullptr, "", "",
            Whole{1, 1, [](Conf c, Num n) { c.per_user = static_cast<std::uint32_t>(n); }}},
    Setting{"sessions.queue_bytes", nullptr, "", "", Whole{4 * kibi, gibi, [](Conf c, Num n) { c.queue_bytes = n; }}},
    Setting{"sessions.text_template", nullptr, "TEXT", "", Text{set_template}},
    Setting{"delivery.ack_timeout_ms", nullptr, "", "",
            Whole{100, 3'600'000, [](Conf c, Num n) { c.ack_timeout = peer::Millis(n); }}},
    Setting{"mailbox.max", nullptr, "", "", Whole{0, 100'000, [](Conf c, Num n) { c.mailbox_max = n; }}},
    Setting{"mailbox.ttl_s", nullptr, "", "",
            Whole{1, 315'360'000, [](Conf c, Num n) { c.mailbox_ttl = std::chrono::seconds(n); }}},
    Setting{"http.token_file", nullptr, "FILE", "", Text{[](Conf c, Txt t) { return set_path(c.http_token_file, t); }}},
    Setting{"http.origins", nullptr, "ORIGIN", "", List{[](Conf c) { c.http_origins.clear(); }, add_origin}},
    Setting{"drain.timeout_ms", nullptr, "", "",
            Whole{0, 600'000, [](Conf c, Num n) { c.drain_timeout = peer::Millis(n); }}},
    Setting{"log.level", "--log-level", "LEVEL", "debug, info, warn or error (info)", Text{set_log_level}},
    Setting{"log.format", nullptr, "logfmt or json", "", Text{set_log_format}},
};

// Levenshtein's distance.
std::size_t slips(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// Two settings that must not cross: blames the one that was written.
struct Pair {
  const char* small;
  std::uint64_t small_value;
  std::uint64_t times;
  const char* large;
  std::uint64_t large_value;
};

Wrong check_pair(const Pair& pair, const Places& places) {
  if (pair.large_value >= pair.small_value * pair.times) return {};
  const std::string twice = pair.times == 1 ? "" : "twice ";
  if (places.has(pair.large))
    return places.of(pair.large) + ": expected at least " + std::to_string(pair.small_value * pair.times) + ", " +
           twice + pair.small + ", found " + std::to_string(pair.large_value);
  return places.of(pair.small) + ": expected at most " + std::to_string(pair.large_value / pair.times) + ", since " +
         pair.large + " is " + std::to_string(pair.large_value) + ", found " + std::to_string(pair.small_value);
}

// A line must fit where it waits, with what the server adds to it.
Wrong check_bounds(const Config& config, const Places& places) {
  const std::uint64_t line = config.line_bytes;
  const std::uint64_t window = config.window_bytes;
  for (const Pair& pair : {Pair{"limits.line_bytes", line, 2, "mesh.window_bytes", window},
                           Pair{"mesh.window_bytes", window, 1, "mesh.window_total_bytes", config.window_total_bytes},
                           Pair{"limits.line_bytes", line, 2, "sessions.queue_bytes", config.queue_bytes}})
    if (Wrong wrong = check_pair(pair, places); !wrong.empty()) return wrong;
  return {};
}

Wrong check_peer_address(const Config& config, const Places& places) {
  const std::string address = in_quotes(to_string(config.listen_peer));
  if (peer::is_wildcard(config.listen_peer) && !config.peer_advertise)
    return places.of("listen.peer") +
           ": expected an address to advertise beside it (listen.peer_advertise or "
           "--peer-advertise), since no node can dial " +
           address;
  if (!peer::is_loopback(config.listen_peer) && config.secret_file.empty())
    return places.of("listen.peer") + ": expected a secret file (mesh.secret_file or --secret-file) with " + address +
           ". Without one, peers listen on loopback only";
  return {};
}

// Redis is at an address or where Sentinels say; "--redis none" takes back
// whatever the file says.
Wrong check_redis(Config& config, const Places& places) {
  if (config.redis_url.empty() && places.by_flag("redis.url")) {
    config.redis_sentinels.clear();
    config.redis_master.clear();
  }
  const bool sentinels = !config.redis_sentinels.empty();
  const bool master = !config.redis_master.empty();
  if (sentinels && !master)
    return places.of("redis.sentinels") + ": expected redis.master beside it, what they call the Redis";
  if (master && !sentinels) return places.of("redis.master") + ": expected redis.sentinels beside it, who know it";
  if (sentinels && !config.redis_url.empty())
    return places.of("redis.url") + ": expected none beside redis.sentinels, which say where Redis is";
  return {};
}

}  // namespace

std::span<const Setting> settings() { return table; }

std::vector<peer::Setting> shared_settings(const Config& config) {
  const auto text = [](std::uint64_t number) { return std::to_string(number); };
  const auto millis = [](peer::Millis span) { return std::to_string(span.count()); };
  return {{"delivery.ack_timeout_ms", millis(config.ack_timeout)},
          {"limits.chats_burst", text(config.chats_burst)},
          {"limits.chats_per_s", text(config.chats_per_s)},
          {"limits.line_bytes", text(config.line_bytes)},
          {"mailbox.max", text(config.mailbox_max)},
          {"mailbox.ttl_s", text(static_cast<std::uint64_t>(config.mailbox_ttl.count()) / 1000)},
          {"mesh.hold_ms", millis(config.hold)},
          {"sessions.per_user", text(config.per_user)},
          {"sessions.queue_bytes", text(config.queue_bytes)}};
}

Wrong check(Config& config, const Places& places) {
  if (Wrong wrong = check_bounds(config, places); !wrong.empty()) return wrong;
  if (Wrong wrong = check_peer_address(config, places); !wrong.empty()) return wrong;
  if (Wrong wrong = check_redis(config, places); !wrong.empty()) return wrong;
  if (!config.http_token_file.empty()) {
    peer::Result<std::vector<std::string>> tokens = read_tokens(config.http_token_file);
    if (!tokens) return places.of("http.token_file") + ": " + tokens.why();
    config.http_tokens = std::move(*tokens);
  }
  if (config.secret_file.empty()) return {};
  peer::Result<std::string> secret = read_secret(config.secret_file);
  if (!secret) return places.of("mesh.secret_file") + ": " + secret.why();
  config.secret = std::move(*secret);
  return {};
}

std::string in_quotes(std::string_view found) {
  std::size_t end = std::min(found.size(), found_bytes_max);
  while (end > 0 && end < found.size() && (static_cast<unsigned char>(found[end]) & 0xc0U) == 0x80U) --end;
  return "\"" + std::string(found.substr(0, end)) + (end < found.size() ? "…\"" : "\"");
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_slips = std::min<std::size_t>(word.size() / 3, 6) + 1;
  if (word.size() > found_bytes_max) return best;
  for (const std::string_view candidate : candidates) {
    const std::size_t n = slips(word, candidate);
    if (n < best_slips) best = candidate, best_slips = n;
  }
  return best;
}

}  // namespace node
