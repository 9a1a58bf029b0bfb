// The time and the randomness of this whole program, in place of the kernel's: every
// run is the same run, however slow it is made, and no timer goes off by itself.
//
// clock_gettime(2) and getrandom(2) are defined here, for the libraries as well.
#pragma once

#include "peer/time.h"

namespace perf {

// Time stands still but for this.
void pass(peer::Micros span);

}  // namespace perf
