#include "tools/bench/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace bench {

namespace {

constexpr std::size_t width = 30;
constexpr Nanos redraw_after = 100 * millisecond;

}  // namespace

Progress::Progress() : terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::show(std::string_view what, double share, Nanos at) {
  if (!terminal_ || at < next_) return;
  next_ = at + redraw_after;
  const double clamped = std::clamp(share, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(clamped * width);
  const std::string bar = std::string(full, '#') + std::string(width - full, '.');
  std::fprintf(stderr, "\r%s %3.0f %%  %.*s\033[K", bar.c_str(), clamped * 100, static_cast<int>(what.size()),
               what.data());
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace bench
