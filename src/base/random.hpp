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

/// The state of the xoshiro256 generators and their step from one state to the next (Blackman and Vigna,
/// https://prng.di.unimi.it/). They differ in what number they make of a state.
struct Xoshiro256 {
  std::uint64_t word[4];
  void step() noexcept;
};

/// Seeded from the system once; not for secrets. One thread at a time.
class SystemRandom final : public Random {
 public:
  SystemRandom();
  [[nodiscard]] std::uint64_t next() noexcept override;

 private:
  Xoshiro256 state_;
};

/// A version 4 UUID in its 36-character form (RFC 9562, section 5.4).
[[nodiscard]] std::string make_uuid(Random& random);

}  // namespace rollcall
