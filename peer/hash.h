// SipHash-1-3 (Aumasson and Bernstein 2012): the keyed hash of user names.
//
// Each process draws its own key, so nobody outside can make names that
// collide. A hash never leaves the process: names travel, hashes don't.
#pragma once

#include <cstdint>
#include <string_view>

namespace peer {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// The general form, so that the published vectors (of SipHash-2-4) can hold it.
template <int c_rounds, int d_rounds>
std::uint64_t siphash(HashKey key, std::string_view text);

inline std::uint64_t name_hash(HashKey key, std::string_view name);

}  // namespace peer

#include <bit>
#include <cstring>

namespace peer {

template <int c_rounds, int d_rounds>
std::uint64_t siphash(HashKey key, std::string_view text) {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t v0 = key.k0 ^ 0x736f6d6570736575U;
  std::uint64_t v1 = key.k1 ^ 0x646f72616e646f6dU;
  std::uint64_t v2 = key.k0 ^ 0x6c7967656e657261U;
  std::uint64_t v3 = key.k1 ^ 0x7465646279746573U;
  const auto rounds = [&](int n) {
    for (int i = 0; i < n; ++i) {
      v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
      v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
      v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
      v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
    }
  };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    v3 ^= word;
    rounds(c_rounds);
    v0 ^= word;
  }
  std::uint64_t last = 0;
  if (text.size() >= 8 && left > 0) {
    std::memcpy(&last, at + left - 8, 8);  // the last eight, of which the first were taken
    last >>= 8 * (8 - left);
  } else {
    for (std::size_t i = 0; i < left; ++i)
      last |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  }
  last |= static_cast<std::uint64_t>(text.size()) << 56U;
  v3 ^= last;
  rounds(c_rounds);
  v0 ^= last;
  v2 ^= 0xffU;
  rounds(d_rounds);
  return v0 ^ v1 ^ v2 ^ v3;
}

inline std::uint64_t name_hash(HashKey key, std::string_view name) { return siphash<1, 3>(key, name); }

}  // namespace peer
