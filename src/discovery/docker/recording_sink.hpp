#pragma once
// For tests: what was reported, in order, as text.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "discovery/provider.hpp"

namespace rollcall::docker {

class RecordingSink final : public ProviderSink {
 public:
  void seen(Sighting sighting) override {
    said.push_back(fmt::format("{} {}", sighting.id.view(), name_of(sighting.health)));
    sightings.push_back(std::move(sighting));
  }
  void gone(InstanceId id, Cause cause) override {
    said.push_back(fmt::format("{} gone: {}", id.view(), cause.evidence));
  }
  void sampled(const InstanceId&, const Sample&) override {}

  [[nodiscard]] std::vector<std::string> take() { return std::exchange(said, {}); }

  std::vector<std::string> said;
  std::vector<Sighting> sightings;
};

}  // namespace rollcall::docker
