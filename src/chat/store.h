// Mailboxes: what must outlive a connection.
//
// The chat layer's view of them; node::MailStore keeps them in Redis, the
// simulator in memory. A user's mailbox is a queue of entries, oldest first,
// bounded in number and age. Nothing here blocks: what is asked is answered
// through the Keeper, later, never from inside; of one user's appends, takes and
// removals each is done before the next.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "peer/ids.h"

namespace chat {

// An entry's place in its mailbox: the later is greater.
struct EntryId {
  std::uint64_t ms = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const EntryId&) const = default;
};

// The numbered stream that a chat was on before it was stored, so that the owner
// that it was for can tell whether it has come that way: of this life of the
// sender's node, to that life of the owner's.
struct Via {
  peer::Incarnation from{};
  peer::Incarnation to{};
  peer::Seq seq = 0;  // 0: it was on none
};

// All borrowed.
struct Mail {
  std::string_view user;    // whose mailbox
  std::string_view line;    // as Delivery::line
  std::string_view sender;  // tokens of the line, which name the chat;
  std::string_view id;      // both empty where its id is a server's
  bool may_repeat = false;  // its recipient may have it already
  Via via;
};

class Store {
 public:
  enum class Stored : std::uint8_t {
    yes,          // it is in the mailbox, now or since an earlier append of the same (sender, id)
    full,         // mailbox.max
    unavailable,  // Redis is down; it is not in the mailbox
    unknown,      // Redis was asked and has not answered
  };

  struct Entry {
    EntryId at;
    std::string_view line;
    std::string_view sender;
    std::string_view id;
    bool may_repeat = false;  // as it was stored
    bool taken = false;       // it was taken before, or marked
    Via via;
  };
  struct Taken {
    bool ok = false;          // false: Redis is down, nothing else holds
    std::size_t waiting = 0;  // in the mailbox after the place asked for, these included
    bool more = false;        // entries follow the last of these
    std::span<const Entry> entries;
  };

  class Keeper {
   public:
    virtual void on_stored(std::uint64_t token, Stored how) = 0;
    virtual void on_taken(std::uint64_t token, const Taken& taken) = 0;
    // Another node has stored something for a user who is here.
    virtual void on_wake(std::string_view user) = 0;
    // It can be asked (again). Wakes may have been missed before.
    virtual void on_store_up() = 0;

   protected:
    ~Keeper() = default;
  };

  // False: append and take would be answered `unavailable` and not ok.
  virtual bool up() const = 0;

  // `token` comes back with the answer.
  virtual void append(std::uint64_t token, const Mail& mail) = 0;
  // Bytes of lines in a page that holds more than one entry.
  virtual std::size_t page_bytes() const = 0;
  // The oldest entries behind `after`, as many as fit in a page (at least one).
  // They stay until removed and count as taken from now on.
  virtual void take(std::uint64_t token, std::string_view user, EntryId after) = 0;
  // Kept in mind, within a bound, until it could be done.
  virtual void remove(std::string_view user, EntryId at) = 0;
  // That chat was handed to its recipient otherwise: its entry, where there is one,
  // counts as taken from now on. Kept in mind like a removal.
  virtual void mark(std::string_view user, std::string_view sender, std::string_view id) = 0;
  // Tells the node of that name, over Redis, that something waits for a user of
  // its; where Redis is down nothing is told.
  virtual void wake(std::string_view node, std::string_view user) = 0;

 protected:
  ~Store() = default;
};

}  // namespace chat
