#include "src/chat/refusals.h"

#include <algorithm>
#include <iterator>

namespace chat {

void note(Refusals& refused, const peer::Mesh::Login& login) {
  std::erase_if(refused, [&](const auto& each) { return each.at == login.at && each.stamp < login.stamp; });
  refused.push_back(login);
}

bool refuses(const Refusals& refused, const peer::Mesh::Login& login) {
  return std::any_of(refused.begin(), refused.end(),
                     [&](const auto& each) { return each.at == login.at && each.stamp >= login.stamp; });
}

Refusals for_good(const Refusals& refused) {
  Refusals twice;
  for (auto at = refused.begin(); at != refused.end(); ++at)
    if (refuses({std::next(at), refused.end()}, *at)) twice.push_back(*at);
  return twice;
}

}  // namespace chat
