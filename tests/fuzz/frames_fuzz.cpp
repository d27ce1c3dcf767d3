// The socket protocol's frames, whole and in slices: as they come, or (a bit of the first byte) with a header that
// fits.
#include "socket_talk.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall;
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string framed;
  if ((data[0] & 0x40U) != 0) {
    codec::append_request_frame(framed, bytes);
  } else if (codec::begins_frame(bytes.front())) {
    framed = bytes;
  } else {
    return 0;
  }
  fuzz::require(!fuzz::talk(data[0], framed).empty());
  return 0;
}
