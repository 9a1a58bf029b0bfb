// The verbs that stay: login, in a terminal or with lines on standard input, and
// tail.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "tools/crosstalk/commands.h"
#include "tools/crosstalk/conversation.h"
#include "tools/crosstalk/identity.h"
#include "tools/crosstalk/lines.h"
#include "tools/crosstalk/talk.h"
#include "tools/crosstalk/terminal.h"
#include "tools/crosstalk/wire.h"

namespace crosstalk {

namespace {

constexpr Talk::Form form_of(bool json, Talk::Form for_people) { return json ? Talk::Form::json : for_people; }

tool::Result<Talk::Settings, Error> settings_of(const Invocation& invocation, Talk::Form form) {
  const auto token = user_token(invocation);
  if (!token) return token.failure();
  Talk::Settings settings;
  settings.name = invocation.name;
  settings.token = *token;
  settings.servers = invocation.servers;
  settings.form = form;
  settings.patience = invocation.timeout.value_or(outcome_within);
  settings.id_prefix = fresh_id();
  settings.seed = chance();
  return settings;
}

Ending ending_of(const Talk& talk) {
  if (talk.ending().exit == Exit::done) return std::nullopt;
  return talk.ending();
}

// Lines to standard output, notes of the connection to standard error. What is
// printed is confirmed.
class Printer {
 public:
  explicit Printer(Talk& talk) : talk_(talk) {}

  // False where standard output takes no more.
  bool print() {
    const std::vector<Told> told = talk_.take_told();
    for (const Told& one : told) {
      switch (one.kind) {
        case Told::Kind::arrived: print_line(one.text); break;
        case Told::Kind::settled:
        case Told::Kind::outcome: print_line("-- " + one.text); break;
        case Told::Kind::note: std::fprintf(stderr, "crosstalk: %s\n", one.text.c_str()); break;
      }
    }
    if (std::fflush(stdout) != 0) return false;
    talk_.was_shown();
    return true;
  }

 private:
  Talk& talk_;
};

const Error no_output{Exit::failed, "output", "standard output takes nothing"};

// Without a terminal: lines in, lines out. `input` is -1 where there is none.
Ending run_lines(Talk& talk, Wire& wire, Conversation* conversation, int input) {
  Printer printer(talk);
  Lines lines;
  bool readable = false;
  while (true) {
    wire.turn(readable);
    if (!printer.print()) return no_output;
    wire.turn(false);
    if (talk.over()) break;
    // Who types faster than there are outcomes is not read meanwhile.
    std::array<pollfd, 2> waiting{{{wire.socket(), POLLIN, 0}, {talk.full() ? -1 : input, POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), wire.wait_ms()) < 0 && errno != EINTR) return no_output;
    readable = waiting[0].revents != 0;
    if (waiting[1].revents == 0) continue;
    std::array<char, 4096> piece;
    const ssize_t size = read(input, piece.data(), piece.size());
    if (size > 0) lines.add({piece.data(), static_cast<std::size_t>(size)});
    const auto heed = [&](std::string_view line) {
      for (const std::string& answer : conversation->typed(line, now())) print_line("-- " + answer);
    };
    while (const std::optional<std::string> line = lines.next()) heed(*line);
    if (size > 0) continue;
    heed(lines.rest());
    input = -1;
    talk.leave(now());
  }
  return ending_of(talk);
}

Ending run_terminal(Talk& talk, Wire& wire, Conversation& conversation) {
  Terminal* screen = nullptr;
  Terminal terminal([&] { return conversation.prompt(); },
                    [&](bool readable) -> Terminal::Watch {
                      wire.turn(readable);
                      for (const Told& one : talk.take_told()) {
                        // The prompt says it.
                        if (one.kind == Told::Kind::settled) continue;
                        screen->print(one.kind == Told::Kind::arrived ? one.text : "-- " + one.text);
                      }
                      talk.was_shown();
                      wire.turn(false);
                      return {wire.socket(), wire.wait_ms(), talk.over()};
                    });
  screen = &terminal;
  while (const std::optional<std::string> line = terminal.read_line()) {
    for (const std::string& answer : conversation.typed(*line, now())) terminal.print("-- " + answer);
    if (talk.leaving()) break;
  }
  if (!talk.leaving()) talk.leave(now());
  if (talk.without_outcome() > 0) terminal.print("-- waiting for what is on the way; ^C to leave at once");
  while (!talk.over() && terminal.wait()) continue;
  if (!talk.over()) talk.leave(now());
  return ending_of(talk);
}

}  // namespace

Ending run_login(const Invocation& invocation) {
  auto settings = settings_of(invocation, form_of(invocation.json, Talk::Form::people));
  if (!settings) return settings.failure();
  Talk talk(*settings, now());
  Wire wire(talk);
  Conversation conversation(talk, invocation.name);
  if (!invocation.json && Terminal::there()) return run_terminal(talk, wire, conversation);
  return run_lines(talk, wire, &conversation, STDIN_FILENO);
}

Ending run_tail(const Invocation& invocation) {
  auto settings = settings_of(invocation, form_of(invocation.json, Talk::Form::log));
  if (!settings) return settings.failure();
  Talk talk(*settings, now());
  Wire wire(talk);
  return run_lines(talk, wire, nullptr, -1);
}

}  // namespace crosstalk
