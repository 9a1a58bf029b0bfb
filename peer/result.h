// A value, or the sentence that says why there is none.
//
// Failures of the world (a bad address, a refused hello, a file that is not
// there) travel as values; mistakes of ours are asserts. The sentence is for a
// reader: it says what is wrong and, where it can, what to do.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace peer {

struct Failure {
  std::string why;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}              // NOLINT: a value converts
  Result(Failure failure) : why_(std::move(failure.why)) {}  // NOLINT: so does a failure

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() { return assert(value_), *value_; }
  const T& operator*() const { return assert(value_), *value_; }
  T* operator->() { return assert(value_), &*value_; }
  const T* operator->() const { return assert(value_), &*value_; }

  // Only where there is no value.
  const std::string& why() const { return assert(!value_), why_; }

 private:
  std::optional<T> value_;
  std::string why_;
};

}  // namespace peer
