// The ready file: says to whoever started the node that it serves, and where.
//
// Written whole under another name and renamed, so that a reader never sees
// half of it; removed when the node stops.
#pragma once

#include <string>

#include "peer/result.h"

namespace node {

struct ReadyFile {
  std::string client;  // HOST:PORT taken
  std::string peer;    // HOST:PORT advertised
  std::string http;    // HOST:PORT taken
};

peer::Result<bool> write_ready_file(const std::string& path, const ReadyFile& ready);
// Removes it where it is this process's, or that of one that is gone.
void clear_ready_file(const std::string& path);

}  // namespace node
