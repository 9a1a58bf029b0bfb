// Things that sessions need only while something is under way: an idle session
// holds none, and a busy process makes none, since they go round through this.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace client {

template <class T>
class Spares {
 public:
  std::unique_ptr<T> take() {
    if (spare_.empty()) return std::make_unique<T>();
    auto one = std::move(spare_.back());
    spare_.pop_back();
    return one;
  }

  // Of one that is not needed any more. T::renew() makes it as good as new, or
  // says no where it has grown too large to be kept.
  void give_back(std::unique_ptr<T> one) {
    if (spare_.size() < spare_max && one->renew()) spare_.push_back(std::move(one));
  }

 private:
  static constexpr std::size_t spare_max = 256;
  std::vector<std::unique_ptr<T>> spare_;
};

}  // namespace client
