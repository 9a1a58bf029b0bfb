#include "tools/peek/figures.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace peek {

namespace {

// One digit after the point below ten, none above.
std::string short_number(double number, const char* unit) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), number < 9.95 ? "%.1f%s" : "%.0f%s", number, unit);
  return text.data();
}

std::string two(std::uint64_t large, const char* unit, std::uint64_t small, const char* small_unit) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%llu%s%02llu%s", static_cast<unsigned long long>(large), unit,
                static_cast<unsigned long long>(small), small_unit);
  return text.data();
}

}  // namespace

std::string span_us(std::uint64_t us) {
  if (us < 1000) return std::to_string(us) + "us";
  if (us < 1'000'000) return short_number(static_cast<double>(us) / 1e3, "ms");
  return span_ms(us / 1000);
}

std::string span_ms(std::uint64_t ms) {
  if (ms < 1000) return std::to_string(ms) + "ms";
  if (ms < 10'000) return short_number(static_cast<double>(ms) / 1e3, "s");
  return span_s(ms / 1000);
}

std::string span_s(std::uint64_t s) {
  constexpr std::uint64_t minute = 60;
  constexpr std::uint64_t hour = 60 * minute;
  constexpr std::uint64_t day = 24 * hour;
  if (s < minute) return std::to_string(s) + "s";
  if (s < hour) return two(s / minute, "m", s % minute, "s");
  if (s < day) return two(s / hour, "h", s % hour / minute, "m");
  if (s < 1000 * day) return two(s / day, "d", s % day / hour, "h");
  return std::to_string(s / day) + "d";
}

std::string bytes(std::uint64_t count) {
  double number = static_cast<double>(count);
  if (count < 1024) return std::to_string(count) + "B";
  for (const char* unit : {"K", "M", "G", "T"}) {
    number /= 1024;
    if (number < 999.5) return short_number(number, unit);
  }
  return short_number(number / 1024, "P");
}

std::string count(std::uint64_t number) {
  if (number < 100'000) return std::to_string(number);
  if (number < 999'500) return short_number(static_cast<double>(number) / 1e3, "k");
  if (number < 999'500'000) return short_number(static_cast<double>(number) / 1e6, "M");
  return short_number(static_cast<double>(number) / 1e9, "G");
}

std::string rate(double per_s) {
  if (per_s < 0.05) return "0";
  return per_s < 99'999 ? short_number(per_s, "") : count(static_cast<std::uint64_t>(per_s));
}

std::string time_of_day(std::uint64_t ms_since_epoch) {
  const auto seconds = static_cast<std::time_t>(ms_since_epoch / 1000);
  std::tm local{};
  std::array<char, 16> text{};
  if (localtime_r(&seconds, &local) == nullptr || std::strftime(text.data(), text.size(), "%H:%M:%S", &local) == 0)
    return "--:--:--";
  return text.data();
}

}  // namespace peek
