#include "src/node/hearsay.h"

#include <utility>

namespace node {

void Hearsay::note(std::string_view from, peer::Incarnation life, std::string_view body, peer::Time now) {
  std::optional<Status> status = decode(body);
  if (!status) {
    ++malformed_;
    return;
  }
  Word& word = words_[std::string(from)];
  if (word.life != life) word = Word{life};
  word.at = now;
  if (status->identity) word.identity = std::move(status->identity);
  if (status->load) word.load = std::move(status->load);
  if (!status->table) return;
  if (status->table->all) word.links.clear();
  for (LinkWord& link : status->table->links) {
    const bool known = word.links.contains(link.peer);
    if (!known && word.links.size() >= links_max) continue;
    std::string name = link.peer;
    word.links[std::move(name)] = {std::move(link), now};
  }
}

void Hearsay::forget(std::string_view node) {
  if (const auto word = words_.find(node); word != words_.end()) words_.erase(word);
}

const Hearsay::Word* Hearsay::find(std::string_view node) const {
  const auto word = words_.find(node);
  return word == words_.end() ? nullptr : &word->second;
}

}  // namespace node
