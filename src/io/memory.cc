#include "src/io/memory.h"

#include <uv.h>

namespace io {

std::size_t resident_bytes() {
  std::size_t bytes = 0;
  return uv_resident_set_memory(&bytes) == 0 ? bytes : 0;
}

}  // namespace io
