// What client sessions ask of the chat layer: log in, send, say what became of a
// delivery. Implemented by chat::Router; a session needs to know no more.
#pragma once

#include <string_view>

#include "src/chat/client.h"
#include "src/chat/draft.h"
#include "src/chat/roll.h"

namespace chat {

class Desk {
 public:
  // The hash of a name, computed once and handed along.
  virtual std::uint64_t hash(std::string_view name) const = 0;

  // `name` is valid. An older session of that user, here or elsewhere, is
  // kicked. The id is good until logout(). Client::on_ready follows, perhaps
  // from inside, once it is known what waits in the mailbox.
  virtual ClientId login(Client& client, std::string_view name) = 0;
  // The session is over or was kicked; unknown ids are ignored.
  virtual void logout(ClientId id) = 0;

  // A checked chat from a logged-in session. The outcome comes through
  // Client::on_outcome, at once (inside this call) where it is a failure.
  virtual void chat(ClientId from, const Draft& draft) = 0;

  // The end of a delivery; see Client::deliver.
  virtual void on_written(const Origin& origin) = 0;
  virtual void on_delivered(const Origin& origin) = 0;
  virtual void on_unwritten(const Origin& origin) = 0;
  virtual void on_unread(const Origin& origin) = 0;

  virtual bool online(std::string_view name) const = 0;

  // Who is online on all nodes. Client::on_roll follows, perhaps from inside; not where
  // the session ends first. False: too many are asking already.
  virtual bool who(ClientId asker, const RollPage& page) = 0;

 protected:
  ~Desk() = default;
};

}  // namespace chat
