// What the other nodes tell of themselves: the last word of each.
//
// A word holds for fresh_for, and for the life of its node alone. Pure; owned by the
// lookout, which knows who may speak: only nodes that have proven themselves.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "peer/ids.h"
#include "peer/time.h"
#include "src/node/status.h"

namespace node {

class Hearsay {
 public:
  static constexpr peer::Millis fresh_for{10'000};
  // Other nodes that one node may tell of; who comes beyond is not noted.
  static constexpr std::size_t links_max = 4096;

  struct Told {
    LinkWord link;
    peer::Time at{0};
  };
  struct Word {
    peer::Incarnation life{};
    peer::Time at{0};      // the last that came
    bool relayed = false;  // that one by way of another node
    std::optional<Identity> identity{};
    std::optional<Load> load{};
    std::map<std::string, Told, std::less<>> links{};
  };

  // What makes no sense is dropped, and counted.
  void note(std::string_view from, peer::Incarnation life, std::string_view body, peer::Time now);
  // The same by way of another node, as it was known there at `at`. What came later, or
  // from another life that is not silent, is better.
  void note_relayed(std::string_view of, peer::Incarnation life, std::string_view body, peer::Time at, peer::Time now);
  void note_malformed() { ++malformed_; }
  void forget(std::string_view node);

  // The last word, however old; null: none.
  const Word* find(std::string_view node) const;
  static bool fresh(const Word& word, peer::Time now) { return now - word.at < fresh_for; }

  std::uint64_t malformed() const { return malformed_; }

 private:
  Word* take(std::string_view from, peer::Incarnation life, std::string_view body, peer::Time at);
  std::map<std::string, Word, std::less<>> words_;
  std::uint64_t malformed_ = 0;
};

}  // namespace node
