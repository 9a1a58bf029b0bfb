#include "src/node/bouncer.h"

#include <algorithm>
#include <utility>

#include "peer/buffer.h"
#include "peer/frame.h"
#include "peer/ids.h"

namespace node {

namespace {

constexpr const char* topic = "kick";

}  // namespace

Bouncer::Bouncer(Courier& courier, chat::Router& router, std::function<peer::Time()> now)
    : courier_(courier), router_(router), now_(std::move(now)) {
  courier_.on_question(topic, [this](peer::PeerId, std::string_view name, const Courier::Reply& reply) {
    if (!peer::valid_user_name(name)) return;
    peer::Buffer answer;
    peer::Writer(answer).u32(static_cast<std::uint32_t>(router_.kick(name, chat::KickReason::admin)));
    reply(answer.view());
  });
}

bool Bouncer::kick(const std::string& name, std::function<void(Ended)> done) {
  const auto tell = [this, name, done = std::move(done)](Courier::Answers answers) {
    Ended ended{router_.kick(name, chat::KickReason::admin), std::move(answers.silent)};
    for (const Courier::Answer& answer : answers.answers) {
      peer::Reader read(answer.body);
      const std::uint32_t sessions = read.u32();
      if (read.ok())
        ended.sessions += sessions;
      else
        ended.silent.push_back(answer.node);
    }
    std::sort(ended.silent.begin(), ended.silent.end());
    done(std::move(ended));
  };
  return courier_.ask_all(topic, name, now_() + patience, tell);
}

}  // namespace node
