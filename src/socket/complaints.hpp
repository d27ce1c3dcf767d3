#pragma once
// Why commands were refused, in the log: so many lines a second at most, for a broken client sends thousands.
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace rollcall::socket {

/// Of one I/O thread.
class Complaints {
 public:
  Complaints(const Clock& clock, std::size_t per_second) : clock_(clock), per_second_(per_second) {}

  void add(std::string_view peer, const Error& fault);

 private:
  const Clock& clock_;
  const std::size_t per_second_;
  MonoTime second_began_{};
  std::size_t written_ = 0;
  std::size_t unwritten_ = 0;
};

}  // namespace rollcall::socket
