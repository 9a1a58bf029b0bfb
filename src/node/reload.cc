#include "src/node/reload.h"

#include <algorithm>

namespace node {

namespace {

struct Part {
  const char* key;
  bool (*same)(const Config&, const Config&);
  void (*take)(Config&, const Config&);  // null: only a restart does
};

template <auto... Member>
bool same(const Config& a, const Config& b) {
  return ((a.*Member == b.*Member) && ...);
}
template <auto... Member>
void take(Config& into, const Config& from) {
  ((into.*Member = from.*Member), ...);
}
template <auto... Member>
constexpr Part live(const char* key) {
  return {key, same<Member...>, take<Member...>};
}
template <auto... Member>
constexpr Part fixed(const char* key) {
  return {key, same<Member...>, nullptr};
}

// A file's content belongs to its name.
constexpr Part parts[] = {
    fixed<&Config::name>("node.name"),
    fixed<&Config::cluster>("node.cluster"),
    fixed<&Config::listen_client>("listen.client"),
    fixed<&Config::listen_peer>("listen.peer"),
    fixed<&Config::peer_advertise>("listen.peer_advertise"),
    fixed<&Config::listen_http>("listen.http"),
    fixed<&Config::redis_url>("redis.url"),
    fixed<&Config::redis_sentinels>("redis.sentinels"),
    fixed<&Config::redis_master>("redis.master"),
    fixed<&Config::peers>("mesh.peers"),
    fixed<&Config::secret_file, &Config::secret>("mesh.secret_file"),
    fixed<&Config::hold>("mesh.hold_ms"),
    fixed<&Config::window_bytes>("mesh.window_bytes"),
    fixed<&Config::window_total_bytes>("mesh.window_total_bytes"),
    fixed<&Config::line_bytes>("limits.line_bytes"),
    live<&Config::sessions>("limits.sessions"),
    live<&Config::sessions_per_ip>("limits.sessions_per_ip"),
    live<&Config::chats_per_s>("limits.chats_per_s"),
    live<&Config::chats_burst>("limits.chats_burst"),
    fixed<&Config::per_user>("sessions.per_user"),
    fixed<&Config::queue_bytes>("sessions.queue_bytes"),
    live<&Config::text_template>("sessions.text_template"),
    live<&Config::ack_timeout>("delivery.ack_timeout_ms"),
    fixed<&Config::mailbox_max>("mailbox.max"),
    fixed<&Config::mailbox_ttl>("mailbox.ttl_s"),
    live<&Config::http_token_file, &Config::http_tokens>("http.token_file"),
    live<&Config::http_origins>("http.origins"),
    live<&Config::drain_timeout>("drain.timeout_ms"),
    live<&Config::log_level>("log.level"),
    fixed<&Config::log_format>("log.format"),
};

}  // namespace

Reload reload(const Config& running, const Config& read) {
  Reload reload{running, {}, {}};
  for (const Part& part : parts) {
    if (part.same(running, read)) continue;
    (part.take == nullptr ? reload.waiting : reload.taken).emplace_back(part.key);
    if (part.take != nullptr) part.take(reload.config, read);
  }
  return reload;
}

std::vector<std::string> reload_keys() {
  std::vector<std::string> keys;
  for (const Part& part : parts) keys.emplace_back(part.key);
  return keys;
}

}  // namespace node
