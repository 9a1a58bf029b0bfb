// What of settings that are read anew a running node takes over.
#include "src/node/reload.h"

#include <algorithm>
#include <string>
#include <vector>

#include "src/node/settings.h"
#include "tests/unit/suite.h"

namespace {

using node::Config;
using Strings = std::vector<std::string>;

}  // namespace

START_TEST(every_key_is_looked_at) {
  Strings keys = node::reload_keys();
  Strings all;
  for (const node::Setting& setting : node::settings()) all.emplace_back(setting.key);
  std::sort(keys.begin(), keys.end());
  std::sort(all.begin(), all.end());
  ck_assert(keys == all);
}
END_TEST

START_TEST(nothing_has_changed) {
  Config config;
  config.secret = "0123456789abcdef";
  const node::Reload reload = node::reload(config, config);
  ck_assert(reload.config == config && reload.taken.empty() && reload.waiting.empty());
}
END_TEST

START_TEST(some_of_it_is_taken) {
  Config running;
  running.name = "n1";
  running.http_token_file = "tokens";
  running.http_tokens = {"old"};
  Config read = running;
  read.name = "n2";
  read.sessions = 500;
  read.http_tokens = {"new"};  // in the same file
  read.secret = "another one, in the same file";
  read.log_level = node::LogLevel::debug;
  const node::Reload reload = node::reload(running, read);
  ck_assert((reload.taken == Strings{"limits.sessions", "http.token_file", "log.level"}));
  ck_assert((reload.waiting == Strings{"node.name", "mesh.secret_file"}));
  Config wanted = running;
  wanted.sessions = 500;
  wanted.http_tokens = {"new"};
  wanted.log_level = node::LogLevel::debug;
  ck_assert(reload.config == wanted);
  // Read once more, only what waits still differs.
  const node::Reload again = node::reload(reload.config, read);
  ck_assert(again.taken.empty() && again.waiting == reload.waiting);
}
END_TEST

SUITE(every_key_is_looked_at, nothing_has_changed, some_of_it_is_taken)
