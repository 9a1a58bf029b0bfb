#include "src/node/ready_file.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "src/node/json.h"

namespace node {

peer::Result<bool> write_ready_file(const std::string& path, const ReadyFile& ready) {
  const Json json(cJSON_CreateObject());
  cJSON_AddNumberToObject(json.get(), "pid", static_cast<double>(getpid()));
  cJSON_AddStringToObject(json.get(), "client", ready.client.c_str());
  cJSON_AddStringToObject(json.get(), "peer", ready.peer.c_str());
  cJSON_AddStringToObject(json.get(), "http", ready.http.c_str());
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

void clear_ready_file(const std::string& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const Json json(cJSON_ParseWithLength(text.data(), text.size()));
  const cJSON* const pid = cJSON_GetObjectItemCaseSensitive(json.get(), "pid");
  if (!cJSON_IsNumber(pid)) return;
  const auto owner = static_cast<pid_t>(cJSON_GetNumberValue(pid));
  if (owner == getpid() || (kill(owner, 0) != 0 && errno == ESRCH)) std::remove(path.c_str());
}

}  // namespace node
