// Mailboxes in memory for a town's routers: they do what they are asked when the
// test says so, and break when it wishes.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/unit/small_town.h"

namespace small_town {

// What all nodes share.
struct Shelf {
  struct Kept {
    chat::EntryId at;
    std::string line, sender, id;
    bool may_repeat = false;
    chat::Via via;
    bool marked = false;
  };
  struct Mailbox {
    std::vector<Kept> entries;
    chat::EntryId taken;
  };
  std::map<std::string, Mailbox, std::less<>> mailboxes;
  std::uint64_t last = 0;
  std::size_t max = 1000;
  std::size_t page = 3;

  std::size_t waiting(std::string_view user) const {
    const auto at = mailboxes.find(user);
    return at == mailboxes.end() ? 0 : at->second.entries.size();
  }
};

// One node's way to it.
class Post final : public chat::Store {
 public:
  Post(Shelf& shelf, chat::Store::Keeper& keeper) : shelf_(shelf), keeper_(keeper) {}

  std::function<void(std::string_view node, std::string_view user)> on_wake;
  bool works = true;       // at once; else when the test calls run()
  std::size_t asked = 0;   // commands
  bool forgetful = false;  // executes, and does not answer

  bool up() const override { return up_; }
  std::size_t page_bytes() const override { return 1U << 18U; }
  void append(std::uint64_t token, const chat::Mail& mail) override {
    Shelf::Kept kept{
        {}, std::string(mail.line), std::string(mail.sender), std::string(mail.id), mail.may_repeat, mail.via, false};
    ask([this, token, user = std::string(mail.user), kept](bool reached) {
      const Stored how = reached ? put(user, kept) : Stored::unavailable;
      keeper_.on_stored(token, forgetful && reached ? Stored::unknown : how);
    });
  }
  void take(std::uint64_t token, std::string_view user, chat::EntryId after) override {
    ask([this, token, name = std::string(user), after](bool reached) {
      if (!reached || forgetful) return keeper_.on_taken(token, {});
      Shelf::Mailbox& mailbox = shelf_.mailboxes[name];
      std::vector<Entry> page;
      Taken taken;
      taken.ok = true;
      for (const Shelf::Kept& kept : mailbox.entries)
        if (kept.at > after) {
          if (++taken.waiting > shelf_.page) continue;
          page.push_back({kept.at, kept.line, kept.sender, kept.id, kept.may_repeat,
                          kept.at <= mailbox.taken || kept.marked, kept.via});
        }
      taken.more = taken.waiting > page.size();
      if (!page.empty()) mailbox.taken = std::max(mailbox.taken, page.back().at);
      const std::vector<Shelf::Kept> lent = mailbox.entries;  // what is handed on may be removed meanwhile
      for (Entry& entry : page)
        for (const Shelf::Kept& kept : lent)
          if (kept.at == entry.at) entry.line = kept.line, entry.sender = kept.sender, entry.id = kept.id;
      taken.entries = page;
      keeper_.on_taken(token, taken);
    });
  }
  void remove(std::string_view user, chat::EntryId at) override {
    ask([this, name = std::string(user), at](bool reached) {
      if (!reached) return left_.push_back({name, at});
      std::erase_if(shelf_.mailboxes[name].entries, [at](const Shelf::Kept& kept) { return kept.at == at; });
    });
  }
  void mark(std::string_view user, std::string_view sender, std::string_view id) override {
    ask([this, name = std::string(user), from = std::string(sender), token = std::string(id)](bool reached) {
      if (!reached) return marks_left_.push_back({name, from, token});
      for (Shelf::Kept& kept : shelf_.mailboxes[name].entries)
        if (kept.sender == from && kept.id == token) kept.marked = true;
    });
  }
  void wake(std::string_view node, std::string_view user) override {
    if (up_ && on_wake) on_wake(node, user);
  }

  // Does what it was asked.
  void run() {
    while (!queue_.empty()) run_one();
  }
  void run_one() {
    const auto next = std::move(queue_.front());
    queue_.pop_front();
    next(up_);
  }
  void break_down() {
    up_ = false;
    run();
  }
  void come_back() {
    up_ = true;
    for (const auto& [user, at] : std::exchange(left_, {})) remove(user, at);
    for (const auto& [user, sender, id] : std::exchange(marks_left_, {})) mark(user, sender, id);
    run();
    keeper_.on_store_up();
  }

 private:
  void ask(std::function<void(bool)> what) {
    ++asked;
    queue_.push_back(std::move(what));
  }
  Stored put(const std::string& user, Shelf::Kept kept) {
    Shelf::Mailbox& mailbox = shelf_.mailboxes[user];
    for (const Shelf::Kept& each : mailbox.entries)
      if (!kept.id.empty() && each.sender == kept.sender && each.id == kept.id) return Stored::yes;
    if (mailbox.entries.size() >= shelf_.max) return Stored::full;
    kept.at = {1, ++shelf_.last};
    mailbox.entries.push_back(std::move(kept));
    return Stored::yes;
  }

  Shelf& shelf_;
  Keeper& keeper_;
  bool up_ = true;
  std::deque<std::function<void(bool)>> queue_;
  std::vector<std::pair<std::string, chat::EntryId>> left_;
  std::vector<std::array<std::string, 3>> marks_left_;
};

// A town with a post.
class PostTown {
 public:
  explicit PostTown(int nodes) : town(nodes) {
    for (int n = 1; n <= nodes; ++n) {
      posts_.push_back(std::make_unique<Post>(shelf, town.router(n)));
      town.router(n).attach_store(*posts_.back());
      posts_.back()->on_wake = [this](std::string_view node, std::string_view user) {
        const int to = node.back() - '0';
        if (hears_wakes && post(to).up()) town.router(to).on_wake(user);
      };
    }
  }
  Post& post(int n) { return *posts_[static_cast<std::size_t>(n - 1)]; }
  // Lets links and posts work until nothing is left to do.
  void pump() {
    for (int round = 0; round < 50; ++round) {
      town.net.pump();
      for (const auto& post : posts_)
        if (post->works) post->run();
      for (std::size_t n = 1; n <= posts_.size(); ++n) town.router(static_cast<int>(n)).tick(town.net.now);
    }
  }

  Shelf shelf;
  bool hears_wakes = true;
  Town town;

 private:
  std::vector<std::unique_ptr<Post>> posts_;
};

}  // namespace small_town
