// One node's talk with Redis about mailboxes, as node::MailStore has it: commands
// in order on one connection, answers in order, both on their way for a while.
//
// What the node sees is what a connection would show it: a loss, or silence, which
// it takes for a loss after a second. Commands that were out then are answered
// `unknown`; Redis may have done them, may yet do them much later, or never: so
// many of the first as the bytes that got through.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "peer/chance.h"
#include "src/chat/store.h"
#include "tests/sim/events.h"
#include "tests/sim/mailboxes.h"
#include "tests/sim/registry.h"
#include "tests/sim/trace.h"

namespace sim {

class MailLine;

// The server's side of all connections.
class MailServer {
 public:
  struct Op {
    enum class Kind : std::uint8_t { append, take, remove, mark, wake, ping };
    Kind kind = Kind::ping;
    std::uint64_t token = 0;
    std::string user;
    std::string node;        // wake
    Mailboxes::Entry entry;  // append; mark: its name
    chat::EntryId at;        // take: after; remove
    Time asked{0};
    std::uint64_t number = 0;  // in the order of asking
  };
  struct Answer {
    bool stored = false;
    Mailboxes::Page page;
  };
  using ConnNumber = std::uint32_t;

  MailServer(const Plan& plan, Events& events, Trace& trace, Registry& registry, Mailboxes& mailboxes,
             std::uint64_t seed)
      : plan_(&plan), events_(&events), trace_(&trace), registry_(&registry), mailboxes_(&mailboxes), chance_(seed) {}

  ConnNumber connect(std::uint8_t node, std::uint32_t life, Micros latency);
  void ask(ConnNumber conn, Op op);
  // By the node, for good. What is under way may still arrive.
  void close(ConnNumber conn);
  std::size_t page_bytes() const { return mailboxes_->page_bytes(); }
  // The next answer has arrived at the node; false: not yet.
  bool next(ConnNumber conn, Answer& answer);
  void handle(const Event&);
  // When something was last done for a node that had given it up.
  Time late_at() const { return late_at_; }
  // The process is gone, and all that was in its sockets.
  void crash();

 private:
  struct Conn {
    std::uint8_t node = nowhere;
    std::uint32_t life = 0;
    Micros latency{0};
    Time last_arrival{0};
    Time last_answer{0};
    bool closed = false;  // by the node
    bool broken = false;  // by Redis
    std::deque<Op> asked;
    std::deque<Answer> answers;
  };
  void execute(Conn& conn, ConnNumber number);
  void publish(const std::string& node, const std::string& user);
  Micros delay(const Conn& conn) { return conn.latency + Micros(chance_.below(300)); }

  const Plan* plan_;
  Events* events_;
  Trace* trace_;
  Registry* registry_;
  Mailboxes* mailboxes_;
  peer::SeededChance chance_;
  std::deque<Conn> conns_;
  Time late_at_{0};
  std::vector<std::string> wakes_;  // under way
  friend class MailLine;
};

class MailLine final : public chat::Store {
 public:
  // A process begins.
  MailLine(std::uint8_t node, std::uint32_t life, Events& events, Trace& trace, Registry& registry, MailServer& server,
           Judge& judge, chat::Store::Keeper& keeper, std::uint64_t seed);
  ~MailLine();

  // Events of this node's process: mail_try to mail_wake.
  void handle(const Event&);
  // Nothing is asked that could be answered.
  bool idle() const;
  Time up_since() const { return up_ ? up_since_ : peer::never; }

  // chat::Store
  bool up() const override { return up_; }
  void append(std::uint64_t token, const chat::Mail& mail) override;
  std::size_t page_bytes() const override { return server_->page_bytes(); }
  void take(std::uint64_t token, std::string_view user, chat::EntryId after) override;
  void remove(std::string_view user, chat::EntryId at) override;
  void mark(std::string_view user, std::string_view sender, std::string_view id) override;
  void wake(std::string_view node, std::string_view user) override;

 private:
  using Op = MailServer::Op;
  static constexpr MailServer::ConnNumber no_conn = ~MailServer::ConnNumber{0};

  void ask(Op op);
  std::deque<Op>& next_queue();
  void send_some();
  void connect();
  void watch();
  void lose(std::string_view why);
  void answered();
  void answer(const Op& op, MailServer::Answer& answer);
  void fail(const Op& op, bool was_out);
  void retry_later();

  const std::uint8_t node_;
  const std::uint32_t life_;
  Events* events_;
  Trace* trace_;
  Registry* registry_;
  MailServer* server_;
  Judge* judge_;
  chat::Store::Keeper* keeper_;
  peer::SeededChance chance_;
  const Micros latency_;

  bool up_ = false;
  Time up_since_{0};
  MailServer::ConnNumber conn_ = no_conn;
  unsigned tries_ = 0;
  std::uint64_t asked_ = 0;
  bool looks_first_ = false;  // where more is to be stored than can be out
  std::deque<Op> out_;        // asked, in order
  std::deque<Op> looks_;      // to be sent: takes, removals, marks
  std::deque<Op> stores_;     // … appends, wakes, pings
  std::deque<Op> owed_;       // removals and marks, while it is down
  std::vector<Op> refused_;   // asked while it was down; to be answered
};

}  // namespace sim
