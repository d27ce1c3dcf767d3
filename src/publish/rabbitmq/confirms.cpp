#include "publish/rabbitmq/confirms.hpp"

namespace rollcall {

void Confirms::begin(std::size_t size) {
  first_tag_ += sent_;
  states_.assign(size, State::waiting);
  sent_ = confirmed_ = 0;
  refused_ = false;
}

void Confirms::ack(std::uint64_t tag, bool multiple) { mark(tag, multiple, State::confirmed); }

void Confirms::nack(std::uint64_t tag, bool multiple) { mark(tag, multiple, State::refused); }

void Confirms::mark(std::uint64_t tag, bool multiple, State as) {
  if (tag < first_tag_ || tag >= first_tag_ + sent_) return;
  const std::size_t last = tag - first_tag_;
  for (std::size_t i = multiple ? confirmed_ : last; i <= last; ++i) {
    if (states_[i] != State::waiting) continue;
    states_[i] = as;
    refused_ = refused_ || as == State::refused;
  }
  while (confirmed_ < states_.size() && states_[confirmed_] == State::confirmed) ++confirmed_;
}

}  // namespace rollcall
