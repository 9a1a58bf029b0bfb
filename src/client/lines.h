// Lines out of a stream of bytes that arrives in pieces of any size.
//
// A line that lies whole in the bytes is borrowed from them; only while a line is
// partial is it kept here, and an idle splitter holds no memory. Knows nothing
// of what a line says.
//
//                  more, under the limit
//                       .--------.
//   empty --bytes--> partial -----'---- its end --> given --> empty
//                       | over the limit: too_large, once
//                       v
//                   skipping ---------- its end -----------> empty
//                       | over twice the limit: far_too_large, once
//                       v
//                     spent (all further bytes are swallowed)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace client {

class Lines {
 public:
  enum class Found : std::uint8_t { nothing, line, too_large, far_too_large };
  struct Next {
    Found found = Found::nothing;
    std::string_view line;  // without its end; borrowed until the next call
  };

  // What ends a line: LF or CR LF always; CR NUL too for people (RFC 854, "the
  // NVT printer": a bare return travels as CR NUL).
  enum class Ends : std::uint8_t { lf, lf_or_cr_nul };

  // The next of what `bytes` brings, which is taken from their front; call until
  // it finds nothing. A line may have `limit` bytes without its end. Behind
  // a line 64 bytes are readable if they are behind `bytes`.
  Next next(std::string_view& bytes, std::size_t limit, Ends ends);

 private:
  enum class State : std::uint8_t { empty, partial, given, skipping, spent };

  struct End {
    std::size_t at = 0;  // of the byte that ends the line, or the number of bytes where none does
    bool found = false;
    bool after_cr = false;  // the byte before is CR: it belongs to the end, or may
  };
  End find_end(std::string_view bytes, Ends ends) const;
  void keep(std::string_view bytes);
  void drop();

  std::string kept_;        // of the partial line, and room for 64 bytes more
  std::size_t passed_ = 0;  // bytes of the partial line that are no longer in `bytes`
  State state_ = State::empty;
  bool cr_passed_ = false;  // the last of them was CR
};

}  // namespace client
