// The verbs that ask over HTTP: whereis, kick, drain, undrain, check, explain.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tools/common/http.h"
#include "tools/common/json.h"
#include "tools/common/printable.h"
#include "tools/common/token.h"
#include "tools/crosstalk/commands.h"
#include "tools/crosstalk/health.h"
#include "tools/crosstalk/render.h"
#include "tools/crosstalk/story.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

using std::chrono::milliseconds;
using tool::Result;

constexpr milliseconds look_again{200};

Error error_of(const tool::AskFailure& failure, const tool::Address& address) {
  const std::string where = shown(to_string(address)) + ": ";
  switch (failure.trouble) {
    case tool::Trouble::unreachable: return {Exit::unreachable, "unreachable", where + failure.why};
    case tool::Trouble::timeout: return {Exit::timeout, "timeout", where + failure.why};
    case tool::Trouble::nonsense: return {Exit::unreachable, "unreachable", where + failure.why};
    case tool::Trouble::unauthorised:
    case tool::Trouble::refused: break;
  }
  const Exit exit = failure.trouble == tool::Trouble::unauthorised ? Exit::unauthorised : Exit::failed;
  if (failure.code.empty()) return {exit, "http_" + std::to_string(failure.status), where + failure.why};
  std::string why = failure.why;
  if (why.starts_with(failure.code + ": ")) why.erase(0, failure.code.size() + 2);
  return {exit, failure.code, why};
}

// Asks one node, with the operator's token.
class Desk {
 public:
  static Result<Desk, Error> open(const Invocation& invocation) {
    auto token = tool::find_token(invocation.token_file);
    if (!token) return Error{Exit::usage, "usage", shown(token.why())};
    return Desk(invocation, std::move(*token));
  }

  Result<std::string, Error> ask(std::string_view method, std::string_view path) const {
    auto answer = tool::ask(target_, method, path, {}, within_);
    if (!answer) return error_of(answer.failure(), target_.address);
    return std::move(answer->body);
  }

 private:
  Desk(const Invocation& invocation, std::string token)
      : target_{invocation.http, std::move(token)}, within_(invocation.timeout.value_or(answer_within)) {}

  tool::Target target_;
  milliseconds within_;
};

Error no_such_answer() { return {Exit::failed, "bad_answer", "the answer is not what was asked for"}; }

// A call that this version of the server does not have.
Error unless_known(Error error, const char* what) {
  if (error.code == "not_found" || error.code == "bad_method" || error.code == "http_404")
    error.why = std::string("this server can't ") + what;
  return error;
}

void print_json(std::string_view body) {
  while (body.ends_with('\n')) body.remove_suffix(1);
  print_line(tool::ascii_json(body));
}

Result<std::string, Error> asked(const Invocation& invocation, std::string_view method, const std::string& path) {
  const auto desk = Desk::open(invocation);
  if (!desk) return desk.failure();
  return desk->ask(method, path);
}

// For a person who watches; nobody else wants it.
class Progress {
 public:
  void tell(std::size_t sessions) {
    if (!watched_ || sessions == told_) return;
    std::fprintf(stderr, "\r%zu %s left\x1b[K", sessions, sessions == 1 ? "session" : "sessions");
    told_ = sessions;
  }
  ~Progress() {
    if (told_ != none) std::fputs("\r\x1b[K", stderr);
  }

 private:
  static constexpr auto none = static_cast<std::size_t>(-1);
  bool watched_ = isatty(STDERR_FILENO) == 1;
  std::size_t told_ = none;
};

// Until nobody is left. Looks only: whoever takes the drain back meanwhile is right.
Ending wait_until_empty(const Invocation& invocation, const Desk& desk) {
  const auto until = invocation.timeout ? deadline(invocation, answer_within) : tool::Clock::time_point::max();
  Progress progress;
  while (true) {
    const auto body = desk.ask("GET", "/v1/cluster");
    if (!body) return body.failure();
    const std::optional<Draining> now = draining_of(*body);
    if (!now) return no_such_answer();
    if (!now->draining) return Error{Exit::failed, "undrained", "the drain was taken back"};
    progress.tell(now->sessions);
    if (now->sessions == 0) return std::nullopt;
    if (tool::Clock::now() >= until)
      return Error{Exit::timeout, "timeout", std::to_string(now->sessions) + " sessions are left; it goes on draining"};
    poll(nullptr, 0, static_cast<int>(look_again.count()));
  }
}

}  // namespace

