// What a session is given to deliver, until it is written or confirmed.
#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

#include "src/client/session.h"
#include "src/client/text.h"

namespace client {

namespace {

// Appends the line with its marks before the last brace; `seq` 0 is no mark.
void append_marked(Outbox& out, const chat::Delivery& delivery, peer::Seq seq) {
  constexpr std::string_view end = "}\n";
  assert(delivery.line.ends_with(end));
  out.append(delivery.line.substr(0, delivery.line.size() - end.size()));
  if (delivery.stored) out.append(R"(,"stored":true)");
  if (delivery.redelivered) out.append(R"(,"redelivered":true)");
  if (seq != 0) {
    char digits[20];  // of a 64-bit number
    const char* const last = std::to_chars(digits, digits + sizeof digits, seq).ptr;
    out.append(R"(,"seq":)");
    out.append({digits, static_cast<std::size_t>(last - digits)});
  }
  out.append(end);
}

}  // namespace

void Session::deliver(const chat::Delivery& delivery, const chat::Origin& origin) {
  if (manner_.acks || who_ == Who::departing) return deliver_by_window(delivery, origin);
  Outbox& out = outbox();
  if (manner_.text) {
    append_text(delivery.line);
  } else if (delivery.stored || delivery.redelivered) {
    append_marked(out, delivery, 0);
  } else {
    out.append(delivery.line);
  }
  out.marks.push_back({out.queued, origin});
  queued();
  want_watch();
}

void Session::append_text(std::string_view line) {
  const Request& chat = commons_.deliveries.parse_copy(line);
  std::string& shown = commons_.shown;
  shown.clear();
  if (chat.refusal) {
    append_shown(shown, line.substr(0, line.find('\n')));
  } else {
    append_rendered(shown, commons_.settings.text_template, chat);
  }
  outbox_->append(shown);
  outbox_->append(line_end());
}

// The window.

// Who departs may have closed its side for good: what it would not read goes
// back when it has left.
void Session::deliver_by_window(const chat::Delivery& delivery, const chat::Origin& origin) {
  if (!window_) window_ = commons_.windows.take();
  if (who_ != Who::departing && window_->has_room(delivery.line.size())) return hand_out(delivery, origin);
  window_->put_behind(delivery, origin);
  if (waiting_bytes() > commons_.settings.queue_bytes) port_.want_review();
}

void Session::hand_out(const chat::Delivery& delivery, const chat::Origin& origin) {
  Outbox& out = outbox();
  append_marked(out, delivery, ++seq_);
  out.marks.push_back({out.queued, origin});
  window_->hand_out(origin, delivery.line.size());
  queued();
  want_watch();
}

// From here on the client may have read it.
void Session::note_given() {
  const std::uint64_t given = outbox_->given();
  for (; !outbox_->marks.empty() && outbox_->marks.front().end <= given; outbox_->marks.pop_front())
    window_->give(commons_.clock.now);
}

// False where a client confirms what it cannot have read; then nothing is confirmed.
bool Session::confirm(peer::Seq seq) {
  const peer::Seq confirmed = seq_ - (window_ ? window_->out() : 0);
  if (seq <= confirmed) return true;
  peer::Seq n = seq - confirmed;
  if (!window_ || n > window_->given()) return false;
  for (; n > 0; --n) commons_.desk.on_delivered(window_->take());
  let_follow();
  return true;
}

void Session::let_follow() {
  for (; !over() && window_->may_follow(); window_->take_behind()) hand_out(window_->next(), window_->next_origin());
  if (window_->empty()) commons_.windows.give_back(std::move(window_));
}

// In order. `may_be_read`: so many of those handed out.
void Session::give_back(std::size_t may_be_read) {
  std::unique_ptr<Window> left = std::move(window_);
  if (!left) return;
  for (; may_be_read > 0; --may_be_read) commons_.desk.on_unread(left->take());
  while (left->out() > 0) commons_.desk.on_unwritten(left->take());
  for (; left->has_behind(); left->take_behind()) commons_.desk.on_unwritten(left->next_origin());
  commons_.windows.give_back(std::move(left));
}

// Who leaves is not listened to, and the connection may take seconds to close:
// what nobody will confirm need not wait for that.
void Session::give_back_early() {
  const bool written = !outbox_ || outbox_->marks.empty();
  if (!manner_.acks && !written) return;
  if (!written) outbox_->marks.clear();
  give_back(window_->out());
}

// The watch.

void Session::want_watch() {
  if (!std::exchange(watched_, true)) port_.want_watch();
}

// Unconfirmed for too long, or nothing is taken of what waits before it is.
bool Session::overdue() const {
  const peer::Time read = window_ ? window_->oldest() : peer::never;
  const peer::Time moved = outbox_ && !outbox_->marks.empty() ? outbox_->given_at : peer::never;
  const peer::Time since = std::min(read, moved);
  return since != peer::never && commons_.clock.now - since >= commons_.settings.ack_timeout;
}

bool Session::watch() {
  if (!over() && overdue()) cut_slow();
  return watched_ = !over() && (window_ || (outbox_ && !outbox_->marks.empty()));
}

}  // namespace client
