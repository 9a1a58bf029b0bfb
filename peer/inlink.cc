#include "peer/inlink.h"

#include <algorithm>
#include <limits>

namespace peer {

namespace {

// Control is confirmed with every ping and whenever this much has come.
constexpr std::size_t control_untold_bytes_max = 65536;
// Outcome frames are 13 bytes a run; one frame bears this many.
constexpr std::size_t runs_max = 4096;
// Outcomes that nobody waits for wait no longer once so much has come: whoever sends may
// be waiting for room. Half the smallest window.
constexpr std::size_t untold_bytes_max = 32768;
// Asked for: the next fill tells them.
constexpr Time at_once = Time::min();
// Of chats that reached their recipient after a loss of the connection. Most follow
// one another; beyond, one that was stored as well may be seen twice.
constexpr std::size_t reached_runs_max = 16384;

}  // namespace

InLink::InLink(PeerId id, const Self& self, Owner& owner, Pool& pool)
    // Outcomes are bounded by the dialler's window of chats, not here.
    : id_(id),
      self_(&self),
      owner_(&owner),
      outcomes_(std::numeric_limits<std::size_t>::max(), pool),
      reached_(reached_runs_max) {}

Welcome InLink::welcome() const {
  Welcome welcome;
  welcome.control_epoch = control_epoch_;
  welcome.control = control_received_;
  welcome.chats = chats_received_;
  return welcome;
}

void InLink::on_connected(Time now, const ProofBody& proof, const Welcome& welcome) {
  connected_ = true;
  heard_at_ = now;
  wake_at_ = now + self_->timing.lost_after;
  reader_ = FrameReader();
  reader_.allow(frame_bytes_max);
  outcomes_.settle_through(proof.outcomes);
  outcomes_.rewind(proof.outcomes);
  resumed_at_ = chats_received_ + 1;
  each_outcome([this](Seq first, std::uint32_t count, End how) {
    if (fate(how) == Fate::taken) reached_.add(first, first + count);
  });
  urgent_.release();
  write_frame(urgent_, FrameType::welcome, 0, encode(welcome));
  owner_->want_write_in(id_);
}

void InLink::on_lost(std::string_view why) {
  connected_ = false;
  wake_at_ = never;
  owner_->on_in_down(id_, why.empty() ? "the peer closed the connection" : why);
}

void InLink::lose(std::string_view why) {
  if (!connected_) return;
  owner_->hang_up_in(id_);
  on_lost(why);
}

void InLink::tick(Time now) {
  if (now < wake_at_) return;
  if (now - heard_at_ >= self_->timing.lost_after)
    return lose("silent for " + std::to_string(self_->timing.lost_after.count()) + " ms");
  wake_at_ = heard_at_ + self_->timing.lost_after;
  if (now >= tell_at_)
    tell_outcomes_by(at_once);
  else
    wake_at_ = std::min(wake_at_, tell_at_);
}

void InLink::forget() {
  ++era_;
  control_epoch_ = 0;
  control_received_ = chats_received_ = 0;
  arrivals_.clear();
  changed_first_ = changed_last_ = 0;
  tell_at_ = never;
  untold_bytes_ = 0;
  outcomes_.reset();
  resumed_at_ = 1;
  reached_.clear();
}

void InLink::on_bytes(Time now, std::string_view bytes) {
  heard_at_ = now;
  reader_.feed(bytes);
  Frame frame;
  while (connected_) {
    switch (reader_.next(frame)) {
      case FrameReader::Got::nothing: return;
      case FrameReader::Got::broken: return lose("it sent a malformed frame");
      case FrameReader::Got::frame: on_frame(now, frame); break;
    }
  }
}

void InLink::on_frame(Time, const Frame& frame) {
  switch (frame.type) {
    case FrameType::ping: return on_ping(frame);
    case FrameType::snapshot_begin:
    case FrameType::users:
    case FrameType::snapshot_end: return on_control(frame);
    case FrameType::chat:
    case FrameType::lane_reset:
    case FrameType::wake:
    case FrameType::canary:
    case FrameType::canary_back: return on_chat_stream(frame);
    case FrameType::datagram: return owner_->on_datagram(id_, frame.body);
    case FrameType::bye: return owner_->on_bye(id_);
    case FrameType::hello:
    case FrameType::proof:
    case FrameType::welcome:
    case FrameType::refuse:
    case FrameType::pong:
    case FrameType::received:
    case FrameType::outcomes: break;
  }
  lose("it sent a frame that has no place there");
}

void InLink::on_ping(const Frame& frame) {
  Reader reader(frame.body);
  const std::uint64_t token = reader.u64();
  outcomes_.settle_through(reader.u64());
  Buffer body;
  Writer(body).u64(token);
  write_frame(urgent_, FrameType::pong, 0, body.view());
  tell_received();
}

void InLink::tell_received() {
  control_untold_bytes_ = 0;
  Buffer body;
  Writer writer(body);
  writer.u32(control_epoch_);
  writer.u64(control_received_);
  write_frame(urgent_, FrameType::received, 0, body.view());
  owner_->want_write_in(id_);
}

void InLink::on_control(const Frame& frame) {
  if (frame.type == FrameType::snapshot_begin) {
    Reader reader(frame.body);
    const std::uint32_t epoch = reader.u32();
    if (!reader.ok() || frame.seq != 1) return lose("it sent a malformed snapshot");
    if (epoch != control_epoch_) {
      control_epoch_ = epoch;
      control_received_ = 1;
      return owner_->on_snapshot_begin(id_);
    }
  }
  if (frame.seq <= control_received_) return;
  if (frame.seq != control_received_ + 1 || control_epoch_ == 0) return lose("it skipped a change of who is there");
  if (frame.type == FrameType::users && !owner_->on_users(id_, frame.body)) return lose("it sent malformed users");
  // Only now: what could not be understood is to be told again.
  control_received_ = frame.seq;
  control_untold_bytes_ += frame.body.size() + frame_header_bytes;
  if (control_untold_bytes_ >= control_untold_bytes_max) tell_received();
  if (frame.type == FrameType::snapshot_end) owner_->on_snapshot_end(id_);
}

// Numbers rise; those left out were taken back by the sender's node.
void InLink::on_chat_stream(const Frame& frame) {
  if (frame.seq <= chats_received_) return;
  const bool is_chat = frame.type == FrameType::chat;
  const DecodedChat decoded = is_chat ? decode_chat(frame.body) : DecodedChat();
  arrivals_.put(frame.seq, {End::pending, !is_chat || !decoded.chat.id.empty()});
  untold_bytes_ += frame.body.size();
  chats_received_ = frame.seq;
  if (frame.type == FrameType::lane_reset) {
    owner_->on_lane_reset(id_, frame.seq, frame.body);
    settle(era_, frame.seq, WireOutcome::done);
    return;
  }
  if (frame.type == FrameType::wake) {
    owner_->on_wake(id_, frame.body);
    settle(era_, frame.seq, WireOutcome::done);
    return;
  }
  if (frame.type == FrameType::canary || frame.type == FrameType::canary_back) {
    settle(era_, frame.seq, WireOutcome::done);
    return on_bird(frame);
  }
  if (!decoded.ok) {
    settle(era_, frame.seq, WireOutcome::not_here);
    return lose("it sent a malformed chat");
  }
  owner_->on_chat(id_, era_, frame.seq, decoded.chat);
}

void InLink::on_bird(const Frame& frame) {
  if (frame.type == FrameType::canary) return owner_->on_canary(id_, frame.seq);
  Reader reader(frame.body);
  const Seq mine = reader.u64();
  if (!reader.ok()) return lose("it sent a malformed canary");
  owner_->on_canary_back(id_, mine);
}

bool InLink::settle(std::uint32_t era, Seq seq, WireOutcome outcome) {
  Arrival* const arrival = era == era_ ? arrivals_.find(seq) : nullptr;
  if (arrival == nullptr || arrival->end != End::pending) return false;
  arrival->end = End{static_cast<std::uint8_t>(outcome)};
  if (changed_first_ == 0) {
    changed_first_ = changed_last_ = seq;
  } else {
    changed_first_ = std::min(changed_first_, seq);
    changed_last_ = std::max(changed_last_, seq);
  }
  if (tell_at_ != at_once) {
    const bool may_wait = !arrival->awaited && fate(arrival->end) == Fate::taken && untold_bytes_ < untold_bytes_max;
    tell_outcomes_by(may_wait ? heard_at_ + self_->timing.outcomes_wait : at_once);
  }
  return true;
}

// A new connection is filled in any case.
void InLink::tell_outcomes_by(Time when) {
  if (when >= tell_at_) return;
  tell_at_ = when;
  if (!connected_) return;
  if (when == at_once)
    owner_->want_write_in(id_);
  else
    wake_at_ = std::min(wake_at_, when);
}

InLink::Fate InLink::fate(End end) {
  switch (end) {
    case End::pending: return Fate::pending;
    case End::not_here:
    case End::unread:
    case End::done: return Fate::refused;
    case End::written:
    case End::delivered: break;
  }
  return Fate::taken;
}

InLink::Fate InLink::supersede(Seq seq) {
  if (seq > chats_received_) {
    chats_received_ = seq;
    return Fate::never_came;
  }
  if (const Arrival* const arrival = arrivals_.find(seq)) return fate(arrival->end);
  if (reached_.contains(seq)) return Fate::taken;
  // Its end may be known and on its way.
  Fate found = Fate::never_came;
  each_outcome([&](Seq first, std::uint32_t count, End how) {
    if (seq >= first && seq - first < count) found = fate(how);
  });
  return found;
}

template <class Each>
void InLink::each_outcome(Each&& each) const {
  for (Seq at = outcomes_.begin(); at < outcomes_.end(); at = outcomes_.next(at + 1)) {
    Reader reader(outcomes_.find(at).body);
    while (reader.more()) {
      const Seq first = reader.u64();
      const std::uint32_t count = reader.u32();
      each(first, count, End{reader.u8()});
    }
  }
}

void InLink::gather_outcomes() {
  static_assert(static_cast<int>(WireOutcome::unread) == static_cast<int>(End::unread));
  if (changed_first_ == 0) return;
  const Seq end = changed_last_ + 1;
  Seq at = arrivals_.next(changed_first_, end);
  while (at < end) {
    Buffer body;
    Writer writer(body);
    for (std::size_t runs = 0; at < end && runs < runs_max; at = arrivals_.next(at, end)) {
      const Seq first = at;
      const End kind = arrivals_.find(first)->end;
      if (kind == End::pending) {
        ++at;
        continue;
      }
      for (std::size_t place = arrivals_.place(at); arrivals_.held(place, at) && arrivals_[place].end == kind;
           place = arrivals_.place(++at))
        arrivals_.take_out(place);
      if (first < resumed_at_ && fate(kind) == Fate::taken) reached_.add(first, at);
      writer.u64(first);
      writer.u32(static_cast<std::uint32_t>(at - first));
      writer.u8(static_cast<std::uint8_t>(kind));
      ++runs;
    }
    if (!body.empty()) outcomes_.append(FrameType::outcomes, body.view());
  }
  changed_first_ = changed_last_ = 0;
  tell_at_ = never;
  untold_bytes_ = 0;
}

bool InLink::send_datagram(std::string_view bytes) {
  if (!connected_ || urgent_.size() + bytes.size() > datagrams_bytes_max) return false;
  write_frame(urgent_, FrameType::datagram, 0, bytes);
  owner_->want_write_in(id_);
  return true;
}

void InLink::fill(Buffer& out) {
  if (!connected_) return;
  if (!urgent_.empty()) {
    out.append(urgent_.view());
    urgent_.release();
  }
  gather_outcomes();
  outcomes_.fill(out, std::numeric_limits<std::size_t>::max());
}

}  // namespace peer
