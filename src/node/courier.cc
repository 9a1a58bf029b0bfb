#include "src/node/courier.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "peer/buffer.h"
#include "peer/frame.h"

namespace node {

bool Courier::send(peer::PeerId to, Kind kind, std::string_view topic, std::uint64_t number, std::string_view body) {
  assert(!topic.empty() && topic.size() <= topic_bytes_max && body.size() <= body_bytes_max);
  peer::Buffer datagram;
  peer::Writer write(datagram);
  write.u8(static_cast<std::uint8_t>(kind));
  write.text8(topic);
  if (kind != Kind::news) write.u64(number);
  write.bytes(body);
  return mesh_.send_datagram(to, datagram.view());
}

bool Courier::tell(peer::PeerId to, std::string_view topic, std::string_view body) {
  return send(to, Kind::news, topic, 0, body);
}

std::size_t Courier::tell(std::string_view topic, std::string_view body) {
  std::size_t told = 0;
  for (std::size_t i = 0; i < mesh_.peers(); ++i)
    if (tell(static_cast<peer::PeerId>(i), topic, body)) ++told;
  return told;
}

bool Courier::ask_all(std::string_view topic, std::string_view body, peer::Time deadline, OnAnswers done) {
  if (questions_.size() >= questions_max) return false;
  const std::uint64_t number = ++last_number_;
  Asked asked;
  asked.topic = topic;
  asked.deadline = deadline;
  asked.done = std::move(done);
  for (std::size_t i = 0; i < mesh_.peers(); ++i) {
    const auto peer = static_cast<peer::PeerId>(i);
    if (send(peer, Kind::question, topic, number, body))
      asked.awaited.push_back(peer);
    else if (mesh_.expected(peer))
      asked.so_far.silent.push_back(mesh_.name_of(peer));
  }
  const auto question = questions_.emplace(number, std::move(asked)).first;
  if (question->second.awaited.empty()) finish(question);
  return true;
}

void Courier::answer(peer::PeerId to, std::string_view topic, std::uint64_t number, std::string_view body) {
  send(to, Kind::answer, topic, number, body);
}

// Whoever is told may ask anew.
void Courier::finish(Questions::iterator question) {
  Asked asked = std::move(question->second);
  questions_.erase(question);
  for (const Answer& answer : asked.so_far.answers) answers_bytes_ -= answer.body.size();
  for (const peer::PeerId peer : asked.awaited) asked.so_far.silent.push_back(mesh_.name_of(peer));
  std::sort(asked.so_far.silent.begin(), asked.so_far.silent.end());
  asked.done(std::move(asked.so_far));
}

peer::Time Courier::wake_at() const {
  peer::Time wake = peer::never;
  for (const auto& [number, asked] : questions_) wake = std::min(wake, asked.deadline);
  return wake;
}

void Courier::tick(peer::Time now) {
  std::vector<std::uint64_t> due;
  for (const auto& [number, asked] : questions_)
    if (asked.deadline <= now) due.push_back(number);
  for (const std::uint64_t number : due)
    if (const auto question = questions_.find(number); question != questions_.end()) finish(question);
}

void Courier::on_datagram(peer::PeerId from, std::string_view bytes) {
  peer::Reader read(bytes);
  const auto kind = Kind{read.u8()};
  const std::string_view topic = read.text8();
  const bool numbered = kind == Kind::question || kind == Kind::answer;
  const std::uint64_t number = numbered ? read.u64() : 0;
  const std::string_view body = read.rest();
  if (!read.ok() || topic.empty() || topic.size() > topic_bytes_max || body.size() > body_bytes_max) {
    ++malformed_;
    return;
  }
  switch (kind) {
    case Kind::news:
      if (const auto known = on_news_.find(topic); known != on_news_.end()) known->second(from, body);
      return;
    case Kind::question:
      if (const auto known = on_question_.find(topic); known != on_question_.end())
        known->second(from, body, Reply(*this, from, std::string(topic), number));
      return;
    case Kind::answer: return on_answer(from, topic, number, body);
  }
}

// One that comes too late, or twice, is nobody's.
void Courier::on_answer(peer::PeerId from, std::string_view topic, std::uint64_t number, std::string_view body) {
  const auto question = questions_.find(number);
  if (question == questions_.end() || question->second.topic != topic) return;
  Asked& asked = question->second;
  if (answers_bytes_ + body.size() > answers_bytes_max || std::erase(asked.awaited, from) == 0) return;
  asked.so_far.answers.push_back({mesh_.name_of(from), std::string(body)});
  answers_bytes_ += body.size();
  if (asked.awaited.empty()) finish(question);
}

}  // namespace node
