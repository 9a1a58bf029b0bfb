// cluster-peek: looks at the living mesh, on a screen or once.
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tools/common/command_line.h"
#include "tools/common/token.h"
#include "tools/peek/draw.h"
#include "tools/peek/findings.h"
#include "tools/peek/flags.h"
#include "tools/peek/plain.h"
#include "tools/peek/screen.h"
#include "tools/peek/source.h"

namespace {

using namespace std::chrono_literals;

constexpr int not_whole = 1;
constexpr int could_not = 2;
constexpr std::chrono::milliseconds patience = 5s;

int complain(const std::string& why) {
  std::fprintf(stderr, "cluster-peek: %s\n", why.c_str());
  return could_not;
}

// What cannot be written is not done.
int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : complain("standard output cannot be written to");
}

int columns() {
  winsize size{};
  return isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// One line on standard output, whatever it is: that is what monitoring reads.
int check(const peek::Source::Look& look) {
  if (!look) {
    print("could not look: " + look.why() + "\n");
    return could_not;
  }
  const peek::Verdict verdict = peek::check(look->cluster);
  if (const int failed = print(verdict.line + "\n"); failed != 0) return failed;
  return verdict.whole ? 0 : not_whole;
}

int once(const peek::Sighting& seen, peek::Marks marks) {
  const peek::Picture picture(seen.cluster);
  const auto age = std::chrono::steady_clock::now() - seen.at;
  const auto age_ms = std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
  const peek::Status status{"", to_string(seen.asked), "", seen.remark, static_cast<std::uint64_t>(age_ms)};
  return print(to_plain(picture, status, columns(), marks));
}

int look(const peek::Flags& flags, peek::Source source, peek::Marks marks) {
  if (flags.mode == peek::Mode::screen) {
    const char* const plain = std::getenv("NO_COLOR");
    const auto shown = peek::show(std::move(source), marks, plain == nullptr || *plain == '\0');
    return shown ? *shown : complain(shown.why());
  }
  const peek::Source::Look look = source.look(patience);
  if (flags.mode == peek::Mode::check) return check(look);
  if (!look) return complain(look.why());
  if (flags.mode == peek::Mode::json) return print(peek::expect_in_json(look->body, look->set) + "\n");
  return once(*look, marks);
}

}  // namespace

int main(int argc, char** argv) {
  std::setlocale(LC_CTYPE, "");
  const auto flags = peek::read_flags(argc, argv);
  if (!flags) return flags.failure().mistake ? tool::say(flags.failure()) : print(flags.failure().text);
  const tool::Result<std::string> token = tool::find_token(flags->token_file);
  if (!token) return complain(token.why());
  peek::Source source =
      flags->redis ? peek::Source(*flags->redis, flags->cluster, *token) : peek::Source(flags->http, *token);
  return look(*flags, std::move(source), peek::Marks(tool::charset_of_locale()));
}
