#include "peer/stream.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace peer {

namespace {

constexpr std::size_t chunk_bytes = 65536;
// 1 MiB: what 256 senders with 16 chats under way each fill.
constexpr std::size_t spares_max = 16;

}  // namespace

bool Stream::has_room(std::size_t body_bytes) const {
  const std::size_t wanted = bytes_ + body_bytes + frame_header_bytes;
  return wanted <= bytes_max_ && wanted <= pool_->bytes_max - std::min(pool_->bytes_max, pool_->bytes);
}

char* Stream::reserve(std::size_t size, Entry& entry) {
  if (chunks_.empty() || chunks_.back()->capacity - chunks_.back()->used < size) add_chunk(size);
  Chunk& chunk = *chunks_.back();
  entry.chunk = &chunk;
  entry.at = static_cast<std::uint32_t>(chunk.used);
  entry.size = static_cast<std::uint32_t>(size);
  chunk.used += size;
  ++chunk.live;
  return chunk.bytes.get() + entry.at;
}

void Stream::add_chunk(std::size_t size) {
  // An empty one that is too small gives way: no frame of its own would ever free it.
  if (!chunks_.empty() && chunks_.back()->live == 0) {
    give_back(std::move(chunks_.back()));
    chunks_.pop_back();
  }
  if (size <= chunk_bytes && !pool_->spares.empty()) {
    chunks_.push_back(std::move(pool_->spares.back()));
    pool_->spares.pop_back();
    return;
  }
  chunks_.push_back(std::make_unique<Chunk>());
  Chunk& chunk = *chunks_.back();
  chunk.capacity = std::max(chunk_bytes, size);
  chunk.bytes = std::make_unique_for_overwrite<char[]>(chunk.capacity);
}

// The next frame of the stream, but for its body, which is to be written there.
char* Stream::put(FrameType type, std::size_t body_bytes, const Ticket& ticket) {
  Entry entry;
  entry.ticket = ticket;
  char* const to = reserve(frame_header_bytes + body_bytes, entry);
  write_frame_header(to, type, end_, body_bytes);
  entries_.put(end_++, entry);
  bytes_ += entry.size;
  pool_->bytes += entry.size;
  unsent_bytes_ += entry.size;
  return to + frame_header_bytes;
}

Seq Stream::append(FrameType type, std::string_view body) {
  std::copy(body.begin(), body.end(), put(type, body.size(), {}));
  return end_ - 1;
}

Seq Stream::append_chat(Ticket ticket, std::string_view recipient, std::span<const std::string_view> line,
                        std::size_t line_bytes) {
  assert(recipient.size() <= 0xff);
  ticket.recipient_length = static_cast<std::uint8_t>(recipient.size());
  const std::size_t body_bytes = chat_head_bytes(ticket) + line_bytes;
  if (!has_room(body_bytes)) return 0;
  char* to = write_chat_head(put(FrameType::chat, body_bytes, ticket), ticket, recipient);
  for (const std::string_view piece : line) to = std::copy(piece.begin(), piece.end(), to);
  return end_ - 1;
}

Stream::Held Stream::find(Seq seq) const {
  const Entry* const entry = entries_.find(seq);
  if (entry == nullptr) return {};
  const char* frame = entry->chunk->bytes.get() + entry->at;
  return {true,
          seq < next_unsent_,
          FrameType{static_cast<std::uint8_t>(frame[4])},
          entry->ticket,
          {frame + frame_header_bytes, entry->size - frame_header_bytes}};
}

void Stream::mark_may_repeat(Seq seq) {
  Entry* const entry = entries_.find(seq);
  assert(entry != nullptr);
  entry->ticket.may_repeat = true;
  chat_may_repeat(entry->chunk->bytes.get() + entry->at + frame_header_bytes);
}

void Stream::settle(Seq seq) {
  const std::size_t place = entries_.place(seq);
  if (!entries_.held(place, seq)) return;
  const Entry& entry = entries_[place];
  bytes_ -= entry.size;
  pool_->bytes -= entry.size;
  if (seq >= next_unsent_) unsent_bytes_ -= entry.size;
  if (--entry.chunk->live == 0) free_chunk(entry.chunk);
  entries_.take_out(place);
  next_unsent_ = std::max(next_unsent_, begin());
}

void Stream::free_chunk(Chunk* chunk) {
  if (chunk == chunks_.back().get()) {
    chunk->used = 0;  // goes on being filled
    return;
  }
  const auto at =
      std::find_if(chunks_.begin(), chunks_.end(), [chunk](const auto& owned) { return owned.get() == chunk; });
  assert(at != chunks_.end());
  give_back(std::move(*at));
  chunks_.erase(at);
}

void Stream::give_back(std::unique_ptr<Chunk> chunk) {
  if (chunk->capacity != chunk_bytes || pool_->spares.size() == spares_max) return;
  chunk->used = 0;
  pool_->spares.push_back(std::move(chunk));
}

void Stream::settle_through(Seq seq) {
  while (!entries_.empty() && begin() <= seq) settle(begin());
}

void Stream::fill(Buffer& out, std::size_t budget) {
  std::size_t filled = 0;
  std::string_view run;  // frames that lie one behind the other are copied at once
  for (std::size_t place = entries_.place(next_unsent_); filled < unsent_bytes_ && filled < budget; ++place) {
    if (!entries_.held(place)) continue;
    const Entry& entry = entries_[place];
    const char* const frame = entry.chunk->bytes.get() + entry.at;
    if (run.data() + run.size() != frame) {
      out.append(run);
      run = {frame, 0};
    }
    run = {run.data(), run.size() + entry.size};
    filled += entry.size;
    next_unsent_ = entries_.seq(place) + 1;
  }
  out.append(run);
  unsent_bytes_ -= filled;
}

void Stream::rewind(Seq received) {
  next_unsent_ = std::clamp(received + 1, begin(), end());
  unsent_bytes_ = 0;
  for (Seq seq = next(next_unsent_); seq < end(); seq = next(seq + 1)) unsent_bytes_ += entries_.find(seq)->size;
}

void Stream::reset() {
  pool_->bytes -= bytes_;
  entries_.clear();
  chunks_.clear();
  end_ = next_unsent_ = 1;
  bytes_ = unsent_bytes_ = 0;
}

}  // namespace peer
