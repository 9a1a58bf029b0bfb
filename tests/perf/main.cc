// Fixed scripts, played for valgrind --tool=callgrind to count what they take: tests/perf/check.py
// runs this program. Each part of each script becomes a dump of callgrind's, SCRIPT/TIMES.
#include <valgrind/callgrind.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/perf/pair.h"

namespace {

// Of a script, one after the other: their median is not that of a turn that had
// something rare to do.
constexpr int parts = 5;
constexpr std::size_t pairs = 8;
constexpr std::size_t content_bytes = 128;

// Chats from people at n1, each to a recipient of their own.
struct Chats {
  const char* name;
  int to;              // the recipients' node
  bool acknowledging;  // the recipients
  bool id;             // an outcome is told
  std::size_t burst;   // by each sender, before anybody reads; 1: and one sender after the other
  std::size_t rounds;
};

constexpr Chats scripts[] = {
    {"local", 1, false, false, 1, 256},      //
    {"remote", 2, false, false, 1, 256},     //
    {"remote-id", 2, false, true, 1, 256},   //
    {"remote-ack", 2, true, true, 1, 256},   //
    {"remote-16", 2, false, false, 16, 8},   //
    {"remote-id-16", 2, false, true, 16, 8}  //
};
constexpr std::size_t logins = 128;

using People = std::vector<std::unique_ptr<perf::Person>>;

class Play {
 public:
  void run() {
    for (std::size_t i = 0; i < pairs; ++i) senders_.push_back(come(1, "sender" + std::to_string(i), false));
    meet();
    chats_ = 100'000;  // however often they had to ask
    CALLGRIND_START_INSTRUMENTATION;
    for (const Chats& script : scripts) play(script);
    play_logins();
    CALLGRIND_STOP_INSTRUMENTATION;
  }

 private:
  std::unique_ptr<perf::Person> come(int node, const std::string& name, bool acknowledges) {
    auto person = std::make_unique<perf::Person>(pair_, pair_.house(node));
    person->login(name, acknowledges);
    return person;
  }

  // Until who is at the one node is heard at the other.
  void meet() {
    perf::Person& asks = *senders_.front();
    const auto there = come(2, "there", false);
    for (int asked = 0; asks.last_line().find("written") == std::string_view::npos; ++asked) {
      if (asked == 10'000) perf::give_up("the nodes are not linked");
      asks.say(chat("there", true));
      asks.hears(1);
    }
    pair_.settle();
  }

  // Ids are of one length.
  std::string chat(const std::string& to, bool with_id) {
    std::string line = R"({"cmd":"chat","recv":")" + to + R"(","content":")" + std::string(content_bytes, 'x') + '"';
    if (with_id) line += R"(,"id":"a-chat-)" + std::to_string(++chats_) + '"';
    return line + "}\n";
  }

  static std::string recipient(const Chats& script, std::size_t i) { return script.name + ("-" + std::to_string(i)); }

  void play(const Chats& script) {
    People recipients;
    for (std::size_t i = 0; i < pairs; ++i)
      recipients.push_back(come(script.to, recipient(script, i), script.acknowledging));
    pair_.settle();
    const std::size_t at_once = script.burst == 1 ? 1 : pairs;
    for (int part = 0; part <= parts; ++part) {
      std::size_t times = 0;
      for (std::size_t n = 0; n < script.rounds; ++n) {
        const std::size_t from = n * at_once % pairs;
        round(script, recipients, from, from + at_once);
        times += at_once * script.burst;
      }
      dump(part, script.name, times);
    }
    recipients.clear();
    pair_.settle();
  }

  void round(const Chats& script, People& recipients, std::size_t from, std::size_t end) {
    for (std::size_t i = from; i < end; ++i) {
      std::string lines;
      for (std::size_t n = 0; n < script.burst; ++n) lines += chat(recipient(script, i), script.id);
      senders_[i]->say(lines);
    }
    for (std::size_t i = from; i < end; ++i) {
      recipients[i]->hears(script.burst);
      if (script.acknowledging)
        recipients[i]->say(R"({"cmd":"ack","seq":)" + std::to_string(recipients[i]->heard() - greeting) + "}\n");
    }
    for (std::size_t i = from; script.id && i < end; ++i) senders_[i]->hears(script.burst);
    pair_.settle();
  }

  void play_logins() {
    for (int part = 0; part <= parts; ++part) {
      People people;
      for (std::size_t n = 0; n < logins; ++n) {
        people.push_back(come(1, "visitor" + std::to_string(1000 + n), false));
        pair_.settle();
      }
      dump(part, "login", logins);
      people.clear();
      pair_.settle();
      drop();
    }
  }

  // What was counted since the last dump. The first part is a rehearsal: buffers and
  // tables grow to their size, and people have come and gone.
  static void dump(int part, const std::string& name, std::size_t times) {
    if (part == 0) return drop();
    const std::string label = name + "/" + std::to_string(times);  // the macro takes no temporary
    CALLGRIND_DUMP_STATS_AT(label.c_str());
  }
  static void drop() { CALLGRIND_DUMP_STATS_AT("nothing of interest"); }

  static constexpr std::size_t greeting = 2;  // lines: hello, and the answer to login

  perf::Pair pair_;
  People senders_;
  std::uint64_t chats_ = 0;  // under ids
};

}  // namespace

int main() {
#ifdef __clang__
  std::puts("clang++ " __clang_version__);
#else
  std::puts("g++ " __VERSION__);
#endif
  Play().run();
  return 0;
}
