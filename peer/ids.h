// What things are called: nodes, their lives, their addresses, users.
//
// Pure values. Parsers take what a person or another node wrote and answer
// with the value or with the sentence why not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "peer/result.h"

namespace peer {

// One life of a node: drawn at random at its start and again whenever it finds
// that the others had given it up.
enum class Incarnation : std::uint64_t { none = 0 };
std::string to_string(Incarnation);                       // 16 hexadecimal digits
Result<Incarnation> parse_incarnation(std::string_view);  // exactly those

// The place of a numbered frame in its stream, from 1; 0 is "none yet".
using Seq = std::uint64_t;

// [A-Za-z0-9._-], 1 to 64 bytes.
bool valid_node_name(std::string_view);

// The rule for users and rooms: 1 to 64 bytes of UTF-8 without white space,
// control, zero-width or bidirectional characters and FEFF. No normalisation.
bool valid_user_name(std::string_view);

// HOST:PORT as written by people: a name, an IPv4 address, or an IPv6 address
// in brackets. HOST is kept without the brackets.
struct Address {
  std::string host;
  std::uint16_t port = 0;
  auto operator<=>(const Address&) const = default;
};
std::string to_string(const Address&);
Result<Address> parse_address(std::string_view);

// 0.0.0.0, :: and their spellings: good to listen on, useless to dial.
bool is_wildcard(const Address&);
// 127.0.0.0/8, ::1 and "localhost".
bool is_loopback(const Address&);

// NAME@HOST:PORT, one member of the set of nodes.
struct Member {
  std::string name;
  Address address;
  auto operator<=>(const Member&) const = default;
};
std::string to_string(const Member&);
Result<Member> parse_member(std::string_view);

}  // namespace peer
