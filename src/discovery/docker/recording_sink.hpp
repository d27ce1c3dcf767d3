#pragma once
// For tests: what was reported, in order, as text.
#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "discovery/provider.hpp"

namespace rollcall::docker {

class RecordingSink final : public ProviderSink {
 public:
  void seen(Sighting sighting) override {
    said.push_back(fmt::format("{} {}", sighting.id.view(), name_of(sighting.health)));
    auto instance = std::make_shared<Instance>();
    instance->id = sighting.id;
    instance->spec = sighting.spec;
    instance->health = sighting.health;
    listed_[sighting.id] = std::move(instance);
    sightings.push_back(std::move(sighting));
  }
  void gone(InstanceId id, Cause cause) override {
    said.push_back(fmt::format("{} gone: {}", id.view(), cause.evidence));
    listed_.erase(id);
  }
  void sampled(const InstanceId&, const Sample&) override {}

  /// As a catalog has it that all of this has come to.
  [[nodiscard]] std::vector<InstancePtr> listed() const {
    std::vector<InstancePtr> instances;
    for (const auto& [id, instance] : listed_) instances.push_back(instance);
    return instances;
  }
  [[nodiscard]] std::vector<std::string> take() { return std::exchange(said, {}); }

  std::vector<std::string> said;
  std::vector<Sighting> sightings;

 private:
  std::map<InstanceId, InstancePtr> listed_;
};

}  // namespace rollcall::docker
