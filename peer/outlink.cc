#include "peer/outlink.h"

#include <algorithm>
#include <utility>

namespace peer {

namespace {

// Changes that a peer has not confirmed. At 30 bytes each some 270,000; over it
// the peer gets a new snapshot instead.
constexpr std::size_t control_bytes_max = std::size_t{8} << 20U;
// Of a snapshot, made at a time and kept unsent at most.
constexpr std::size_t snapshot_part_bytes = 16384;
constexpr std::size_t snapshot_ahead_bytes = 65536;
// Filled at a time: what a ping may have to wait behind.
constexpr std::size_t fill_bytes = 131072;
// Outcome frames taken before the other side is told to forget them.
constexpr Seq outcomes_untold_max = 256;

}  // namespace

OutLink::OutLink(PeerId id, std::string peer_name, const Self& self, Owner& owner, Chance& chance, Pool& chats,
                 Pool& control)
    : id_(id),
      peer_name_(std::move(peer_name)),
      self_(&self),
      owner_(&owner),
      chance_(&chance),
      backoff_(self.timing.backoff, chance),
      control_(control_bytes_max, control),
      chats_(self.window_bytes, chats) {}

void OutLink::enter(State state, Time wake_at) {
  state_ = state;
  wake_at_ = wake_at;
}

void OutLink::start(Time now) {
  if (state_ == State::idle || state_ == State::waiting) enter(State::waiting, backoff_.retry_now(now));
}

void OutLink::stop(std::string_view why) {
  const State was = state_;
  enter(State::idle, never);
  if (was == State::idle) return;
  why_down_ = why;
  if (was == State::waiting) return;
  owner_->hang_up(id_);
  if (was == State::up) owner_->on_link_down(id_, true, why);
}

// The one way in which a connection ends while the link is wanted.
void OutLink::lose(Time now, std::string_view why) {
  owner_->hang_up(id_);
  on_lost(now, why);
}

void OutLink::on_lost(Time now, std::string_view why) {
  const bool was_up = up();
  enter(State::waiting, backoff_.on_down(now));
  why_down_ = why.empty() ? "the peer closed the connection" : why;
  owner_->on_link_down(id_, was_up, why_down_);
}

// Theirs or ours: the acceptor makes the same comparisons, so both logs name it.
void OutLink::refuse(Time now, const Refused& why) {
  refused_ = why;
  lose(now, why.why);
}

void OutLink::on_refuse(Time now, const Frame& frame) {
  const Refused refused = decode_refused(frame.body);
  // Anybody can refuse; only one that knows the secret ends this life.
  const bool proven =
      state_ == State::proving && proves({refused.proof.data(), refused.proof.size()},
                                         prove(self_->secret, Role::refuser, my_hello_, their_hello_, said(refused)));
  if (refused.reason == Refusal::given_up && proven) owner_->on_given_up(id_);
  refuse(now, refused);
}

void OutLink::on_opened(Time now) {
  if (state_ != State::dialling) return;
  preface_ = PrefaceReader();
  reader_ = FrameReader();
  my_hello_ = encode(self_->hello(draw_nonce(*chance_), peer_name_));
  urgent_.clear();
  urgent_.append(preface);
  write_frame(urgent_, FrameType::hello, 0, my_hello_);
  heard_at_ = now;
  enter(State::greeting, wake_at_);
  owner_->want_write(id_);
}

void OutLink::on_bytes(Time now, std::string_view bytes) {
  heard_at_ = now;
  if (state_ == State::greeting) {
    switch (preface_.take(bytes)) {
      case PrefaceReader::Got::whole: break;
      case PrefaceReader::Got::more: return;
      case PrefaceReader::Got::wrong:
        return lose(now, "that is no peer port: it answered \"" + preface_.strange() + "\"");
    }
  }
  reader_.feed(bytes);
  Frame frame;
  while (connected()) {
    switch (reader_.next(frame)) {
      case FrameReader::Got::nothing: return;
      case FrameReader::Got::broken: return lose(now, "it sent a malformed frame");
      case FrameReader::Got::frame: on_frame(now, frame); break;
    }
  }
}

bool OutLink::connected() const { return state_ == State::greeting || state_ == State::proving || state_ == State::up; }

void OutLink::on_frame(Time now, const Frame& frame) {
  if (!up() && frame.seq != 0) return lose(now, "it numbered its greeting");
  switch (state_) {
    case State::idle:
    case State::waiting:
    case State::dialling: return;
    case State::greeting: return on_greeting(now, frame);
    case State::proving: return on_proving(now, frame);
    case State::up: return on_receipt(now, frame);
  }
}

void OutLink::on_greeting(Time now, const Frame& frame) {
  if (frame.type == FrameType::refuse) return on_refuse(now, frame);
  if (frame.type != FrameType::hello) return lose(now, "it sent something else in place of a hello");
  Result<Hello> hello = decode_hello(frame.body);
  if (!hello) return lose(now, hello.why());
  theirs_ = std::move(*hello);
  their_hello_ = frame.body;
  ProofBody body;
  body.outcomes = theirs_.incarnation == streams_with_ ? outcomes_received_ : 0;
  body.proof = prove(self_->secret, Role::dialler, my_hello_, their_hello_, said(body));
  write_frame(urgent_, FrameType::proof, 0, encode(body));
  enter(State::proving, wake_at_);
  owner_->want_write(id_);
}

void OutLink::on_proving(Time now, const Frame& frame) {
  if (frame.type == FrameType::refuse) return on_refuse(now, frame);
  if (frame.type != FrameType::welcome) return lose(now, "it sent something else in place of a welcome");
  const Result<Welcome> welcome = decode_welcome(frame.body);
  if (!welcome) return lose(now, welcome.why());
  const Proof truth = prove(self_->secret, Role::acceptor, my_hello_, their_hello_, said(*welcome));
  if (!proves({welcome->proof.data(), welcome->proof.size()}, truth))
    return refuse(now, {Refusal::secret, "it does not know the cluster's secret (mesh.secret_file)"});
  if (const auto stands = objection(self_->hello({}), theirs_)) return refuse(now, *stands);
  if (theirs_.node != peer_name_)
    return refuse(now, {Refusal::name_taken, "the node at that address is " + theirs_.node + ", not " + peer_name_});
  if (const auto stands = owner_->on_met(id_, theirs_)) return refuse(now, *stands);
  come_up(now, *welcome);
}

void OutLink::come_up(Time now, const Welcome& welcome) {
  reader_.allow(frame_bytes_max);
  refused_.reset();
  why_down_.clear();
  backoff_.on_up(now);
  up_since_ = now;
  ++ups_;
  streams_with_ = theirs_.incarnation;
  chats_.rewind(welcome.chats);
  const bool resumes =
      snapshot_ != Snapshot::due && welcome.control_epoch == control_epoch_ && welcome.control + 1 >= control_.begin();
  if (resumes) {
    control_.settle_through(welcome.control);
    control_.rewind(welcome.control);
  } else {
    begin_snapshot();
  }
  enter(State::up, now + self_->timing.ping_every);
  ping(now);
  owner_->on_link_up(id_);
  owner_->want_write(id_);
}

void OutLink::on_receipt(Time now, const Frame& frame) {
  Reader reader(frame.body);
  if (frame.type == FrameType::pong) {
    const auto sent = Time(static_cast<Time::rep>(reader.u64()));
    if (sent == pinged_at_) rtt_ = now - sent;
  } else if (frame.type == FrameType::received) {
    const std::uint32_t epoch = reader.u32();
    const Seq control = reader.u64();
    if (reader.ok() && epoch == control_epoch_) control_.settle_through(control);
    if (control_.unsent() || snapshot_ == Snapshot::sending) owner_->want_write(id_);
  } else if (frame.type == FrameType::outcomes) {
    on_outcomes_frame(now, frame);
  } else if (frame.type == FrameType::datagram) {
    owner_->on_datagram(id_, frame.body);
  } else if (frame.type == FrameType::refuse) {
    on_refuse(now, frame);
  } else {
    lose(now, "it sent a frame that has no place there");
  }
}

void OutLink::on_outcomes_frame(Time now, const Frame& frame) {
  if (frame.seq <= outcomes_received_) return;
  if (frame.seq != outcomes_received_ + 1) return lose(now, "it skipped outcomes");
  Reader reader(frame.body);
  while (reader.more()) {
    const Seq first = reader.u64();
    const std::uint32_t count = reader.u32();
    const std::uint8_t outcome = reader.u8();
    const bool good = reader.ok() && outcome >= static_cast<std::uint8_t>(WireOutcome::written) &&
                      outcome <= static_cast<std::uint8_t>(WireOutcome::unread) && first + count <= chats_.end();
    if (!good) return lose(now, "it sent malformed outcomes");
    owner_->on_outcomes(id_, first, count, WireOutcome{outcome});
  }
  // Only now: what could not be understood is to be told again.
  outcomes_received_ = frame.seq;
  if (outcomes_received_ - outcomes_told_ >= outcomes_untold_max) ping(now);
}

// A ping also tells how far the outcomes were received.
void OutLink::ping(Time now) {
  pinged_at_ = now;
  outcomes_told_ = outcomes_received_;
  Buffer body;
  Writer writer(body);
  writer.u64(static_cast<std::uint64_t>(now.count()));
  writer.u64(outcomes_received_);
  write_frame(urgent_, FrameType::ping, 0, body.view());
  owner_->want_write(id_);
}

void OutLink::tick(Time now) {
  if (now < wake_at_) return;
  switch (state_) {
    case State::idle: return;
    case State::waiting:
      backoff_.on_try(now);
      refused_.reset();
      enter(State::dialling, now + self_->timing.dial_timeout);
      return owner_->dial(id_);
    case State::dialling:
    case State::greeting:
    case State::proving:
      return lose(now, "no answer within " + std::to_string(self_->timing.dial_timeout.count()) + " ms");
    case State::up:
      if (now - heard_at_ >= self_->timing.lost_after)
        return lose(now, "silent for " + std::to_string(self_->timing.lost_after.count()) + " ms");
      if (now - pinged_at_ >= self_->timing.ping_every) ping(now);
      wake_at_ = std::min<Time>(pinged_at_ + self_->timing.ping_every, heard_at_ + self_->timing.lost_after);
  }
}

void OutLink::forget() {
  control_.reset();
  snapshot_ = Snapshot::due;
  outcomes_received_ = outcomes_told_ = 0;
  streams_with_ = Incarnation::none;
}

void OutLink::begin_snapshot() {
  control_.reset();
  ++control_epoch_;
  cursor_ = 0;
  snapshot_ = Snapshot::sending;
  Buffer body;
  Writer(body).u32(control_epoch_);
  control_.append(FrameType::snapshot_begin, body.view());
}

// The parts are made as the connection takes them, so a million users cost
// neither a long turn nor their bytes all at once. What changes meanwhile
// follows in the same stream, behind the part that bore the old state.
void OutLink::fill_snapshot() {
  while (snapshot_ == Snapshot::sending && control_.unsent_bytes() < snapshot_ahead_bytes &&
         control_.has_room(2 * snapshot_part_bytes)) {
    Buffer records;
    const bool more = owner_->next_users(cursor_, records, snapshot_part_bytes);
    if (!records.empty()) control_.append(FrameType::users, records.view());
    if (more) continue;
    control_.append(FrameType::snapshot_end, {});
    snapshot_ = Snapshot::sent;
  }
}

void OutLink::users_changed(std::string_view records, Time now) {
  if (snapshot_ == Snapshot::due) return;
  if (!control_.has_room(records.size())) {
    control_.reset();
    snapshot_ = Snapshot::due;
    if (up()) lose(now, "it does not take in who is here; it gets a new snapshot");
    return;
  }
  control_.append(FrameType::users, records);
  if (up()) owner_->want_write(id_);
}

bool OutLink::send_datagram(std::string_view bytes) {
  if (!up() || urgent_.size() + bytes.size() > datagrams_bytes_max) return false;
  write_frame(urgent_, FrameType::datagram, 0, bytes);
  owner_->want_write(id_);
  return true;
}

void OutLink::say_bye() {
  if (!up()) return;
  write_frame(urgent_, FrameType::bye, 0, {});
  owner_->want_write(id_);
}

void OutLink::fill(Buffer& out) {
  if (!urgent_.empty()) {
    out.append(urgent_.view());
    urgent_.release();
  }
  if (!up()) return;
  fill_snapshot();
  control_.fill(out, fill_bytes);
  if (out.size() < fill_bytes) chats_.fill(out, fill_bytes - out.size());
}

}  // namespace peer
