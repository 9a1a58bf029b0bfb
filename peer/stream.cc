#include "peer/stream.h"

#include <algorithm>
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
  entries_.push_back(entry);
  bytes_ += entry.size;
  pool_->bytes += entry.size;
  unsent_bytes_ += entry.size;
  return seq;
}

Stream::Held Stream::find(Seq seq) const {
  if (seq < base_ || seq >= end()) return {};
  const Entry& entry = entries_[seq - base_];
  if (entry.chunk == nullptr) return {};
  const char* frame = entry.chunk->bytes.data() + entry.at;
  return {true,
          seq < next_unsent_,
          FrameType{static_cast<std::uint8_t>(frame[4])},
          entry.ticket,
          {frame + frame_header_bytes, entry.size - frame_header_bytes}};
}

void Stream::settle(Seq seq) {
  if (seq < base_ || seq >= end()) return;
  Entry& entry = entries_[seq - base_];
  if (entry.chunk == nullptr) return;
  bytes_ -= entry.size;
  pool_->bytes -= entry.size;
  if (seq >= next_unsent_) unsent_bytes_ -= entry.size;
  Chunk* const chunk = entry.chunk;
  entry.chunk = nullptr;
  if (--chunk->live == 0) free_chunk(chunk);
  while (!entries_.empty() && entries_.front().chunk == nullptr) {
    entries_.pop_front();
    ++base_;
  }
  next_unsent_ = std::max(next_unsent_, base_);
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
  while (!entries_.empty() && base_ <= seq) settle(base_);
}

void Stream::fill(Buffer& out, std::size_t budget) {
  for (; next_unsent_ < end() && budget > 0; ++next_unsent_) {
    const Entry& entry = entries_[next_unsent_ - base_];
    if (entry.chunk == nullptr) continue;
    out.append({entry.chunk->bytes.data() + entry.at, entry.size});
    unsent_bytes_ -= entry.size;
    budget -= std::min<std::size_t>(budget, entry.size);
  }
}

void Stream::rewind(Seq received) {
  next_unsent_ = std::clamp(received + 1, base_, end());
  unsent_bytes_ = 0;
  for (Seq seq = next_unsent_; seq < end(); ++seq)
    if (const Entry& entry = entries_[seq - base_]; entry.chunk != nullptr) unsent_bytes_ += entry.size;
}

void Stream::reset() {
  pool_->bytes -= bytes_;
  entries_.clear();
  chunks_.clear();
  base_ = next_unsent_ = 1;
  bytes_ = unsent_bytes_ = 0;
}

}  // namespace peer
