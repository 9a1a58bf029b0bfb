// My link to a peer is down: since when, and how long the chats held for it have
// waited.
//
// A value that remembers; the mesh acts on it. Once the outage has lasted for
// Timing::hold it is `held`: the peer's users are to be reached another way.
#pragma once

#include "peer/ids.h"
#include "peer/ring.h"
#include "peer/time.h"

namespace peer {

class Outage {
 public:
  // `end`: where the stream of chats ends now. Nothing where it has begun already.
  void begin(Time now, Millis hold, Seq end);
  void end();
  // This process was asleep: what it was down meanwhile doesn't count.
  void begin_anew(Time now, Millis hold, Seq end);

  // True once: it has lasted for the hold.
  bool begins_to_hold(Time now);
  bool held() const { return held_; }

  // Chats before this number have waited for `wait_max`, but for the grain of a
  // mark; 0: none have. To be asked at least whenever wake_at() has come.
  Seq overdue(Time now, Millis wait_max, Seq end);

  Time wake_at() const { return wake_at_; }

 private:
  // All before `end` were there at that time.
  struct Mark {
    Time at{0};
    Seq end = 0;
  };
  Time hold_until_ = never;  // never: there is no outage
  Time wake_at_ = never;
  bool held_ = false;
  Ring<Mark> marks_;
};

}  // namespace peer
