// The line of a chat, as it lies in a node and goes over links: its id, its pieces.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "peer/mesh.h"

namespace chat {

// Of a body that this process has written or looked at before.
peer::DecodedChat decode(std::string_view body);

// The id that a line bears whose sender gave none, with its quotes; empty where it has none.
std::string_view server_id(std::string_view line);

// Its sender's, or the server's.
std::string_view id_of(std::string_view line, const peer::Ticket& ticket);

std::string join(std::span<const std::string_view> pieces, std::size_t bytes);

}  // namespace chat
