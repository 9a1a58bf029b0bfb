#include "src/node/ready_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "src/node/json.h"

namespace node {

peer::Result<bool> write_ready_file(const std::string& path, const ReadyFile& ready) {
  const Json json(cJSON_CreateObject());
  cJSON_AddNumberToObject(json.get(), "pid", static_cast<double>(getpid()));
  cJSON_AddStringToObject(json.get(), "client", ready.client.c_str());
  cJSON_AddStringToObject(json.get(), "peer", ready.peer.c_str());
  const JsonText text(cJSON_PrintUnformatted(json.get()));

  const std::string part = path + "." + std::to_string(getpid());
  std::FILE* const file = std::fopen(part.c_str(), "w");
  if (file == nullptr) return peer::Failure{part + ": " + std::strerror(errno)};
  const bool put = std::fprintf(file, "%s\n", text.get()) > 0;
  const bool closed = std::fclose(file) == 0;
  if (put && closed && std::rename(part.c_str(), path.c_str()) == 0) return true;
  const std::string why = std::strerror(errno);
  std::remove(part.c_str());
  return peer::Failure{path + ": " + why};
}

void remove_ready_file(const std::string& path) { std::remove(path.c_str()); }

}  // namespace node
