#include "registry/growth.hpp"

#include <algorithm>
#include <utility>

namespace rollcall {

void Growth::tell(Revision newest) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return;
  const bool is_first = !newest_;
  newest_ = std::max(newest_, newest);
  if (is_first && newest_ && wake_) wake_();
}

void Growth::open(Task wake) {
  const std::scoped_lock lock(mutex_);
  if (!closed_) wake_ = std::move(wake);
}

void Growth::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  newest_ = {};
  wake_ = nullptr;
}

Revision Growth::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(newest_, Revision{});
}

}  // namespace rollcall
