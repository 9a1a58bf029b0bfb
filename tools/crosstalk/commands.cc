#include "tools/crosstalk/commands.h"

#include <cstdio>
#include <vector>

#include "tools/common/completion.h"
#include "tools/common/token.h"
#include "tools/crosstalk/text.h"

namespace crosstalk {

Ending run(const Invocation& invocation) {
  switch (invocation.verb) {
    case Verb::login: return run_login(invocation);
    case Verb::send: return run_send(invocation);
    case Verb::tail: return run_tail(invocation);
    case Verb::who: return run_who(invocation);
    case Verb::ping: return run_ping(invocation);
    case Verb::whereis: return run_whereis(invocation);
    case Verb::kick: return run_kick(invocation);
    case Verb::drain: return run_drain(invocation);
    case Verb::undrain: return run_undrain(invocation);
    case Verb::check: return run_check(invocation);
    case Verb::explain: return run_explain(invocation);
    case Verb::completion: return run_completion(invocation);
  }
  return std::nullopt;
}

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

tool::Result<std::string, Error> user_token(const Invocation& invocation) {
  if (!invocation.token.empty() || invocation.token_file.empty()) return invocation.token;
  auto token = tool::find_token(invocation.token_file);
  if (!token) return Error{Exit::usage, "usage", "--token-file: " + shown(token.why())};
  return std::move(*token);
}

tool::Clock::time_point deadline(const Invocation& invocation, std::chrono::milliseconds unless_told) {
  return tool::Clock::now() + invocation.timeout.value_or(unless_told);
}

Ending run_completion(const Invocation& invocation) {
  std::fputs(tool::completion(grammar(), invocation.shell).c_str(), stdout);
  return std::nullopt;
}

}  // namespace crosstalk
