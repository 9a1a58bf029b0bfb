// The connection that a talk has at the moment, if it has one.
//
// Dials, reads and writes as the talk wants; the talk decides. Waits for dials and
// writes, to a deadline each, and never for something to read.
#pragma once

#include <optional>

#include "tools/common/connection.h"
#include "tools/crosstalk/lines.h"
#include "tools/crosstalk/talk.h"

namespace crosstalk {

Now now();

class Wire {
 public:
  explicit Wire(Talk& talk) : talk_(talk) {}

  // To be polled for input; -1 where there is none.
  int socket() const { return connection_ ? connection_->socket() : -1; }
  // For poll: until the talk wants a turn in any case.
  int wait_ms() const;

  // Whatever is due: what has come (`readable`), what is to be sent, a dial.
  void turn(bool readable);

 private:
  void dial();
  void read();
  void write();
  void lost(const std::string& why);

  Talk& talk_;
  std::optional<tool::Connection> connection_{};
  Lines lines_{};
};

}  // namespace crosstalk
