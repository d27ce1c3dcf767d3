#pragma once
// What a broker has confirmed of a batch. Delivery tags count a channel's messages from 1.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rollcall {

class Confirms {
 public:
  /// A batch of which nothing is sent yet.
  void begin(std::size_t size);
  /// The next one was sent, with the channel's next tag.
  void sent() noexcept { ++sent_; }

  /// `multiple`: all tags up to this one. Tags of other batches and unknown ones count for nothing.
  void ack(std::uint64_t tag, bool multiple);
  void nack(std::uint64_t tag, bool multiple);

  /// A new channel: it counts anew.
  void reset() noexcept { *this = {}; }

  [[nodiscard]] std::size_t unsent() const noexcept { return states_.size() - sent_; }
  /// How many of the first are confirmed.
  [[nodiscard]] std::size_t confirmed() const noexcept { return confirmed_; }
  [[nodiscard]] bool complete() const noexcept { return confirmed_ == states_.size(); }
  /// The broker won't keep one of them.
  [[nodiscard]] bool refused() const noexcept { return refused_; }

 private:
  enum class State : std::uint8_t { waiting, confirmed, refused };
  void mark(std::uint64_t tag, bool multiple, State as);

  std::uint64_t first_tag_ = 1;  ///< of this batch
  std::vector<State> states_;
  std::size_t sent_ = 0, confirmed_ = 0;
  bool refused_ = false;
};

}  // namespace rollcall
