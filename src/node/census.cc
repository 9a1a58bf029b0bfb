#include "src/node/census.h"

#include <algorithm>
#include <utility>

#include "peer/frame.h"

namespace node {

namespace {

constexpr const char* topic = "who";
// Of an answer beside the names: a flag and a number.
constexpr std::size_t names_bytes_max = Courier::body_bytes_max - 16;

}  // namespace

Census::Census(Courier& courier, const peer::Mesh& mesh, const chat::Users& users, std::function<peer::Time()> now)
    : courier_(courier), mesh_(mesh), users_(users), now_(std::move(now)) {
  courier_.on_question(topic, [this](peer::PeerId, std::string_view body, const Courier::Reply& reply) {
    peer::Reader read(body);
    const std::size_t limit = read.u16();
    const chat::RollPage page{read.text8(), std::min(limit, chat::roll_names_max)};
    if (!read.ok()) return;
    peer::Buffer answer;
    chat::write_roll(answer, chat::roll_of(users_, page, names_bytes_max));
    reply(answer.view());
  });
}

bool Census::ask(chat::ClientId asker, const chat::RollPage& page) {
  peer::Buffer question;
  peer::Writer write(question);
  write.u16(static_cast<std::uint16_t>(page.limit));
  write.text8(page.after);
  const auto done = [this, asker, after = std::string(page.after), limit = page.limit](Courier::Answers answers) {
    const chat::Users::User* const user = users_.get(asker);
    if (user == nullptr) return;
    // Those here are looked at last: so is whoever has come while the others were asked.
    user->client->on_roll(with_answers({roll_of(users_, {after, limit}, names_bytes_max)}, limit, std::move(answers)));
  };
  return courier_.ask_all(topic, question.view(), now_() + patience, done);
}

// Of who does not answer it is known how many it has, but not their names.
chat::Roll Census::with_answers(std::vector<chat::Roll> parts, std::size_t limit, Courier::Answers answers) const {
  std::vector<std::string>& silent = answers.silent;
  for (const Courier::Answer& answer : answers.answers) {
    if (std::optional<chat::Roll> part = chat::read_roll(answer.body))
      parts.push_back(std::move(*part));
    else
      silent.push_back(answer.node);
  }
  std::sort(silent.begin(), silent.end());
  chat::Roll all = chat::joined(parts, limit);
  all.silent = std::move(silent);
  if (all.silent.empty()) return all;
  for (const peer::Mesh::PeerView& peer : mesh_.view(now_()))
    if (std::binary_search(all.silent.begin(), all.silent.end(), peer.name)) all.count += peer.users;
  return all;
}

}  // namespace node
