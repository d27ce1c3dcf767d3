#pragma once
// Commands of one connection that wait for commits, side by side; their answers go out in the commands' order.
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "socket/commands.hpp"

namespace rollcall::socket {

class Burst : public std::enable_shared_from_this<Burst> {
 public:
  using Slot = std::optional<Result<codec::SocketAnswer>>;
  /// In the commands' order, all filled. Elements stay where they are while others are added.
  using Slots = std::deque<Slot>;

  /// A place that is filled already.
  void add(Result<codec::SocketAnswer> answer) { slots_.emplace_back(std::move(answer)); }

  /// A place that the callback fills, once, on any thread.
  [[nodiscard]] Commands::Done add() {
    open_.fetch_add(1, std::memory_order_relaxed);
    Slot* const slot = &slots_.emplace_back();
    return [self = shared_from_this(), slot](Result<codec::SocketAnswer> answer) {
      slot->emplace(std::move(answer));
      self->close_one();
    };
  }

  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }

  /// No more places will be added. Hands the answers to `wake` when all are there: at once, or on the thread that fills
  /// the last place.
  void wait(std::move_only_function<void(Slots)> wake) {
    wake_ = std::move(wake);
    close_one();
  }

 private:
  void close_one() {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake_(std::move(slots_));
  }

  Slots slots_;
  std::atomic<std::size_t> open_{1};  // one for wait() itself
  std::move_only_function<void(Slots)> wake_;
};

}  // namespace rollcall::socket
