// Ownership for cJSON, and looks into a tree that nobody vouches for: what is not
// there, or of another kind, is absent.
#pragma once

#include <cjson/cJSON.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// Null where there is none.
inline const cJSON* item_of(const cJSON* object, const char* key) {
  return cJSON_GetObjectItemCaseSensitive(object, key);
}

// Empty where there is no such text.
inline std::string text_of(const cJSON* object, const char* key) {
  const cJSON* const item = item_of(object, key);
  return cJSON_IsString(item) ? item->valuestring : "";
}

// Those of a list that are texts.
inline std::vector<std::string> texts_of(const cJSON* object, const char* key) {
  std::vector<std::string> texts;
  const cJSON* item = nullptr;
  cJSON_ArrayForEach(item, item_of(object, key)) {
    if (cJSON_IsString(item)) texts.emplace_back(item->valuestring);
  }
  return texts;
}

// Up to where a double counts one by one; what is larger is no number.
inline std::optional<double> number_of(const cJSON* object, const char* key) {
  constexpr double exact = 9007199254740992;
  const cJSON* const item = item_of(object, key);
  return cJSON_IsNumber(item) && std::fabs(item->valuedouble) <= exact ? std::optional(item->valuedouble)
                                                                       : std::nullopt;
}

inline std::optional<bool> flag_of(const cJSON* object, const char* key) {
  const cJSON* const item = item_of(object, key);
  return cJSON_IsBool(item) ? std::optional(cJSON_IsTrue(item) != 0) : std::nullopt;
}

}  // namespace tool
