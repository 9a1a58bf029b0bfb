// Figures as people read them: short, with their unit, three digits that matter.
#pragma once

#include <cstdint>
#include <string>

namespace peek {

std::string span_us(std::uint64_t us);    // 210us 1.2ms 12s
std::string span_ms(std::uint64_t ms);    // 350ms 1.2s 3m05s
std::string span_s(std::uint64_t s);      // 59s 3m05s 4h02m 12d04h
std::string bytes(std::uint64_t count);   // 512B 1.5K 120M
std::string count(std::uint64_t number);  // 1234 12.3k 1.2M
std::string rate(double per_s);           // 0 0.4 12.5 1234

// HH:MM:SS of this host's clock.
std::string time_of_day(std::uint64_t ms_since_epoch);

}  // namespace peek
