#include "peer/outage.h"

#include <algorithm>

namespace peer {

namespace {

constexpr Millis mark_every{1000};

}  // namespace

void Outage::begin(Time now, Millis hold, Seq end) {
  if (hold_until_ == never) begin_anew(now, hold, end);
}

void Outage::begin_anew(Time now, Millis hold, Seq end) {
  this->end();
  hold_until_ = now + hold;
  marks_.push_back({now, end});
  wake_at_ = std::min<Time>(hold_until_, now + mark_every);
}

void Outage::end() {
  hold_until_ = wake_at_ = never;
  held_ = false;
  marks_.clear();
}

bool Outage::begins_to_hold(Time now) {
  if (held_ || hold_until_ == never || now < hold_until_) return false;
  return held_ = true;
}

Seq Outage::overdue(Time now, Millis wait_max, Seq end) {
  if (hold_until_ == never) return 0;
  if (now - marks_.back().at >= mark_every) marks_.push_back({now, end});
  Seq before = 0;
  // What came after the mark before it has waited for a grain less at most.
  while (now - marks_.front().at >= wait_max - mark_every) {
    before = marks_.front().end;
    if (marks_.size() == 1) {
      marks_.front() = {now, end};
      break;
    }
    marks_.pop_front();
  }
  wake_at_ = marks_.back().at + mark_every;
  if (!held_) wake_at_ = std::min(wake_at_, hold_until_);
  return before;
}

}  // namespace peer
