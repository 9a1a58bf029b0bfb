// What people type into `crosstalk login`. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crosstalk {

struct Typed {
  enum class What : std::uint8_t { nothing, text, msg, who, help, quit, misused };
  What what = What::nothing;
  std::string name{};  // msg: to whom; who: after whom
  std::string text{};  // text, msg: what to say; misused: what to type instead
};

Typed read_typed(std::string_view line);

// What /help prints.
inline constexpr std::string_view typed_help =
    "/msg NAME TEXT  write to NAME; afterwards a bare line goes there too\n"
    "/who [NAME]     who is online; with NAME, those who come after it\n"
    "/quit           leave, when all that was written has its outcome\n"
    "/help           this list\n"
    "//TEXT          a line that begins with /";

}  // namespace crosstalk
