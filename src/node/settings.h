// Every setting of a node in one table: its key in the file, its flag, its
// range, and how it gets into a Config.
//
// Knows neither TOML nor command lines; config.cc reads both and comes here
// with what it found. Answers with a sentence where something is wrong.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "peer/hello.h"
#include "src/node/config.h"

namespace node {

// "expected …, found …"; empty: all is well.
using Wrong = std::string;

struct Whole {
  std::uint64_t min;
  std::uint64_t max;
  void (*set)(Config&, std::uint64_t);
};
struct Text {
  Wrong (*set)(Config&, std::string_view);
};
struct List {
  void (*clear)(Config&);
  Wrong (*add)(Config&, std::string_view);
};

struct Setting {
  const char* key;    // in the file, TABLE.NAME
  const char* flag;   // nullptr: in the file only
  const char* value;  // what the manual calls its value
  const char* help;   // of the flag
  std::variant<Whole, Text, List> rule;
};

std::span<const Setting> settings();

// What should be the same on all nodes, though no node is refused for it: shown side by
// side to whoever watches.
std::vector<peer::Setting> shared_settings(const Config& config);

// Where each setting was written, as a sentence about it begins. One that was
// written nowhere is called by its key.
class Places {
 public:
  void put(const Setting& setting, std::string place) { places_[setting.key] = std::move(place); }
  // The flag wins over what the file says.
  void put_flag(const Setting& setting) {
    put(setting, std::string("crosstalkd: ") + setting.flag);
    flags_.insert(setting.key);
  }
  bool has(std::string_view key) const { return places_.contains(key); }
  bool by_flag(std::string_view key) const { return flags_.contains(key); }
  std::string of(std::string_view key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? std::string(key) : found->second;
  }

 private:
  std::map<std::string_view, std::string> places_;
  std::set<std::string_view> flags_;
};

// What no setting shows by itself: which of them exclude each other or need each
// other, and whether the files of secret and tokens are as they must be (they are
// read here). A whole sentence with its place, or nothing.
Wrong check(Config& config, const Places& places);

// What somebody wrote, in quotes, on one line and not longer than a line.
std::string in_quotes(std::string_view found);

// The candidate that `word` is most likely a slip of; empty where none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace node
