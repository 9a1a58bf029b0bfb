#include "src/client/admission.h"

#include <cassert>

namespace client {

std::optional<Code> Admission::enter(const std::string& ip) {
  if (closed_) return Code::shutting_down;
  if (limits_.sessions > 0 && inside_ >= limits_.sessions) return Code::server_full;
  if (!ip.empty()) {
    std::size_t& from_there = by_ip_[ip];
    if (from_there >= limits_.per_ip) return Code::server_full;
    ++from_there;
  }
  ++inside_;
  return std::nullopt;
}

void Admission::leave(const std::string& ip) {
  assert(inside_ > 0);
  --inside_;
  if (const auto from_there = by_ip_.find(ip); from_there != by_ip_.end() && --from_there->second == 0)
    by_ip_.erase(from_there);
}

}  // namespace client
