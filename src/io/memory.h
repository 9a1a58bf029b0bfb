// How much memory this process has in use.
#pragma once

#include <cstddef>

namespace io {

// What of it is resident, in bytes; 0: the kernel does not say.
std::size_t resident_bytes();

}  // namespace io
