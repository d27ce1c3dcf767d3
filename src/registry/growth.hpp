#pragma once
// How far other handles have brought the log, as the Store tells on threads of its own.
#include <mutex>

#include "base/executor.hpp"
#include "base/ids.hpp"

namespace rollcall {

class Growth {
 public:
  /// Any thread.
  void tell(Revision newest);

  /// From now on `wake` is called, on the thread that tells, when there is something to take of which nobody has been
  /// woken yet. What was told before waits to be taken.
  void open(Task wake);
  /// Nothing more is told, and nobody is being woken when it returns.
  void close();

  /// The newest that was told since it was last taken; 0: nothing was.
  [[nodiscard]] Revision take();

 private:
  std::mutex mutex_;
  Revision newest_;  // all guarded by mutex_
  Task wake_;
  bool closed_ = false;
};

}  // namespace rollcall
