#include "src/node/tracer.h"

#include <algorithm>
#include <utility>

#include "peer/buffer.h"
#include "peer/frame.h"
#include "src/client/text.h"

namespace node {

namespace {

constexpr const char* topic = "trace";

using What = chat::Trail::What;

// i64 at, u8 what, u8 outcome, text8 place
void write(peer::Writer& to, const Tracer::Step& step) {
  to.u64(static_cast<std::uint64_t>(step.at_ms));
  to.u8(static_cast<std::uint8_t>(step.what));
  to.u8(static_cast<std::uint8_t>(step.outcome));
  to.text8(step.place);
}

bool read(peer::Reader& from, Tracer::Step& step) {
  step.at_ms = static_cast<std::int64_t>(from.u64());
  const std::uint8_t what = from.u8();
  const std::uint8_t outcome = from.u8();
  step.place = from.text8();
  step.what = What{what};
  step.outcome = chat::Outcome{outcome};
  return from.ok() && what <= static_cast<std::uint8_t>(What::settled) &&
         outcome <= static_cast<std::uint8_t>(chat::Outcome::unavailable) &&
         (step.place.empty() || peer::valid_node_name(step.place));
}

}  // namespace

std::string_view word(What what) {
  switch (what) {
    case What::accepted: return "accepted";
    case What::held: return "held";
    case What::forwarded: return "forwarded";
    case What::storing: return "storing";
    case What::arrived: return "arrived";
    case What::fetched: return "fetched";
    case What::refused: return "refused";
    case What::rerouted: return "rerouted";
    case What::settled: return "settled";
  }
  return "settled";
}

std::string_view word(chat::Outcome outcome) {
  using chat::Outcome;
  switch (outcome) {
    case Outcome::delivered: return "delivered";
    case Outcome::written: return "written";
    case Outcome::stored: return "stored";
    case Outcome::no_such_user: return "no_such_user";
    case Outcome::mailbox_full: return "mailbox_full";
    case Outcome::busy: return "busy";
    case Outcome::unavailable: return "unavailable";
  }
  return "unavailable";
}

Tracer::Tracer(Courier& courier, const peer::Mesh& mesh, const chat::Router& router, std::function<peer::Time()> now)
    : courier_(courier), mesh_(mesh), router_(router), now_(std::move(now)) {
  courier_.on_question(topic, [this](peer::PeerId, std::string_view token, const Courier::Reply& reply) {
    peer::Buffer answer;
    peer::Writer writer(answer);
    for (const Step& step : own(token)) write(writer, step);
    reply(answer.view());
  });
}

std::vector<Tracer::Step> Tracer::own(std::string_view token) const {
  std::vector<Step> steps;
  for (const chat::Trail::Step& step : router_.trail().of(token))
    steps.push_back({step.at_ms, mesh_.self().name, step.what, step.outcome,
                     step.place < mesh_.peers() ? mesh_.name_of(step.place) : std::string()});
  return steps;
}

bool Tracer::trace(std::string_view id, std::function<void(Story)> done) {
  std::string token;
  client::append_quoted(token, id);
  return courier_.ask_all(topic, token, now_() + patience,
                          [this, token, done = std::move(done)](Courier::Answers answers) {
                            Story story{own(token), std::move(answers.silent)};
                            for (const Courier::Answer& answer : answers.answers) {
                              peer::Reader reader(answer.body);
                              while (reader.more()) {
                                Step step;
                                if (!read(reader, step)) break;
                                step.node = answer.node;
                                story.steps.push_back(std::move(step));
                              }
                            }
                            std::stable_sort(story.steps.begin(), story.steps.end(),
                                             [](const Step& a, const Step& b) { return a.at_ms < b.at_ms; });
                            done(std::move(story));
                          });
}

}  // namespace node
