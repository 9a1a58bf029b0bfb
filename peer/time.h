// Time as the mesh sees it: handed in, never asked for.
#pragma once

#include <chrono>

namespace peer {

using Micros = std::chrono::microseconds;
using Millis = std::chrono::milliseconds;

// A point on a clock that never goes back, counted from any fixed origin.
using Time = Micros;

// "Not before anything happens": a deadline that never comes.
inline constexpr Time never = Time::max();

}  // namespace peer
