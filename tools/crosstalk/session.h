// One short visit to a server: connect, log in perhaps, ask, wait for the answer.
//
// Everything is waited for, to one deadline. For what outlives a connection there is
// Talk. Of what the server sends, only what answers is of interest; it confirms
// nothing, so what waits for its user stays there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/common/address.h"
#include "tools/common/connection.h"
#include "tools/common/result.h"
#include "tools/crosstalk/exit.h"
#include "tools/crosstalk/lines.h"
#include "tools/crosstalk/message.h"

namespace crosstalk {

class Session {
 public:
  using Deadline = tool::Clock::time_point;

  // With the first of the servers that can be reached.
  static tool::Result<Session, Error> open(const std::vector<tool::Address>& servers, Deadline deadline);
  // The same, logged in; one that is full or stops points to another, or is passed over.
  static tool::Result<Session, Error> open_as(std::string_view name, std::string_view token,
                                              const std::vector<tool::Address>& servers, Deadline deadline);

  // The failure is the connection's, or the deadline's.
  tool::Result<std::size_t, Error> send(std::string_view line);
  tool::Result<Message, Error> next();

  // That of the node that answers.
  const std::string& node() const { return node_; }

 private:
  Session(tool::Connection connection, tool::Address server, Deadline deadline)
      : connection_(std::move(connection)), server_(std::move(server)), deadline_(deadline) {}

  static tool::Result<Session, Error> open_at(const tool::Address& server, Deadline deadline);
  static tool::Result<Session, Error> open_as_at(std::string_view name, std::string_view token, tool::Address server,
                                                 Deadline deadline);
  tool::Result<Message, Error> answer_to_login(std::string_view name, std::string_view token);
  Error trouble(tool::NetTrouble trouble, const std::string& why) const;

  tool::Connection connection_;
  tool::Address server_;
  Deadline deadline_;
  Lines lines_{};
  std::string node_{};
};

// What the server answered instead, as an ending.
Error refused(const Message& message);

}  // namespace crosstalk
