#include "tools/crosstalk/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <utility>

#include "tools/crosstalk/text.h"

namespace crosstalk {

namespace {

constexpr int history_max = 500;
constexpr wchar_t kill_line = L'\x15';  // ^U, in emacs's and in vi's way
constexpr std::size_t columns_default = 80;

std::size_t columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return columns_default;
  return size.ws_col;
}

sigset_t taken_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH}) sigaddset(&set, signal);
  return set;
}

}  // namespace

bool Terminal::there() {
  const char* const kind = std::getenv("TERM");
  return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && kind != nullptr && *kind != '\0' &&
         std::strcmp(kind, "dumb") != 0;
}

Terminal::Terminal(Prompt prompt, Turn turn) : prompt_(std::move(prompt)), turn_(std::move(turn)) {
  // A locale without UTF-8 would garble what others write.
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
  const sigset_t set = taken_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  edit_ = el_init("crosstalk", stdin, stdout, stderr);
  history_ = history_init();
  HistEvent event{};
  history(history_, &event, H_SETSIZE, history_max);
  history(history_, &event, H_SETUNIQUE, 1);
  el_set(edit_, EL_CLIENTDATA, this);
  el_set(edit_, EL_HIST, history, history_);
  el_set(edit_, EL_EDITOR, "emacs");
  el_set(edit_, EL_SIGNAL, 0);
  el_set(edit_, EL_PROMPT, &Terminal::on_prompt);
  el_set(edit_, EL_GETCFN, &Terminal::on_read);
  el_source(edit_, nullptr);
}

Terminal::~Terminal() {
  el_end(edit_);
  history_end(history_);
  close(signals_);
  const sigset_t set = taken_signals();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

std::optional<std::string> Terminal::read_line() {
  // What came meanwhile is printed before there is a line to be drawn again.
  take_turn(false);
  if (ended_ || watch_.over) return std::nullopt;
  int size = 0;
  reading_ = true;
  const char* const line = el_gets(edit_, &size);
  reading_ = false;
  if (line == nullptr || size <= 0) {
    std::fputs("\n", stdout);
    std::fflush(stdout);
    return std::nullopt;
  }
  std::string text(line, static_cast<std::size_t>(size));
  if (text.find_first_not_of(" \t\r\n") != std::string::npos) {
    HistEvent event{};
    history(history_, &event, H_ENTER, text.c_str());
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

bool Terminal::wait() {
  take_turn(false);
  if (watch_.over) return true;
  std::array<pollfd, 2> waiting{{{signals_, POLLIN, 0}, {watch_.socket, POLLIN, 0}}};
  if (poll(waiting.data(), waiting.size(), watch_.wait_ms) < 0) return true;
  signalfd_siginfo info{};
  if (waiting[0].revents != 0 && read(signals_, &info, sizeof info) == sizeof info && info.ssi_signo != SIGWINCH &&
      info.ssi_signo != SIGTSTP)
    return false;
  take_turn(waiting[1].revents != 0);
  return true;
}

void Terminal::print(std::string_view line) {
  if (reading_ && !cleared_) clear_line();
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  if (!reading_) std::fflush(stdout);
}

char* Terminal::on_prompt(EditLine* edit) {
  Terminal& self = of(edit);
  self.shown_prompt_ = self.prompt_();
  self.drawn_ = self.shown_prompt_;
  return self.shown_prompt_.data();
}

int Terminal::on_read(EditLine* edit, wchar_t* c) { return of(edit).next_char(c); }

Terminal& Terminal::of(EditLine* edit) {
  void* self = nullptr;
  el_get(edit, EL_CLIENTDATA, &self);
  return *static_cast<Terminal*>(self);
}

// For libedit: 1 a character, 0 the end.
int Terminal::next_char(wchar_t* c) {
  while (true) {
    if (take_char(c)) return 1;
    if (ended_ || watch_.over) return 0;
    std::array<pollfd, 3> waiting{{{STDIN_FILENO, POLLIN, 0}, {signals_, POLLIN, 0}, {watch_.socket, POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), watch_.wait_ms) < 0) continue;
    int result = 1;
    if (waiting[1].revents != 0 && on_signal(c, &result)) return result;
    take_turn(waiting[2].revents != 0);
    if (waiting[0].revents == 0) continue;
    std::array<char, 1024> piece;
    const ssize_t size = read(STDIN_FILENO, piece.data(), piece.size());
    if (size <= 0) ended_ = true;
    if (size > 0) bytes_.append(piece.data(), static_cast<std::size_t>(size));
  }
}

// One character of what was typed; what is none is passed over.
bool Terminal::take_char(wchar_t* c) {
  while (!bytes_.empty()) {
    std::mbstate_t state{};
    const std::size_t size = std::mbrtowc(c, bytes_.data(), bytes_.size(), &state);
    if (size == static_cast<std::size_t>(-2)) return false;  // the rest of it is to come
    const bool good = size != static_cast<std::size_t>(-1) && size != 0;
    bytes_.erase(0, good ? size : 1);
    if (good) return true;
  }
  return false;
}

// True where it gives libedit something.
bool Terminal::on_signal(wchar_t* c, int* result) {
  signalfd_siginfo info{};
  if (read(signals_, &info, sizeof info) != sizeof info) return false;
  const int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGTSTP) {
    stop();
  } else if (signal == SIGWINCH) {
    clear_line();
    el_resize(edit_);
    draw_line();
  } else if (signal == SIGINT && typed_anything()) {
    *c = kill_line;
    return true;
  } else {
    ended_ = true;
    *result = 0;
    return true;
  }
  return false;
}

bool Terminal::typed_anything() const {
  const LineInfo* const line = el_line(edit_);
  return line->lastchar != line->buffer;
}

void Terminal::take_turn(bool readable) {
  watch_ = turn_(readable);
  if (!reading_) return;
  if (!cleared_ && prompt_() != drawn_) clear_line();
  if (cleared_) draw_line();
}

// From where libedit has left the cursor to the beginning of its prompt, and all
// below is gone.
void Terminal::clear_line() {
  const LineInfo* const line = el_line(edit_);
  const std::string before = shown_prompt_ + std::string(line->buffer, line->cursor);
  std::fputc('\r', stdout);
  if (const std::size_t rows = rows_below(before, columns()); rows > 0) std::fprintf(stdout, "\x1b[%zuA", rows);
  std::fputs("\x1b[J", stdout);
  cleared_ = true;
}

void Terminal::draw_line() {
  cleared_ = false;
  std::fflush(stdout);
  el_set(edit_, EL_REFRESH);
}

// As a shell expects of ^Z: the terminal is the shell's meanwhile.
void Terminal::stop() {
  std::fputs("\n", stdout);
  std::fflush(stdout);
  el_set(edit_, EL_PREP_TERM, 0);
  kill(getpid(), SIGSTOP);
  el_set(edit_, EL_PREP_TERM, 1);
  draw_line();
}

}  // namespace crosstalk
