// Ownership for cJSON: freed by the deleter, whichever way the scope is left.
#pragma once

#include <cjson/cJSON.h>

#include <memory>

namespace node {

struct JsonDelete {
  void operator()(cJSON* json) const { cJSON_Delete(json); }
  void operator()(char* text) const { cJSON_free(text); }
};
using Json = std::unique_ptr<cJSON, JsonDelete>;
using JsonText = std::unique_ptr<char, JsonDelete>;

}  // namespace node
