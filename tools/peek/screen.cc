#include "tools/peek/screen.h"

#include "tools/common/address.h"
#include "tools/peek/draw.h"
#include "tools/peek/picture.h"
#include "tools/peek/view.h"
#include "tools/peek/watch.h"

// After ours, because of the macros of terminfo.
#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <term.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#undef tab
#undef back_tab

namespace peek {

namespace {

// However little happens, ages count on.
constexpr int redraw_ms = 500;

// Somebody waits, and it is tried again at once.
constexpr std::chrono::milliseconds patience(3000);

// Signals that end the process, as something to poll: the terminal is put in order first.
class Interrupts {
 public:
  Interrupts() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before_);
    ready_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Interrupts() {
    signalfd_siginfo taken{};
    while (read(ready_, &taken, sizeof taken) > 0) {
    }
    close(ready_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  int ready() const { return ready_; }

 private:
  sigset_t before_{};
  int ready_;
};

class Terminal {
 public:
  // Null where there is none that can be drawn on.
  static std::unique_ptr<Terminal> open(bool coloured) {
    const char* const kind = std::getenv("TERM");
    if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) return nullptr;
    if (kind == nullptr || *kind == '\0' || std::strcmp(kind, "dumb") == 0) return nullptr;
    // One that cannot place its cursor would print garbage.
    int known = 0;
    if (setupterm(kind, STDOUT_FILENO, &known) != OK) return nullptr;
    const bool places = cursor_address != nullptr;
    del_curterm(cur_term);
    if (!places) return nullptr;
    SCREEN* const screen = newterm(nullptr, stdout, stdin);
    return screen == nullptr ? nullptr : std::unique_ptr<Terminal>(new Terminal(screen, coloured));
  }
  ~Terminal() {
    endwin();
    delscreen(screen_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void paint(const Grid& grid) {
    erase();
    for (int y = 0; y < grid.height(); ++y)
      for (int x = 0; x < grid.width(); ++x)
        if (grid.at(x, y) != Grid::Cell{}) paint(x, y, grid.at(x, y));
    refresh();
  }

 private:
  Terminal(SCREEN* screen, bool coloured) : screen_(screen) {
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    coloured_ = coloured && has_colors() && start_color() == OK && use_default_colors() == OK;
    if (!coloured_) return;
    init_pair(pair_of(Colour::good), COLOR_GREEN, -1);
    init_pair(pair_of(Colour::warn), COLOR_YELLOW, -1);
    init_pair(pair_of(Colour::bad), COLOR_RED, -1);
    init_pair(pair_of(Colour::calm), COLOR_CYAN, -1);
  }

  static short pair_of(Colour colour) { return static_cast<short>(colour); }

  void paint(int x, int y, const Grid::Cell& cell) {
    const std::array<wchar_t, 2> text = {static_cast<wchar_t>(cell.point), L'\0'};
    attr_t attributes = A_NORMAL;
    if (cell.style.bold) attributes |= A_BOLD;
    if (cell.style.reverse) attributes |= A_REVERSE;
    cchar_t painted;
    setcchar(&painted, text.data(), attributes, coloured_ ? pair_of(cell.style.colour) : short{0}, nullptr);
    mvadd_wch(y, x, &painted);
  }

  SCREEN* screen_;
  bool coloured_ = false;
};

// Nothing for what means nothing.
std::optional<Press> press_of(int code) {
  switch (code) {
    case KEY_UP: return Press{Key::up};
    case KEY_DOWN: return Press{Key::down};
    case KEY_LEFT: return Press{Key::left};
    case KEY_RIGHT: return Press{Key::right};
    case KEY_PPAGE: return Press{Key::page_up};
    case KEY_NPAGE: return Press{Key::page_down};
    case KEY_HOME: return Press{Key::home};
    case KEY_END: return Press{Key::end};
    case KEY_BTAB: return Press{Key::back_tab};
    case '\t': return Press{Key::tab};
    case KEY_ENTER:
    case '\r':
    case '\n': return Press{Key::enter};
    case KEY_BACKSPACE:
    case '\b':
    case '\x7f': return Press{Key::erase};
    case '\x1b': return Press{Key::escape};
    default: break;
  }
  if (code < ' ' || code > '~') return std::nullopt;
  return Press{Key::character, static_cast<char>(code)};
}

// The loop's state, apart from the terminal.
struct Show {
  View view;
  Watch::News news;
  std::unique_ptr<Picture> picture;

  void take(Watch& watch) {
    std::optional<Watch::News> fresh = watch.take();
    if (!fresh) return;
    if (fresh->seen && fresh->seen != news.seen) picture = std::make_unique<Picture>(fresh->seen->cluster);
    news = std::move(*fresh);
  }

  Grid draw(const std::string& place, Marks marks) const {
    Status status{place, "", news.trouble, ""};
    if (news.seen) {
      status.remark = news.seen->remark;
      const auto age = std::chrono::steady_clock::now() - news.seen->at;
      status.asked = to_string(news.seen->asked);
      status.age_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(age).count());
    }
    return peek::draw(view, picture.get(), status, COLS, LINES, marks);
  }

  // False: the operator has seen enough.
  bool read_keys(Watch& watch) {
    for (int code = getch(); code != ERR; code = getch()) {
      const std::optional<Press> press = press_of(code);
      if (!press) continue;
      switch (view.press(*press, picture.get(), page_of(view, picture.get(), COLS, LINES))) {
        case Wish::none: break;
        case Wish::quit: return false;
        case Wish::look: watch.hurry(); break;
      }
    }
    return true;
  }
};

}  // namespace

tool::Result<int> show(Source source, Marks marks, bool coloured) {
  // Before there is another thread, which is to know nothing of them either.
  const Interrupts interrupts;
  const std::unique_ptr<Terminal> terminal = Terminal::open(coloured);
  if (!terminal) return tool::Failure{"no terminal that can be drawn on; --once prints one look as plain text"};
  const std::string place = source.place();
  Watch watch(std::move(source), patience);
  Show show;
  while (true) {
    show.take(watch);
    terminal->paint(show.draw(place, marks));
    std::array<pollfd, 3> waiting = {
        {{STDIN_FILENO, POLLIN, 0}, {watch.ready(), POLLIN, 0}, {interrupts.ready(), POLLIN, 0}}};
    // A resize interrupts it, and getch tells curses of that.
    poll(waiting.data(), waiting.size(), redraw_ms);
    if ((waiting[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 || waiting[2].revents != 0) return 0;
    if (!show.read_keys(watch)) return 0;
  }
}

}  // namespace peek
