#include "store/packing.hpp"

#include <boost/crc.hpp>

namespace rollcall {

std::uint32_t checksum_of(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

void append_fixed32(std::uint32_t value, std::string& out) {
  for (std::size_t i = 0; i < kChecksumBytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint32_t fixed32_at(std::string_view bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    value |= std::uint32_t{static_cast<std::uint8_t>(bytes[offset + i])} << (8 * i);
  }
  return value;
}

}  // namespace rollcall
