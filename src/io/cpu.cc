#include "src/io/cpu.h"

#include <uv.h>

#include <chrono>

namespace io {

namespace {

peer::Micros span(const uv_timeval_t& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

peer::Micros cpu_time() {
  uv_rusage_t used{};
  return uv_getrusage(&used) == 0 ? span(used.ru_utime) + span(used.ru_stime) : peer::Micros{0};
}

}  // namespace io
