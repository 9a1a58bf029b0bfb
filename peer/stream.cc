#include "peer/stream.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace peer {

namespace {

constexpr std::size_t chunk_bytes = 65536;

}  // namespace

bool Stream::has_room(std::size_t body_bytes) const {
  const std::size_t wanted = bytes_ + body_bytes + frame_header_bytes;
  return wanted <= bytes_max_ && wanted <= pool_->bytes_max - std::min(pool_->bytes_max, pool_->bytes);
}

char* Stream::reserve(std::size_t size, Entry& entry) {
  if (chunks_.empty() || chunks_.back()->bytes.size() - chunks_.back()->used < size) {
    // An empty one that is too small gives way: no frame of its own would ever free it.
    if (!chunks_.empty() && chunks_.back()->live == 0) {
      discard(std::move(chunks_.back()));
      chunks_.pop_back();
    }
    if (spare_ && spare_->bytes.size() >= size) {
      chunks_.push_back(std::move(spare_));
    } else {
      chunks_.push_back(std::make_unique<Chunk>());
      chunks_.back()->bytes.resize(std::max(chunk_bytes, size));
    }
  }
  Chunk& chunk = *chunks_.back();
  entry.chunk = &chunk;
  entry.at = static_cast<std::uint32_t>(chunk.used);
  entry.size = static_cast<std::uint32_t>(size);
  chunk.used += size;
  ++chunk.live;
  return chunk.bytes.data() + entry.at;
}

Seq Stream::append(FrameType type, std::span<const std::string_view> body, std::size_t body_bytes,
                   const Ticket& ticket) {
  const Seq seq = end();
  Entry entry;
  entry.ticket = ticket;
  char* to = reserve(frame_header_bytes + body_bytes, entry);
  write_frame_header(to, type, seq, body_bytes);
  to += frame_header_bytes;
  for (const std::string_view piece : body) to = std::copy(piece.begin(), piece.end(), to);
  entries_.put(end_++, entry);
  bytes_ += entry.size;
  pool_->bytes += entry.size;
  unsent_bytes_ += entry.size;
  return seq;
}

Seq Stream::append_chat(const Ticket& ticket, std::string_view recipient, std::span<const std::string_view> line,
                        std::size_t line_bytes) {
  const ChatHead head(ticket, recipient);
  std::array<std::string_view, 16> pieces;
  assert(line.size() + 1 <= pieces.size());
  pieces[0] = head.view();
  std::copy(line.begin(), line.end(), pieces.begin() + 1);
  const std::size_t body_bytes = head.view().size() + line_bytes;
  if (!has_room(body_bytes)) return 0;
  return append(FrameType::chat, {pieces.data(), line.size() + 1}, body_bytes, ticket);
}

Stream::Held Stream::find(Seq seq) const {
  const Entry* const entry = entries_.find(seq);
  if (entry == nullptr) return {};
  const char* frame = entry->chunk->bytes.data() + entry->at;
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
  chat_may_repeat(entry->chunk->bytes.data() + entry->at + frame_header_bytes);
}

void Stream::settle(Seq seq) {
  const Entry* const entry = entries_.find(seq);
  if (entry == nullptr) return;
  bytes_ -= entry->size;
  pool_->bytes -= entry->size;
  if (seq >= next_unsent_) unsent_bytes_ -= entry->size;
  if (--entry->chunk->live == 0) free_chunk(entry->chunk);
  entries_.take_out(seq);
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
  discard(std::move(*at));
  chunks_.erase(at);
}

void Stream::discard(std::unique_ptr<Chunk> chunk) {
  if (spare_ || chunk->bytes.size() != chunk_bytes) return;
  spare_ = std::move(chunk);
  spare_->used = 0;
}

void Stream::settle_through(Seq seq) {
  while (!entries_.empty() && begin() <= seq) settle(begin());
}

void Stream::fill(Buffer& out, std::size_t budget) {
  while (unsent_bytes_ > 0 && budget > 0) {
    const Seq seq = next(next_unsent_);
    const Entry& entry = *entries_.find(seq);
    out.append({entry.chunk->bytes.data() + entry.at, entry.size});
    unsent_bytes_ -= entry.size;
    budget -= std::min<std::size_t>(budget, entry.size);
    next_unsent_ = seq + 1;
  }
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
