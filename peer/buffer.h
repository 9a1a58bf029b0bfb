// Bytes on their way out or half arrived: append at the back, consume at the
// front. Empty, it holds no memory worth the name, and two buffers swap freely.
#pragma once

#include <cassert>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace peer {

class Buffer {
 public:
  bool empty() const { return head_ == bytes_.size(); }
  std::size_t size() const { return bytes_.size() - head_; }

  // Borrowed until the next call that is not const.
  std::string_view view() const { return {bytes_.data() + head_, size()}; }

  void append(std::string_view more) { bytes_.append(more); }
  void push_back(char byte) { bytes_.push_back(byte); }

  // Room for n more bytes at the back, to be written in place: n bytes are
  // appended with no value of note and the pointer to the first is returned.
  char* grow(std::size_t n) {
    const std::size_t old = bytes_.size();
    bytes_.resize(old + n);
    return bytes_.data() + old;
  }

  void consume(std::size_t n) {
    assert(n <= size());
    head_ += n;
    if (head_ == bytes_.size()) {
      bytes_.clear();
      head_ = 0;
    } else if (head_ >= 65536 && head_ >= bytes_.size() / 2) {
      bytes_.erase(0, head_);
      head_ = 0;
    }
  }

  void clear() { bytes_.clear(), head_ = 0; }

  // Gives the memory back; an idle connection holds none.
  void release() {
    std::string().swap(bytes_);
    head_ = 0;
  }

  void swap(Buffer& other) noexcept {
    bytes_.swap(other.bytes_);
    std::swap(head_, other.head_);
  }

 private:
  std::string bytes_;
  std::size_t head_ = 0;
};

}  // namespace peer
