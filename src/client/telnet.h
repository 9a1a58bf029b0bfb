// The telnet protocol (RFC 854) of one connection: takes the commands out of
// what arrives and refuses every option.
//
// Made for a connection once a byte 0xFF (IAC) arrives, which UTF-8 does
// not have; from then on every byte goes through. Never speaks first, keeps no
// option, decompresses nothing. Owned by the session.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

struct telnet_t;
union telnet_event_t;

namespace client {

inline constexpr char telnet_iac = '\xff';

class Telnet {
 public:
  Telnet();
  ~Telnet();
  Telnet(const Telnet&) = delete;
  Telnet& operator=(const Telnet&) = delete;

  // Appends to `data` what is no command, and to `answers` the refusals, at
  // most `answers_max` bytes: further ones are dropped, and who asks
  // without end is answered no more. False where the other side cannot be
  // understood any longer (a subnegotiation over 16 KiB, compression nobody asked
  // for): the connection is to be closed, nothing more will come out of it.
  bool take(std::string_view bytes, std::string& data, std::string& answers, std::size_t answers_max);

 private:
  static void on_event(telnet_t*, telnet_event_t* event, void* self) noexcept;
  void handle(const telnet_event_t& event);

  telnet_t* telnet_;
  // Only within take():
  std::string* data_ = nullptr;
  std::string* answers_ = nullptr;
  std::size_t answers_max_ = 0;
  bool broken_ = false;
};

}  // namespace client
