#pragma once
#include <cstdint>
#include <string>

namespace rollcall {

/// Randomness is injected like time, so that one seed repeats a whole simulation.
class Random {
 public:
  virtual ~Random() = default;
  [[nodiscard]] virtual std::uint64_t next() noexcept = 0;
};

/// Seeded from the system once; not for secrets. One thread at a time.
class SystemRandom final : public Random {
 public:
  SystemRandom();
  [[nodiscard]] std::uint64_t next() noexcept override;

 private:
  std::uint64_t state_[4];
};

/// A version 4 UUID in its 36-character form (RFC 9562, section 5.4).
[[nodiscard]] std::string make_uuid(Random& random);

}  // namespace rollcall
