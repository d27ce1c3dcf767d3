#include "socket/complaints.hpp"

#include <chrono>
#include <utility>

#include "base/log.hpp"

namespace rollcall::socket {

void Complaints::add(std::string_view peer, const Error& fault) {
  const MonoTime now = clock_.now();
  if (now - second_began_ >= std::chrono::seconds{1}) {
    second_began_ = now;
    written_ = 0;
    if (const auto unwritten = std::exchange(unwritten_, 0); unwritten != 0) {
      log::info("socket", "{} more commands were refused", unwritten);
    }
  }
  if (written_ == per_second_) {
    ++unwritten_;
    return;
  }
  ++written_;
  log::info("socket", "a command of {} was refused: {}{}{}", peer, fault.field, fault.field.empty() ? "" : " ",
            fault.message);
}

}  // namespace rollcall::socket
