// Each verb of the command line, done: what they all share.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "tools/common/connection.h"
#include "tools/common/result.h"
#include "tools/crosstalk/exit.h"
#include "tools/crosstalk/flags.h"

namespace crosstalk {

// Nothing: it is done.
using Ending = std::optional<Error>;

Ending run(const Invocation& invocation);

// In a terminal.
Ending run_login(const Invocation& invocation);
Ending run_tail(const Invocation& invocation);

// On the chat protocol.
Ending run_send(const Invocation& invocation);
Ending run_who(const Invocation& invocation);
Ending run_ping(const Invocation& invocation);

// Over HTTP.
Ending run_whereis(const Invocation& invocation);
Ending run_kick(const Invocation& invocation);
Ending run_drain(const Invocation& invocation);
Ending run_undrain(const Invocation& invocation);
Ending run_check(const Invocation& invocation);
Ending run_explain(const Invocation& invocation);

Ending run_completion(const Invocation& invocation);

// A line on standard output. Whether it was taken is known at the end.
void print_line(std::string_view line);

// The token of a user: the flag's, else that of --token-file, else none.
tool::Result<std::string, Error> user_token(const Invocation& invocation);

// From now, --timeout or else this.
tool::Clock::time_point deadline(const Invocation& invocation, std::chrono::milliseconds unless_told);

inline constexpr std::chrono::milliseconds answer_within{10'000};
// An outcome takes up to delivery.ack_timeout_ms, 30 s unless set otherwise.
inline constexpr std::chrono::milliseconds outcome_within{60'000};

}  // namespace crosstalk
