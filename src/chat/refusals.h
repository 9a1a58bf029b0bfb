// Places that have refused a chat: nodes with the newest login that they can have
// meant, once or twice for it: else a chat would be sent there again for as long as
// this node has not heard of the logout. Pure.
#pragma once

#include <vector>

#include "peer/mesh.h"

namespace chat {

using Refusals = std::vector<peer::Mesh::Login>;

// A second time for the same login it stands there twice.
void note(Refusals& refused, const peer::Mesh::Login& login);

bool refuses(const Refusals& refused, const peer::Mesh::Login& login);

// Of those that have refused, who was asked again and has refused once more.
Refusals for_good(const Refusals& refused);

}  // namespace chat
