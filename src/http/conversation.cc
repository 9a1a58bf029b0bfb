#include "src/http/conversation.h"

#include <utility>

namespace http {

Conversation::Conversation(const Site& site, const Bounds& bounds, std::uint64_t id, bool loopback, Owner& owner,
                           Clock clock)
    : site_(site),
      bounds_(bounds),
      id_(id),
      loopback_(loopback),
      owner_(owner),
      clock_(clock),
      parser_(bounds.message),
      since_(clock.now),
      taken_at_(clock.now) {}

void Conversation::enter(State state) {
  state_ = state;
  since_ = clock_.now;
}

void Conversation::on_bytes(std::string_view bytes, Clock clock) {
  clock_ = clock;
  if (closing()) return;
  in_.append(bytes);
  advance();
}

void Conversation::on_end(Clock clock) {
  clock_ = clock;
  other_ended_ = true;
  advance();
}

// One request after the other, as far as there are bytes and room for answers.
// Handlers that answer at once do so from inside.
void Conversation::advance() {
  if (std::exchange(advancing_, true)) return;
  while (wants_bytes()) {
    if (state_ == State::idle) {
      if (in_.empty()) break;
      enter(State::head);
    }
    std::string_view bytes = in_.view();
    const std::size_t before = bytes.size();
    const Parser::Step step = parser_.read(bytes);
    in_.consume(before - bytes.size());
    if (step == Parser::Step::more) break;
    if (step == Parser::Step::head) on_head();
    if (step == Parser::Step::message) on_message();
    if (step == Parser::Step::wrong) refuse(parser_.why());
  }
  advancing_ = false;
  // Who said only half a request will not say the rest.
  if (other_ended_ && in_.empty() && state_ < State::answering) enter(State::closing);
  if (in_.empty()) in_.release();
}

// What is wrong with a request is known before its body is read; then the body is not.
void Conversation::on_head() {
  found_ = site_.find(parser_.request(), loopback_);
  enter(State::body);
  if (!parser_.has_body()) return;
  if (found_.refusal) return refuse(*found_.refusal);
  const std::string* const expected = parser_.request().header("Expect");
  if (expected == nullptr) return;
  if (!same_word(*expected, "100-continue")) return refuse(error(417, "bad_request", "this is not to be expected"));
  out_.append("HTTP/1.1 100 Continue\r\n\r\n");
}

void Conversation::on_message() {
  enter(State::answering);
  ++requests_;
  if (found_.refusal) return answer(requests_, *found_.refusal, clock_);
  found_.route->handler(parser_.request(), Reply(owner_, {id_, requests_}));
}

void Conversation::answer(std::uint64_t request, Response response, Clock clock) {
  clock_ = clock;
  if (state_ != State::answering || request != requests_) return;
  respond(response, !parser_.request().keep_alive);
  parser_.next();
  advance();
}

void Conversation::respond(const Response& response, bool closes) {
  if (waiting() == 0) taken_at_ = clock_.now;
  append_response(out_, response, {parser_.request().method == "HEAD", closes, clock_.wall_ms});
  enter(closes ? State::closing : State::idle);
  owner_.on_response(response.status);
}

// Where this message ends is not known, so nothing after it can be read.
void Conversation::refuse(const Response& response) {
  in_.release();
  respond(response, true);
}

void Conversation::tick(Clock clock) {
  clock_ = clock;
  if (waiting() > 0 && clock.now - taken_at_ >= bounds_.write_time) stuck_ = true;
  if (full()) return;  // it is not the other side that is waited for
  const peer::Time spent = clock.now - since_;
  const Response late = error(408, "timeout", "the request did not come in time");
  switch (state_) {
    case State::idle:
      // The first request is due at once.
      if (spent >= (requests_ == 0 ? bounds_.head_time : bounds_.idle_time)) enter(State::closing);
      return;
    case State::head:
      if (spent >= bounds_.head_time) refuse(late);
      return;
    case State::body:
      if (spent >= bounds_.body_time) refuse(late);
      return;
    case State::answering:
    case State::closing: return;
  }
}

void Conversation::fill(peer::Buffer& out) {
  unwritten_ += out_.size();
  out.append(out_.view());
  out_.release();
}

void Conversation::on_written(std::size_t n, Clock clock) {
  clock_ = clock;
  taken_at_ = clock.now;
  unwritten_ -= n;
  advance();
}

}  // namespace http
