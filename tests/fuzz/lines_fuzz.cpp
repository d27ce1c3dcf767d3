// The socket protocol's lines, whole and in slices, and the short way of heartbeats beside the long one.
#include "codec/line.hpp"
#include "socket_talk.hpp"

namespace {

using namespace rollcall;

void compare_ways(std::string_view line) {
  static const ModelLimits limits;
  const auto id = codec::plain_heartbeat(line, limits);
  const auto command = codec::decode_line(line, limits);
  if (!command) fuzz::require(!id && !command.error().message.empty());
  if (id) fuzz::require(*command == codec::SocketCommand(codec::HeartbeatCommand{InstanceId(*id)}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || codec::begins_frame(static_cast<char>(data[1]))) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  compare_ways(bytes.substr(0, bytes.find_first_of("\r\n")));
  const auto written = fuzz::talk(data[0], bytes);
  fuzz::require(written.empty() || written.ends_with('\n'));
  return 0;
}
