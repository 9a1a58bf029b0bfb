#include "tools/peek/watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

namespace peek {

namespace {

constexpr std::chrono::seconds period(1);

}  // namespace

struct Watch::Shared {
  Shared() : ready(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Shared() { close(ready); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  std::mutex mutex;
  std::condition_variable changed;
  News news;
  bool fresh = false;
  bool hurry = false;
  bool over = false;
  int ready;

  // False: nobody wants to know any more.
  bool tell(Source::Look look) {
    const std::lock_guard lock(mutex);
    if (look) {
      news.trouble.clear();
      news.seen = std::make_shared<const Sighting>(std::move(*look));
    } else {
      news.trouble = look.why();
    }
    fresh = true;
    const std::uint64_t one = 1;
    return write(ready, &one, sizeof one) == sizeof one && !over;
  }
  bool wait(std::chrono::steady_clock::time_point until) {
    std::unique_lock lock(mutex);
    changed.wait_until(lock, until, [this] { return hurry || over; });
    hurry = false;
    return !over;
  }
};

Watch::Watch(Source source, std::chrono::milliseconds patience) : shared_(std::make_shared<Shared>()) {
  std::thread([shared = shared_, source = std::move(source), patience]() mutable {
    while (true) {
      const auto begun = std::chrono::steady_clock::now();
      if (!shared->tell(source.look(patience)) || !shared->wait(begun + period)) return;
    }
  }).detach();
}

Watch::~Watch() {
  const std::lock_guard lock(shared_->mutex);
  shared_->over = true;
  shared_->changed.notify_all();
}

int Watch::ready() const { return shared_->ready; }

std::optional<Watch::News> Watch::take() {
  const std::lock_guard lock(shared_->mutex);
  std::uint64_t count = 0;
  // Nothing to be read is the same as nothing new.
  if (read(shared_->ready, &count, sizeof count) < 0 || !shared_->fresh) return std::nullopt;
  shared_->fresh = false;
  return shared_->news;
}

void Watch::hurry() {
  const std::lock_guard lock(shared_->mutex);
  shared_->hurry = true;
  shared_->changed.notify_all();
}

}  // namespace peek
