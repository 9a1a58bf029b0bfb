// What is done to mailboxes inside Redis, as one Lua script: several operations
// in one command, each on its own key, one after the other.
//
// A mailbox is a stream. Which chats lie in it is kept inside the stream as
// well, as the consumers of its consumer group `taken`: one for each entry that
// has a sender and an id, named by a digest of both. So an append knows in
// constant time whether its chat is there already, and one DEL ends all. The
// group's last id is the place up to which entries were taken. The group `seen`,
// which few mailboxes have, names those that were marked in the same way.
//
// Wants Redis 6.2: XGROUP CREATECONSUMER.
#pragma once

namespace node {

// KEYS: of each operation its mailbox, of a wake the channel.
// ARGV: mailbox.max, mailbox.ttl in milliseconds, bytes of a page, the time on
// Redis's clock after which an append is marked MAY_REPEAT (or nothing), then the
// words of each operation, the first of which says what it is:
//   a LINE SENDER ID MAY_REPEAT VIA   append; all but LINE may be empty, SENDER and ID both
//   t AFTER                           take
//   r COUNT ENTRY…                    remove, COUNT of 1 to 1000
//   m SENDER ID                       mark: that chat may have been SEEN
//   w USERS                           publish
// Answers a list, one element an operation:
//   a   "yes", "full", or Redis's words why not
//   t   {0} where there is no mailbox; {waiting, more, mark, removed, page} with
//       page a list of {entry, line, sender, id, may_repeat, via, seen}, mark the place
//       up to which entries had been taken before, removed the number of entries
//       that were none of ours; "again" where much had to be cleared away first
//   r m w a whole number
// behind them Redis's clock in milliseconds,
// and for each that failed the text of the error. A replica answers READONLY as a
// whole: it has done nothing.
extern const char* const mail_script;

}  // namespace node
