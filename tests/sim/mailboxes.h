// The mailboxes of a storm: what Redis holds, the same for all nodes.
//
// Keeps the contract of src/chat/store.h as the script of the daemon does: a
// mailbox is in the order of its entries' ids, bounded in number and age; a
// (sender, id) is in it once; what lies before its mark was taken. Can lose what
// it holds, and tells the judge of what. Knows no connections; see mail_line.h.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/chat/store.h"
#include "tests/sim/events.h"
#include "tests/sim/judge.h"
#include "tests/sim/plan.h"

namespace sim {

class Mailboxes {
 public:
  struct Entry {
    Time since{0};
    std::string line;
    std::string sender;
    std::string id;
    bool may_repeat = false;
    bool marked = false;          // seen otherwise
    bool late = false;            // done after its node had given up on it
    std::uint8_t node = nowhere;  // who stored it, in which life
    std::uint32_t life = 0;
    chat::Via via;
  };
  // Of a take, by value.
  struct Page {
    std::size_t waiting = 0;
    bool more = false;
    chat::EntryId mark;  // before it
    std::vector<std::pair<chat::EntryId, Entry>> entries;
  };

  Mailboxes(const Plan& plan, Judge& judge) : plan_(&plan), judge_(&judge) {}

  // False: it is full.
  bool append(Time now, const std::string& user, Entry entry);
  Page take(Time now, const std::string& user, chat::EntryId after, std::size_t most);
  void remove(Time now, const std::string& user, chat::EntryId at);
  void mark(const std::string& user, const std::string& sender, const std::string& id);

  // All of it is gone.
  void flush();
  // What is kept of it, and what is there again after a crash.
  void save() { saved_ = boxes_; }
  void restore();

  std::size_t page_bytes() const { return plan_->mail_page_bytes; }
  bool empty() const { return boxes_.empty(); }
  struct Box {
    std::map<chat::EntryId, Entry> entries;
    std::set<std::pair<std::string, std::string>> names;
    chat::EntryId mark;
    chat::EntryId last;
    Time removed_at{0};  // something of it
  };
  const std::map<std::string, Box>& boxes() const { return boxes_; }

 private:
  void expire(Time now, const std::string& user);
  void take_out(Box& box, std::map<chat::EntryId, Entry>::iterator at);

  const Plan* plan_;
  Judge* judge_;
  std::map<std::string, Box> boxes_;
  std::map<std::string, Box> saved_;
};

}  // namespace sim
