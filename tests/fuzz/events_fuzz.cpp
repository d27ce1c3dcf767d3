// Event streams: whatever the slices that they come in, they have the same events.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "codec/server_sent_events.hpp"

namespace {

using rollcall::codec::EventReader;

constexpr std::size_t kMost = 1 << 20;

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> told(std::string_view stream, std::size_t slice) {
  EventReader reader(kMost);
  std::vector<std::string> events;
  for (std::size_t begin = 0; begin < stream.size(); begin += slice) {
    require(reader.feed(stream.substr(begin, slice)));
    while (const auto event = reader.next()) {
      events.push_back(event->name);
      events.push_back(event->data);
      events.push_back(reader.last_id());
    }
  }
  events.push_back(reader.last_id());
  events.push_back(std::to_string(reader.retry().value_or(std::chrono::milliseconds{-1}).count()));
  return events;
}

}  // namespace

/// The first byte is the slices' size.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > kMost || data[0] == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  require(told(stream, data[0]) == told(stream, stream.size()));
  return 0;
}
