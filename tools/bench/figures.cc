#include "tools/bench/figures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace bench {

std::string fixed(double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string grouped(double value) { return grouped(static_cast<std::uint64_t>(std::llround(std::max(value, 0.0)))); }

std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string span(Nanos span) {
  if (span < 10 * microsecond) return fixed(in_micros(span), 1) + " us";
  if (span < millisecond) return fixed(in_micros(span), 0) + " us";
  if (span < second) return fixed(in_micros(span) / 1e3, span < 100 * millisecond ? 2 : 0) + " ms";
  return fixed(in_seconds(span), 2) + " s";
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace bench
