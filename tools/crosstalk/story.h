// The story of one chat: the answer of GET /v1/chats/ID, in lines for people. Pure,
// but for the time zone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crosstalk {

// Nothing where it is no such answer. The first line is the chat, then one a step: when
// it was, first the time and then what had passed since; where; what.
std::optional<std::vector<std::string>> story_for_people(std::string_view json);

}  // namespace crosstalk
