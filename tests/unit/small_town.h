// Routers on a small net, and people who chat through them: sessions without
// sockets, which read when the test says so.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/chat/router.h"
#include "tests/unit/small_net.h"

namespace small_town {

using namespace std::chrono_literals;

// A session. What waits when it ends is written (flush) or given back (lose).
class Person final : public chat::Client {
 public:
  Person(chat::Router& router, std::string name) : router_(router), name_(std::move(name)) {}

  chat::ClientId login() { return id = router_.login(*this, name_); }
  void send(std::string_view recipient, std::string_view text, std::string_view token = {}) {
    const std::string sender = '"' + name_ + '"';
    chat::Draft draft;
    draft.recipient = recipient;
    draft.hash = router_.hash(recipient);
    draft.lay({R"({"cmd":"chat","send":)", sender, token, "\t", text, "\n"});
    draft.id_at = static_cast<std::uint32_t>(peer::chat_sender_at + sender.size());
    draft.id_length = static_cast<std::uint16_t>(token.size());
    draft.sender_length = static_cast<std::uint8_t>(sender.size());
    draft.retry = retries;
    router_.chat(id, draft);
  }
  // With its text as its id.
  void send_known(std::string_view recipient, const std::string& text) { send(recipient, text, '"' + text + '"'); }

  // The kernel takes what waits.
  void flush() {
    while (!waiting.empty()) {
      const Delivery delivery = std::move(waiting.front());
      waiting.pop_front();
      got.push_back(delivery.text);
      if (diary != nullptr) diary->push_back(delivery.text);
      if (acknowledges)
        unconfirmed.push_back(delivery);
      else
        router_.on_written(delivery.origin);
    }
  }
  // Its client acknowledges all that it has read.
  void confirm() {
    for (; !unconfirmed.empty(); unconfirmed.pop_front()) router_.on_delivered(unconfirmed.front().origin);
  }
  void lose() {
    while (!unconfirmed.empty()) {
      const chat::Origin origin = unconfirmed.front().origin;
      unconfirmed.pop_front();
      router_.on_unread(origin);
    }
    while (!waiting.empty()) {
      const chat::Origin origin = waiting.front().origin;
      waiting.pop_front();
      router_.on_unwritten(origin);
    }
  }
  // The connection is gone.
  void hang_up() {
    router_.logout(std::exchange(id, 0));
    lose();
  }

  void on_ready(std::size_t n) override { ready.push_back(n); }
  void deliver(const chat::Delivery& delivery, const chat::Origin& origin) override {
    const std::string_view line = delivery.line;
    const std::size_t tab = line.find('\t');
    const std::string text(line.substr(tab + 1, line.size() - tab - 2));
    waiting.push_back({text + (delivery.stored ? " stored" : "") + (delivery.redelivered ? " again" : ""), origin});
    if (hangs_up) return hang_up();
    if (reads) flush();
  }
  std::size_t waiting_bytes() const override { return waiting.size() * bytes_each; }
  void on_outcome(std::string_view token, std::size_t, chat::Outcome outcome, bool maybe) override {
    static constexpr const char* words[] = {"delivered",    "written", "stored",     "no_such_user",
                                            "mailbox_full", "busy",    "unavailable"};
    outcomes.push_back(std::string(token) + " " + words[static_cast<std::size_t>(outcome)] + (maybe ? " maybe" : ""));
  }
  void on_roll(const chat::Roll&) override {}
  void kick(chat::KickReason why) override {
    kicked.push_back(why);
    id = 0;
    if (reads) flush();
  }

  struct Delivery {
    std::string text;
    chat::Origin origin;
  };
  chat::ClientId id = 0;
  bool reads = true;                          // at once; else when the test calls flush()
  bool hangs_up = false;                      // at the next delivery
  bool acknowledges = false;                  // when the test calls confirm()
  bool retries = false;                       // "retry":true
  std::size_t bytes_each = 0;                 // counted for what waits
  std::vector<std::string>* diary = nullptr;  // where all write down what they got, in order
  std::deque<Delivery> waiting;
  std::deque<Delivery> unconfirmed;
  std::vector<std::size_t> ready;  // what the login was told to be waiting
  std::vector<std::string> got;
  std::vector<std::string> outcomes;
  std::vector<chat::KickReason> kicked;

 private:
  chat::Router& router_;
  std::string name_;
};

using Texts = std::vector<std::string>;

inline std::string joined(const Texts& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}
inline void expect_texts(const Texts& found, const Texts& expected, const char* sentence) {
  ck_assert_msg(found == expected, "%s: expected '%s', found '%s'", sentence, joined(expected).c_str(),
                joined(found).c_str());
}

class Town {
 public:
  explicit Town(int nodes) : count_(nodes) {
    for (int n = 1; n <= nodes; ++n) open(n, small_net::Net::settings(n, nodes));
  }
  // A (new) process for node n.
  void open(int n, peer::Mesh::Settings settings) {
    const auto at = static_cast<std::size_t>(n - 1);
    if (at >= routers_.size()) routers_.resize(at + 1), hosts_.resize(at + 1);
    net.kill(small_net::Net::address(n));
    routers_[at] = std::make_unique<chat::Router>(chance_);
    hosts_[at] = &net.add(std::move(settings), *routers_[at]);
    routers_[at]->attach(hosts_[at]->mesh, clock);
  }
  void reopen(int n) {
    open(n, small_net::Net::settings(n, count_));
    host(n).mesh.start(net.now);
  }
  void settle() {
    net.run_until([this] {
      return std::all_of(hosts_.begin(), hosts_.end(), [](small_net::Host* host) { return host->mesh.whole(); });
    });
    net.pump();
  }
  void start() {
    net.start();
    settle();
  }
  chat::Router& router(int n) { return *routers_[static_cast<std::size_t>(n - 1)]; }
  small_net::Host& host(int n) { return *hosts_[static_cast<std::size_t>(n - 1)]; }
  // A session of `name` at node n; logged in.
  Person& join(int n, const std::string& name) {
    people_.push_back(std::make_unique<Person>(router(n), name));
    people_.back()->login();
    return *people_.back();
  }

  struct Clock final : chat::WallClock {
    std::int64_t ms = 1000;
    std::int64_t wall_ms() const override { return ms; }
  } clock;
  small_net::Net net;

 private:
  int count_;
  peer::SeededChance chance_{7};
  std::vector<std::unique_ptr<chat::Router>> routers_;
  std::vector<small_net::Host*> hosts_;
  std::vector<std::unique_ptr<Person>> people_;
};

}  // namespace small_town