Ending run_whereis(const Invocation& invocation) {
  const auto body = asked(invocation, "GET", "/v1/users/" + tool::escape_path(invocation.name));
  if (!body) return body.failure();
  const tool::Json json = tool::parse_json(*body);
  const cJSON* const sessions = tool::item_of(json.get(), "sessions");
  if (!cJSON_IsArray(sessions)) return no_such_answer();
  if (invocation.json) print_json(*body);
  if (cJSON_GetArraySize(sessions) == 0)
    return Error{Exit::failed, "no_such_user", shown(invocation.name) + " is not online", false, invocation.json};
  const cJSON* session = nullptr;
  cJSON_ArrayForEach(session, sessions) {
    if (invocation.json) break;
    const double since = tool::number_of(session, "since").value_or(0);
    std::string line = shown(tool::text_of(session, "node"));
    if (since > 0 && since < 1e15) line += " since " + local_time(static_cast<std::int64_t>(since));
    print_line(line);
  }
  return std::nullopt;
}

Ending run_kick(const Invocation& invocation) {
  const auto body = asked(invocation, "DELETE", "/v1/sessions/" + tool::escape_path(invocation.name));
  if (!body) return unless_known(body.failure(), "end sessions");
  const tool::Json json = tool::parse_json(*body);
  const std::optional<double> kicked = tool::number_of(json.get(), "kicked");
  if (!kicked) return no_such_answer();
  for (const std::string& silent : tool::texts_of(json.get(), "partial"))
    std::fprintf(stderr, "crosstalk: no answer from %s\n", shown(silent).c_str());
  if (invocation.json)
    print_json(*body);
  else
    print_line(std::to_string(static_cast<long long>(*kicked)) + (*kicked == 1 ? " session ended" : " sessions ended"));
  return std::nullopt;
}

Ending run_drain(const Invocation& invocation) {
  const auto desk = Desk::open(invocation);
  if (!desk) return desk.failure();
  const auto body = desk->ask("POST", "/v1/drain");
  if (!body) return unless_known(body.failure(), "be drained");
  if (!invocation.wait) {
    if (invocation.json) print_json(*body);
    return std::nullopt;
  }
  if (Ending ending = wait_until_empty(invocation, *desk)) return ending;
  if (invocation.json)
    print_line(R"({"draining":true,"sessions":0})");
  else
    print_line("drained");
  return std::nullopt;
}

Ending run_undrain(const Invocation& invocation) {
  const auto body = asked(invocation, "DELETE", "/v1/drain");
  if (!body) return unless_known(body.failure(), "be drained");
  if (invocation.json)
    print_json(*body);
  else
    print_line("takes users again");
  return std::nullopt;
}

Ending run_check(const Invocation& invocation) {
  const auto desk = Desk::open(invocation);
  if (!desk) return desk.failure();
  const auto ready = desk->ask("GET", "/readyz");
  if (!ready && ready.failure().exit != Exit::failed) return ready.failure();
  const auto cluster = desk->ask("GET", "/v1/cluster");
  if (!cluster) return cluster.failure();
  const std::optional<Health> health = health_of(ready ? "" : ready.failure().why, *cluster);
  if (!health) return no_such_answer();
  print_line(invocation.json ? tool::ascii_json(health_json(*health)) : health_for_people(*health));
  if (health->good()) return std::nullopt;
  if (!health->not_ready.empty()) return Error{Exit::failed, "not_ready", shown(health->not_ready), false, true};
  return Error{Exit::failed, "not_whole", "not every node has a link to every other", false, true};
}

Ending run_explain(const Invocation& invocation) {
  const auto body = asked(invocation, "GET", "/v1/chats/" + tool::escape_path(invocation.id));
  if (!body) return body.failure();
  const auto story = story_for_people(*body);
  if (!story) return no_such_answer();
  if (invocation.json)
    print_json(*body);
  else
    for (const std::string& line : *story) print_line(line);
  return std::nullopt;
}

}  // namespace crosstalk
