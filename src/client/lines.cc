#include "src/client/lines.h"

#include "src/client/request.h"

namespace client {

Lines::Next Lines::next(std::string_view& bytes, std::size_t limit, Ends ends) {
  if (state_ == State::given) drop();
  while (!bytes.empty() && state_ != State::spent) {
    const End end = find_end(bytes, ends);
    const std::size_t length = passed_ + end.at - (end.after_cr ? 1 : 0);
    // Told before the bytes are taken: the next call goes on with them.
    if (state_ != State::skipping && length > limit) {
      kept_ = std::string();
      state_ = State::skipping;
      return {Found::too_large, {}};
    }
    if (length > 2 * limit) {
      state_ = State::spent;
      return {Found::far_too_large, {}};
    }

    const std::string_view front = bytes.substr(0, end.at);
    bytes.remove_prefix(end.at + (end.found ? 1 : 0));
    switch (state_) {
      case State::empty:
        if (end.found) return {Found::line, front.substr(0, length)};
        keep(front);
        break;
      case State::partial:
        keep(front);
        if (!end.found) break;
        state_ = State::given;
        return {Found::line, std::string_view(kept_).substr(0, length)};
      case State::skipping:
        passed_ += front.size();
        cr_passed_ = end.after_cr;
        if (end.found) drop();
        break;
      case State::given:
      case State::spent: break;
    }
  }
  if (state_ == State::spent) bytes = {};
  return {};
}

Lines::End Lines::find_end(std::string_view bytes, Ends ends) const {
  const auto cr_before = [&](std::size_t at) { return at > 0 ? bytes[at - 1] == '\r' : passed_ > 0 && cr_passed_; };
  if (ends == Ends::lf) {
    const std::size_t at = bytes.find('\n');
    if (at != std::string_view::npos) return {at, true, cr_before(at)};
  } else {
    for (std::size_t at = 0; at < bytes.size(); ++at)
      if (bytes[at] == '\n' || (bytes[at] == '\0' && cr_before(at))) return {at, true, cr_before(at)};
  }
  return {bytes.size(), false, cr_before(bytes.size())};
}

void Lines::keep(std::string_view bytes) {
  kept_.reserve(kept_.size() + bytes.size() + line_padding);
  kept_.append(bytes);
  passed_ = kept_.size();
  cr_passed_ = passed_ > 0 && kept_.back() == '\r';
  state_ = State::partial;
}

void Lines::drop() {
  kept_ = std::string();
  passed_ = 0;
  cr_passed_ = false;
  state_ = State::empty;
}

}  // namespace client
