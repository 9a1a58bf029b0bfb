#include "src/node/hearsay.h"

#include <utility>

namespace node {

void Hearsay::note(std::string_view from, peer::Incarnation life, std::string_view body, peer::Time now) {
  if (Word* const word = take(from, life, body, now)) word->relayed = false;
}

void Hearsay::note_relayed(std::string_view of, peer::Incarnation life, std::string_view body, peer::Time at,
                           peer::Time now) {
  const Word* const known = find(of);
  if (known != nullptr && (known->life == life ? known->at > at : fresh(*known, now))) return;
  if (Word* const word = take(of, life, body, at)) word->relayed = true;
}

// Null: it makes no sense.
Hearsay::Word* Hearsay::take(std::string_view from, peer::Incarnation life, std::string_view body, peer::Time at) {
  std::optional<Status> status = decode(body);
  if (!status) {
    ++malformed_;
    return nullptr;
  }
  Word& word = words_[std::string(from)];
  if (word.life != life) word = Word{life};
  word.at = at;
  if (status->identity) word.identity = std::move(status->identity);
  if (status->load) word.load = std::move(status->load);
  if (!status->table) return &word;
  if (status->table->all) word.links.clear();
  for (LinkWord& link : status->table->links) {
    const bool known = word.links.contains(link.peer);
    if (!known && word.links.size() >= links_max) continue;
    std::string name = link.peer;
    word.links[std::move(name)] = {std::move(link), at};
  }
  return &word;
}

void Hearsay::forget(std::string_view node) {
  if (const auto word = words_.find(node); word != words_.end()) words_.erase(word);
}

const Hearsay::Word* Hearsay::find(std::string_view node) const {
  const auto word = words_.find(node);
  return word == words_.end() ? nullptr : &word->second;
}

}  // namespace node
