#pragma once
// Where requests from all threads enter, are counted and put in order.
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "registry/write_batch.hpp"

namespace rollcall {

class Inbox {
 public:
  explicit Inbox(std::size_t most) : most_(most) {}

  struct Entered {
    std::optional<Error> refusal;  ///< `pending` is untouched then
    bool wake = false;             ///< the owner has to be woken: nobody has asked it to take() yet
  };
  /// Any thread. Gives the request its place in the order.
  Entered enter(Pending& pending);

  /// Any thread. From now on everything is refused.
  void close();
  /// Any thread.
  [[nodiscard]] std::uint64_t last_sequence() const;
  [[nodiscard]] std::size_t waiting() const;

  /// The owner: moves what has entered behind `queue`.
  void take(std::deque<Pending>& queue);
  /// The owner: so many of what was taken wait no longer; negative: wait again.
  void left(std::ptrdiff_t count);

 private:
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::vector<Pending> entered_;  // all guarded by mutex_
  std::uint64_t last_sequence_ = 0;
  std::size_t waiting_ = 0;  // entered or taken, but not planned
  bool wake_asked_ = false;
  bool closed_ = false;
};

}  // namespace rollcall
