// The process's file descriptors: how many it may have, and how many of them
// clients leave to others.
//
// The kernel hands out the lowest that is free. So as long as clients take none
// from the mark upwards, whatever else the process opens finds one, however many
// clients there are; nobody has to count. The limit is asked for each time, as it
// may be changed from outside (prlimit(1)).
#pragma once

#include <cstddef>

namespace io {

// Raises the soft limit to the hard one: the soft one (often 1024) only protects
// programs that use select(). Answers with what holds now.
std::size_t raise_descriptor_limit();

std::size_t descriptor_limit();

// The first descriptor that is no client's. `own` is how many the process had
// before it let clients in.
//
// Kept back is a twentieth, 128 at least and 1024 at most: half for those who knock
// at the peer port (peer/lobby.h lets 64 wait), half for the node, which needs two
// for each other node and a few for Redis. Of a small limit clients get three
// quarters of what there is.
std::size_t descriptor_mark(std::size_t limit, std::size_t own);

// The one that would be given out next; of none, the largest number. `open` is
// any that is open.
std::size_t next_descriptor(int open);

}  // namespace io
