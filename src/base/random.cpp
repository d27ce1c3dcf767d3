#include "base/random.hpp"

#include <bit>
#include <random>

namespace rollcall {

void Xoshiro256::step() noexcept {
  const std::uint64_t shifted = word[1] << 17;
  word[2] ^= word[0];
  word[3] ^= word[1];
  word[1] ^= word[2];
  word[0] ^= word[3];
  word[2] ^= shifted;
  word[3] = std::rotl(word[3], 45);
}

SystemRandom::SystemRandom() {
  std::random_device device;
  for (auto& word : state_.word) word = (std::uint64_t{device()} << 32) | device();
}

// xoshiro256++
std::uint64_t SystemRandom::next() noexcept {
  const std::uint64_t result = std::rotl(state_.word[0] + state_.word[3], 23) + state_.word[0];
  state_.step();
  return result;
}

std::string make_uuid(Random& random) {
  constexpr char kHex[] = "0123456789abcdef";
  const std::uint64_t high = (random.next() & ~0xF000ULL) | 0x4000ULL;
  const std::uint64_t low = (random.next() & ~(0xC000ULL << 48)) | (0x8000ULL << 48);
  std::string uuid;
  uuid.reserve(36);
  for (int digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) uuid += '-';
    const std::uint64_t word = digit < 16 ? high : low;
    uuid += kHex[(word >> (60 - 4 * (digit % 16))) & 0xF];
  }
  return uuid;
}

}  // namespace rollcall
