#include "src/node/supervisor.h"

#ifdef CROSSTALK_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

namespace node {

namespace {

void tell(const std::string& what) {
#ifdef CROSSTALK_SYSTEMD
  static_cast<void>(sd_notify(0, what.c_str()));
#else
  static_cast<void>(what);
#endif
}

}  // namespace

void Supervisor::ready(const std::string& status) {
  last_ = status;
  tell("READY=1\nSTATUS=" + status);
}

void Supervisor::status(const std::string& status) {
  if (status == last_) return;
  last_ = status;
  tell("STATUS=" + status);
}

void Supervisor::reloading(peer::Time now) { tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count())); }

void Supervisor::stopping(const std::string& status) { tell("STOPPING=1\nSTATUS=" + status); }

void Supervisor::alive() { tell("WATCHDOG=1"); }

// Half of what is allowed, as sd_watchdog_enabled(3) advises.
peer::Millis Supervisor::wanted_every() {
#ifdef CROSSTALK_SYSTEMD
  std::uint64_t allowed_us = 0;
  if (sd_watchdog_enabled(0, &allowed_us) > 0)
    return std::chrono::duration_cast<peer::Millis>(std::chrono::microseconds(allowed_us / 2));
#endif
  return peer::Millis(0);
}

}  // namespace node
