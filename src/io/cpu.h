// How much processor time this process has used.
#pragma once

#include "peer/time.h"

namespace io {

// By the user's code and by the kernel for it, since the process began.
peer::Micros cpu_time();

}  // namespace io
