#pragma once
// What is known of a task or a container, as an instance's metadata. Private to this folder.
#include <fmt/format.h>

#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.hpp"
#include "discovery/docker/objects.hpp"
#include "model/instance.hpp"

namespace rollcall::docker {

/// Cut at a character's beginning.
[[nodiscard]] inline std::string bounded(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  text.resize(most);
  return text;
}

/// Metadata within its bounds: what is empty is left out, what is too long is cut, what is too much is dropped.
class Facts {
 public:
  explicit Facts(const ModelLimits& limits) : limits_(limits) {}

  void add(std::string key, std::string value) {
    if (value.empty() || key.empty() || key.size() > limits_.metadata_key_bytes) return;
    if (facts_.size() == limits_.metadata_entries) return;
    facts_.try_emplace(std::move(key), bounded(std::move(value), limits_.metadata_value_bytes));
  }

  /// Of a key that was added twice the first.
  [[nodiscard]] Metadata take() && {
    return {std::make_move_iterator(facts_.begin()), std::make_move_iterator(facts_.end())};
  }

 private:
  const ModelLimits& limits_;
  std::map<std::string, std::string> facts_;
};

/// "back=10.98.1.2,front=10.98.2.7"
[[nodiscard]] inline std::string describe(const std::vector<Attachment>& networks) {
  std::string text;
  for (const auto& network : networks) {
    if (!text.empty()) text += ',';
    text += network.network;
    if (!network.address.empty()) text += '=' + network.address;
  }
  return text;
}

/// "8088->80/tcp,9/udp"
[[nodiscard]] inline std::string describe(const std::vector<Port>& ports) {
  std::string text;
  for (const auto& port : ports) {
    if (!text.empty()) text += ',';
    if (port.published != 0) text += fmt::format("{}->", port.published);
    text += fmt::format("{}/{}", port.target, port.protocol);
  }
  return text;
}

}  // namespace rollcall::docker
