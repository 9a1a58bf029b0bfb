// A value, or why there is none.
//
// The failure is a sentence for a reader, or a value of its own; why() is for those that
// have one.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace tool {

struct Failure {
  std::string why;
};

template <class T, class F = Failure>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}        // NOLINT: a value converts
  Result(F failure) : failure_(std::move(failure)) {}  // NOLINT: so does a failure

  explicit operator bool() const { return value_.has_value(); }
  T& operator*() { return assert(value_), *value_; }
  const T& operator*() const { return assert(value_), *value_; }
  T* operator->() { return assert(value_), &*value_; }
  const T* operator->() const { return assert(value_), &*value_; }

  // Only where there is no value.
  const F& failure() const { return assert(failure_), *failure_; }
  const std::string& why() const { return failure().why; }

 private:
  std::optional<T> value_;
  std::optional<F> failure_;
};

}  // namespace tool
