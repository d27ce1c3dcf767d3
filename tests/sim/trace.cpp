#include "trace.hpp"

#include <cstdio>

namespace rollcall::sim {

void Trace::add(MonoTime now, std::string_view text) {
  auto line = fmt::format("{:13.6f} {}", std::chrono::duration<double>(now.time_since_epoch()).count(), text);
  for (const char byte : line) hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 0x100000001B3ULL;
  if (print_) fmt::print("{}\n", line);
  lines_.push_back(std::move(line));
  if (lines_.size() > kKept) lines_.pop_front();
}

}  // namespace rollcall::sim
