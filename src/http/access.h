// Who may ask for what not everybody may.
//
// With tokens, whoever bears one: "Authorization: Bearer TOKEN". Without, whoever
// is on this host and is not led here by somebody elsewhere: by a web page (a
// foreign Origin), by a name that points here (a foreign Host), or by a proxy
// (Forwarded and its like). Holds digests of the tokens only. A value, part of the site.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/http/message.h"

namespace http {

class Access {
 public:
  // `origins`: "https://chat.example.net", in lower case; their pages may ask too.
  Access(const std::vector<std::string>& tokens, std::vector<std::string> origins);

  // Nothing: it may. `loopback`: the connection comes from this host.
  std::optional<Response> refuse(const Request& request, bool loopback) const;

 private:
  using Digest = std::array<unsigned char, 32>;
  static Digest digest(std::string_view token);

  bool bears_token(const Request& request) const;
  bool own_origin(const Request& request) const;

  std::vector<Digest> tokens_;
  std::vector<std::string> origins_;
};

}  // namespace http
