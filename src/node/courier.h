// What nodes tell and ask each other besides chats: news, and questions to all.
//
// A datagram is of a topic, and whoever has to do with that topic has named it here.
// Best effort: news may be lost, and a question has its answers by its deadline or
// goes without. Knows no sockets and no clock, nor what the bodies mean. Owned by
// the node, which calls tick(); the mesh outlives it.
//
//   u8 kind, text8 topic, of a question and of an answer u64 its number, then the body
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "peer/chance.h"
#include "peer/mesh.h"
#include "peer/time.h"

namespace node {

class Courier final : public peer::DatagramSink {
 public:
  // Some of them fit into what may wait for a link.
  static constexpr std::size_t body_bytes_max = std::size_t{60} * 1024;
  static constexpr std::size_t topic_bytes_max = 32;
  // Questions that wait for answers, and the bytes of those that they have. Beyond the
  // one nothing more is asked; beyond the other a node counts as one that is silent.
  static constexpr std::size_t questions_max = 64;
  static constexpr std::size_t answers_bytes_max = std::size_t{32} << 20U;

  struct Answer {
    std::string node;
    std::string body;
  };
  struct Answers {
    std::vector<Answer> answers;      // as they came
    std::vector<std::string> silent;  // who should be there and did not answer, in byte order
  };

  // How a question is answered: once, inside the call or later, as long as the courier
  // lives. Whoever does not answer is silent.
  class Reply {
   public:
    Reply(Courier& courier, peer::PeerId to, std::string topic, std::uint64_t number)
        : courier_(&courier), to_(to), topic_(std::move(topic)), number_(number) {}
    void operator()(std::string_view body) const { courier_->answer(to_, topic_, number_, body); }

   private:
    Courier* courier_;
    peer::PeerId to_;
    std::string topic_;
    std::uint64_t number_;
  };

  // What is called when something comes; `body` is borrowed.
  using OnNews = std::function<void(peer::PeerId from, std::string_view body)>;
  using OnQuestion = std::function<void(peer::PeerId from, std::string_view body, Reply reply)>;
  using OnAnswers = std::function<void(Answers)>;

  // `mesh` is to be told of the courier by whoever owns both.
  Courier(peer::Mesh& mesh, peer::Chance& chance) : mesh_(mesh), last_number_(chance.next()) {}
  Courier(const Courier&) = delete;
  Courier& operator=(const Courier&) = delete;

  // One for each topic, before anything comes.
  void on_news(std::string topic, OnNews call) { on_news_[std::move(topic)] = std::move(call); }
  void on_question(std::string topic, OnQuestion call) { on_question_[std::move(topic)] = std::move(call); }

  // False where there is no link to it, or no room.
  bool tell(peer::PeerId to, std::string_view topic, std::string_view body);
  // All who are linked: to how many it went.
  std::size_t tell(std::string_view topic, std::string_view body);

  // Asks all who are linked. `done` is called once: when all have answered, which may be
  // inside this call where nobody could be asked, or in the tick at `deadline`. False,
  // and it is never called, while questions_max are out.
  bool ask_all(std::string_view topic, std::string_view body, peer::Time deadline, OnAnswers done);

  peer::Time wake_at() const;
  void tick(peer::Time now);

  // Datagrams that made no sense, since the start; those of an unknown topic or kind are
  // of another version, and are not among them.
  std::uint64_t malformed() const { return malformed_; }

  // peer::DatagramSink
  void on_datagram(peer::PeerId from, std::string_view bytes) override;

 private:
  enum class Kind : std::uint8_t { news = 1, question = 2, answer = 3 };
  struct Asked {
    std::string topic;
    peer::Time deadline{0};
    OnAnswers done;
    std::vector<peer::PeerId> awaited;
    Answers so_far;
  };
  using Questions = std::map<std::uint64_t, Asked>;

  bool send(peer::PeerId to, Kind kind, std::string_view topic, std::uint64_t number, std::string_view body);
  void answer(peer::PeerId to, std::string_view topic, std::uint64_t number, std::string_view body);
  void on_answer(peer::PeerId from, std::string_view topic, std::uint64_t number, std::string_view body);
  void finish(Questions::iterator question);

  peer::Mesh& mesh_;
  std::map<std::string, OnNews, std::less<>> on_news_;
  std::map<std::string, OnQuestion, std::less<>> on_question_;
  std::uint64_t last_number_;  // begins anywhere: an answer to an earlier life of this node fits none
  Questions questions_;        // those that are out
  std::size_t answers_bytes_ = 0;
  std::uint64_t malformed_ = 0;
};

}  // namespace node
