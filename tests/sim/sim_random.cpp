#include "sim_random.hpp"

#include <bit>
#include <cmath>

namespace rollcall::sim {
namespace {

// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators").
std::uint64_t split_mix(std::uint64_t& state) noexcept {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

SimRandom::SimRandom(std::uint64_t seed) {
  for (auto& word : state_.word) word = split_mix(seed);
}

// xoshiro256**, whatever the daemon's generator is: a seed must stay the run that it was.
std::uint64_t SimRandom::next() noexcept {
  const std::uint64_t result = std::rotl(state_.word[1] * 5, 7) * 9;
  state_.step();
  return result;
}

SimRandom SimRandom::fork(std::string_view name) {
  std::uint64_t seed = next();
  for (const char byte : name) seed = seed * 31 + static_cast<unsigned char>(byte);
  return SimRandom(seed);
}

std::size_t SimRandom::below(std::size_t bound) noexcept { return next() % bound; }

double SimRandom::unit() noexcept { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

bool SimRandom::chance(double probability) noexcept { return unit() < probability; }

Duration SimRandom::between(Duration low, Duration high) noexcept {
  if (high <= low) return low;
  return low + Duration(static_cast<Duration::rep>(next() % static_cast<std::uint64_t>((high - low).count())));
}

Duration SimRandom::about(Duration mean) noexcept {
  const double factor = std::min(8.0, -std::log(1.0 - unit()));
  return Duration(static_cast<Duration::rep>(static_cast<double>(mean.count()) * factor));
}

}  // namespace rollcall::sim
