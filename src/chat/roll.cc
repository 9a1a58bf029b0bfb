#include "src/chat/roll.h"

#include <algorithm>

#include "peer/frame.h"
#include "src/chat/users.h"

namespace chat {

namespace {

constexpr std::uint8_t flag_more = 1;

}  // namespace

// A heap of no more than the page, its greatest name on top: a node with many users
// does not sort them all.
Roll roll_of(const Users& users, const RollPage& page, std::size_t bytes_max) {
  Roll roll;
  roll.count = users.size();
  std::vector<std::string_view> first;
  for (std::size_t i = 0; i < users.slots(); ++i) {
    const Users::User& user = users.slot(i);
    if (user.client == nullptr || user.name <= page.after) continue;
    if (first.size() == page.limit) {
      roll.more = true;
      if (first.empty() || user.name > first.front()) continue;
      std::pop_heap(first.begin(), first.end());
      first.pop_back();
    }
    first.emplace_back(user.name);
    std::push_heap(first.begin(), first.end());
  }
  std::sort_heap(first.begin(), first.end());
  std::size_t bytes = 0;
  for (const std::string_view name : first) {
    bytes += 1 + name.size();
    if (bytes > bytes_max) {
      roll.more = true;
      break;
    }
    roll.names.emplace_back(name);
  }
  return roll;
}

Roll joined(const std::vector<Roll>& parts, std::size_t limit) {
  Roll all;
  const std::string* end = nullptr;  // behind it somebody's names may be missing
  for (const Roll& part : parts) {
    all.count += part.count;
    all.more = all.more || part.more;
    all.names.insert(all.names.end(), part.names.begin(), part.names.end());
    if (part.more && !part.names.empty() && (end == nullptr || part.names.back() < *end)) end = &part.names.back();
  }
  std::sort(all.names.begin(), all.names.end());
  all.names.erase(std::unique(all.names.begin(), all.names.end()), all.names.end());
  if (end != nullptr) all.names.erase(std::upper_bound(all.names.begin(), all.names.end(), *end), all.names.end());
  if (all.names.size() > limit) {
    all.names.resize(limit);
    all.more = true;
  }
  return all;
}

void write_roll(peer::Buffer& into, const Roll& roll) {
  peer::Writer write(into);
  write.u8(roll.more ? flag_more : 0);
  write.u64(roll.count);
  for (const std::string& name : roll.names) write.text8(name);
}

std::optional<Roll> read_roll(std::string_view bytes) {
  peer::Reader read(bytes);
  Roll roll;
  roll.more = (read.u8() & flag_more) != 0;
  roll.count = read.u64();
  while (read.more() && roll.names.size() < roll_names_max) roll.names.emplace_back(read.text8());
  if (!read.ok() || read.more()) return std::nullopt;
  return roll;
}

}  // namespace chat
