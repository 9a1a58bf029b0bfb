// Figures as people read them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/nanos.h"

namespace bench {

std::string fixed(double value, int decimals);
// 1,234,567
std::string grouped(double value);
std::string grouped(std::uint64_t value);
// 830 us, 9.31 ms, 1.20 s
std::string span(Nanos span);
// Of an even number the mean of the middle two; 0 of none.
double median(std::vector<double> values);

}  // namespace bench
