// The settings of a node: every one with its default, unit, range and reason.
//
// Read once, from the file and then the flags, checked as a whole, and a plain
// value from then on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "peer/ids.h"
#include "peer/result.h"
#include "peer/time.h"
#include "src/io/redis_place.h"

namespace node {

enum class LogLevel : std::uint8_t { debug, info, warn, error };
enum class LogFormat : std::uint8_t { logfmt, json };

struct Config {
  std::string name;              // node.name; default: the host's name up to its first dot
  std::string cluster = "main";  // node.cluster; [A-Za-z0-9._-], 1 to 64

  peer::Address listen_client{"127.0.0.1", 9501};
  peer::Address listen_peer{"127.0.0.1", 9601};
  peer::Address listen_http{"127.0.0.1", 9701};
  std::optional<peer::Address> peer_advertise;  // what peers dial; port 0: the one taken

  std::string redis_url;                       // empty: none
  std::vector<peer::Address> redis_sentinels;  // together with redis_master, in place of redis_url
  std::string redis_master;                    // what they call it

  std::string secret_file;  // empty: none
  std::string secret;       // what stands in it, without the trailing newline
  std::vector<peer::Member> peers;

  peer::Millis hold{2000};                                   // mesh.hold_ms
  std::size_t window_bytes = std::size_t{64} << 20U;         // mesh.window_bytes, a link
  std::size_t window_total_bytes = std::size_t{256} << 20U;  // mesh.window_total_bytes, all links together

  std::size_t line_bytes = 65536;   // limits.line_bytes, without the line's end; 1024 to 1 MiB
  std::size_t sessions = 0;         // limits.sessions; 0: no limit
  std::size_t sessions_per_ip = 0;  // limits.sessions_per_ip; 0: no limit
  std::uint32_t chats_per_s = 0;    // limits.chats_per_s a session; 0: no limit
  std::uint32_t chats_burst = 0;    // limits.chats_burst; 0: twice the rate

  std::uint32_t per_user = 1;                                   // sessions.per_user
  std::size_t queue_bytes = std::size_t{1} << 20U;              // sessions.queue_bytes
  std::string text_template = "{send}给您发了消息：{content}";  // sessions.text_template

  peer::Millis ack_timeout{30'000};  // delivery.ack_timeout_ms

  std::size_t mailbox_max = 1000;         // mailbox.max, chats of one user; 0: no mailboxes
  peer::Millis mailbox_ttl{604'800'000};  // mailbox.ttl_s, 7 days

  std::string http_token_file;            // http.token_file; empty: none, and only this host may ask
  std::vector<std::string> http_tokens;   // what stands in it
  std::vector<std::string> http_origins;  // http.origins, in lower case

  peer::Millis drain_timeout{10'000};  // drain.timeout_ms

  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::logfmt;

  std::string ready_file;  // flag only; empty: none

  bool operator==(const Config&) const = default;
};

// Where the settings say that Redis is; nothing: there is none.
std::optional<io::RedisPlace> redis_place(const Config& config);

// What main has to do after reading the command line.
struct CommandLine {
  enum class Action : std::uint8_t { serve, check_config, print, fail };
  Action action = Action::serve;
  std::string text;   // whole lines: of print and check_config for standard output, of fail for standard error
  int exit_code = 0;  // of all but serve
  Config config;      // of serve and check_config
};

// The default name of a node: that of its host up to the first dot, with '-'
// for what may not stand in a node's name.
std::string node_name_of_host(std::string_view host);

// Reads flags and file; never throws, never exits.
CommandLine read_command_line(int argc, const char* const* argv);

}  // namespace node
