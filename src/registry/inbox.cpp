#include "registry/inbox.hpp"

#include <utility>

namespace rollcall {

Inbox::Entered Inbox::enter(Pending& pending) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return {.refusal = Error{ErrorCode::unavailable, "the daemon is stopping", {}}};
  if (waiting_ >= most_) return {.refusal = Error{ErrorCode::overloaded, "too many writes are waiting; try again", {}}};
  ++waiting_;
  pending.sequence = ++last_sequence_;
  entered_.push_back(std::move(pending));
  return {.refusal = std::nullopt, .wake = !std::exchange(wake_asked_, true)};
}

void Inbox::close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
}

std::uint64_t Inbox::last_sequence() const {
  const std::scoped_lock lock(mutex_);
  return last_sequence_;
}

std::size_t Inbox::waiting() const {
  const std::scoped_lock lock(mutex_);
  return waiting_;
}

void Inbox::take(std::deque<Pending>& queue) {
  std::vector<Pending> taken;
  {
    const std::scoped_lock lock(mutex_);
    taken.swap(entered_);
    wake_asked_ = false;
  }
  for (auto& pending : taken) queue.push_back(std::move(pending));
}

void Inbox::left(std::ptrdiff_t count) {
  const std::scoped_lock lock(mutex_);
  waiting_ -= static_cast<std::size_t>(count);
}

}  // namespace rollcall
