#pragma once
#include "base/executor.hpp"

namespace rollcall {

/// Tells when every I/O thread has read what lay in its sockets: before that, silence proves nothing.
class TurnBarrier {
 public:
  virtual ~TurnBarrier() = default;
  /// Any thread. Runs `done` (on any thread: it should post) after each I/O thread has turned its loop since this call.
  virtual void after_all_turned(Task done) = 0;
};

}  // namespace rollcall
