// Things by number, put in rising order and taken out in any: the frames that a
// stream holds, the chats that an other side waits to hear of.
//
// One that stays for long costs its own place and no more: the places of those
// taken out behind it are given up when they are most of all. Lookup is at once
// among the newest, else by halving.
#pragma once

#include <cassert>
#include <cstddef>
#include <utility>

#include "peer/ids.h"
#include "peer/ring.h"

namespace peer {

template <class T>
class Numbered {
 public:
  bool empty() const { return held_ == 0; }
  std::size_t size() const { return held_; }

  // `seq` is greater than any before.
  void put(Seq seq, T value) {
    assert(places_.empty() || places_.back().seq < seq);
    places_.push_back({seq, true, std::move(value)});
    ++held_;
  }

  // Null where it is not held. Good until the next put or take_out.
  const T* find(Seq seq) const {
    const std::size_t at = place(seq);
    return held(at, seq) ? &places_[at].value : nullptr;
  }
  T* find(Seq seq) { return const_cast<T*>(std::as_const(*this).find(seq)); }

  // Where it stands or would stand: before all that are greater, some of which may
  // be empty places. Good until the next put or take_out.
  std::size_t place(Seq seq) const {
    const std::size_t size = places_.size();
    if (size == 0 || seq > places_[size - 1].seq) return size;
    // Behind the last gap the distance says it.
    const Seq distance = places_[size - 1].seq - seq;
    if (distance < size && places_[size - 1 - distance].seq == seq) return size - 1 - distance;
    return search(seq);
  }
  // Of a place up to the last.
  bool held(std::size_t place) const { return places_[place].held; }
  bool held(std::size_t place, Seq seq) const {
    return place < places_.size() && places_[place].seq == seq && places_[place].held;
  }
  Seq seq(std::size_t place) const { return places_[place].seq; }
  const T& operator[](std::size_t place) const { return places_[place].value; }

  Seq first(Seq none) const { return places_.empty() ? none : places_.front().seq; }

  // The first that is held from `seq` on; `none` where there is none.
  Seq next(Seq seq, Seq none) const {
    std::size_t at = place(seq);
    while (at < places_.size() && !places_[at].held) ++at;
    return at < places_.size() ? places_[at].seq : none;
  }

  // One that is held.
  void take_out(std::size_t place) {
    assert(held(place));
    places_[place].held = false;
    --held_;
    while (!places_.empty() && !places_.front().held) places_.pop_front();
    if (places_.size() > empty_min && places_.size() / 4 > held_) close_up();
  }

  void clear() { places_.clear(), held_ = 0; }

 private:
  // Fewer empty places are not worth the work.
  static constexpr std::size_t empty_min = 256;

  struct Place {
    Seq seq = 0;
    bool held = false;
    T value{};
  };

  std::size_t search(Seq seq) const;

  void close_up() {
    std::size_t to = 0;
    for (std::size_t at = 0; at < places_.size(); ++at)
      if (places_[at].held) {
        if (to != at) places_[to] = std::move(places_[at]);
        ++to;
      }
    places_.truncate(to);
  }

  Ring<Place> places_;
  std::size_t held_ = 0;
};

template <class T>
std::size_t Numbered<T>::search(Seq seq) const {
  std::size_t first = 0;
  for (std::size_t count = places_.size(); count > 0;) {
    const std::size_t half = count / 2;
    if (places_[first + half].seq < seq) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

}  // namespace peer
