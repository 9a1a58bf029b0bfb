// Ownership for cJSON, and looks into a tree that nobody vouches for: what is not
// there, or of another kind, is absent.
#pragma once

#include <cjson/cJSON.h>

#include <memory>
#include <string>
#include <string_view>

namespace tool {

struct JsonDelete {
  void operator()(cJSON* json) const { cJSON_Delete(json); }
  void operator()(char* text) const { cJSON_free(text); }
};
using Json = std::unique_ptr<cJSON, JsonDelete>;
using JsonText = std::unique_ptr<char, JsonDelete>;

// Null where the text is not one JSON value.
inline Json parse_json(std::string_view text) {
  const char* end = nullptr;
  Json json(cJSON_ParseWithLengthOpts(text.data(), text.size(), &end, 0));
  if (json && text.substr(static_cast<std::size_t>(end - text.data())).find_first_not_of(" \t\r\n") != text.npos)
    return nullptr;
  return json;
}

// Empty where there is no such text.
inline std::string text_of(const cJSON* object, const char* key) {
  const cJSON* const item = cJSON_GetObjectItemCaseSensitive(object, key);
  return cJSON_IsString(item) ? item->valuestring : "";
}

}  // namespace tool
