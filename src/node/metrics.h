// A node's vitals as Prometheus reads them: its text format, version 0.0.4.
//
// Nothing is counted here: plain counters are collected at the scrape. No user's
// name is in any label. crosstalkd(8) names every metric.
#pragma once

#include <string>

#include "src/node/vitals.h"

namespace node {

inline constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const Vitals& vitals);

}  // namespace node
